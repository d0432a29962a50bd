//! Public names of records: safe in addresses, logs and the audit.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::ParseError;
use crate::entropy::{Entropy, EntropyError};

macro_rules! guid {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// Makes a random one (a version 4 UUID).
            ///
            /// # Errors
            /// [`EntropyError`] when the system gives no randomness.
            pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                let mut bytes = [0; 16];
                entropy.fill(&mut bytes)?;
                Ok(Self(uuid::Builder::from_random_bytes(bytes).as_uuid().as_u128()))
            }

            /// The id made of these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }

            /// The bytes of the id.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                // Only the dashed form: one id has one text.
                let id = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
                id.map(|id| Self(id.as_u128())).ok_or(ParseError::new($what, "must be a UUID with dashes"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Uuid::from_u128(self.0).hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

guid!(
    /// Public 128-bit name of a key; stays the same through rotation.
    ///
    /// ```
    /// use keyward::{entropy::OsEntropy, key::KeyId};
    /// let id = KeyId::generate(&OsEntropy)?;
    /// assert_eq!(id.to_string().parse(), Ok(id));
    /// # Ok::<(), keyward::entropy::EntropyError>(())
    /// ```
    KeyId,
    "key id"
);
impl KeyId {
    /// The id of this number.
    pub(crate) const fn from_number(number: u128) -> Self {
        Self(number)
    }

    /// Its bytes as one number.
    pub(crate) const fn number(self) -> u128 {
        self.0
    }
}

guid!(
    /// Public name of a company.
    CompanyId,
    "company"
);

/// Number of a user: 1 for the first, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_bytes_and_texts() {
        let id = KeyId::from_number(0x0102);
        assert_eq!((id.number(), id.to_bytes()[14..].to_vec()), (0x0102, vec![1, 2]));
        assert_eq!(id.to_string(), "00000000-0000-0000-0000-000000000102");
        assert_eq!((format!("{id:?}"), UserId(61).to_string()), (id.to_string(), "61".to_owned()));
        for wrong in ["", "00000000000000000000000000000102", "{00000000-0000-0000-0000-000000000102}"] {
            assert!(wrong.parse::<KeyId>().is_err(), "{wrong}");
        }
    }
}
