//! Ids of records: safe to show in addresses, logs and the audit.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::entropy::{Entropy, EntropyError};
use crate::key::ParseError;

macro_rules! guid {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// Returns a random id: a version 4 UUID (RFC 9562, section 5.4).
            ///
            /// # Errors
            /// [`EntropyError`] when the system has no randomness.
            pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                let mut bytes = [0; 16];
                entropy.fill(&mut bytes)?;
                Ok(Self(uuid::Builder::from_random_bytes(bytes).as_uuid().as_u128()))
            }

            /// Returns the id of these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }

            /// Bytes of the id.
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
    /// Key id: 128 bits, public, the same after a rotation.
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
    /// Returns the id of this number.
    pub(crate) const fn from_number(number: u128) -> Self {
        Self(number)
    }

    /// Bytes of the id as one number.
    pub(crate) const fn number(self) -> u128 {
        self.0
    }
}

guid!(
    /// Company id: 128 bits, public.
    CompanyId,
    "company"
);

/// User id: 1 for the first user, never used twice.
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
