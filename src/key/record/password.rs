//! Passwords and their hashes.

use std::fmt;

use zeroize::Zeroizing;

use crate::key::ParseError;
use crate::limits;

/// Password as typed. Wiped when dropped; `Debug` prints the type name only.
#[derive(Clone)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Returns the password of these bytes, verbatim.
    ///
    /// # Errors
    /// [`ParseError`] when empty or above 1,024 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, ParseError> {
        match bytes.len() {
            0 => Err(ParseError::new("password", "must not be empty")),
            1..=limits::PASSWORD_BYTES_MAX => Ok(Self(Zeroizing::new(bytes.to_vec()))),
            _ => Err(ParseError::new("password", "must be at most 1024 bytes")),
        }
    }

    /// Returns a password that a person chooses anew. Shorter passwords that were set earlier still work.
    ///
    /// # Errors
    /// As [`Password::new`], and below 8 characters.
    pub fn chosen(bytes: &[u8]) -> Result<Self, ParseError> {
        let characters = std::str::from_utf8(bytes).map_or(bytes.len(), |text| text.chars().count());
        if (1..limits::PASSWORD_CHARACTERS_MIN).contains(&characters) {
            return Err(ParseError::new("password", "must be at least 8 characters"));
        }
        Self::new(bytes)
    }

    /// Bytes to hash.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Password hash: argon2id with its parameters and salt, as a PHC string. `Debug` prints the type name only.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Returns the hash of this PHC string.
    pub const fn from_phc(text: String) -> Self {
        Self(text)
    }

    /// PHC string.
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_1_to_1024_bytes_as_typed_and_nothing_is_printed() {
        for (length, is_one) in [(0, false), (1, true), (1_024, true), (1_025, false)] {
            assert_eq!(Password::new(&vec![0xff; length]).is_ok(), is_one, "{length}");
        }
        for (text, is_one) in
            [("", false), ("1234567", false), ("12345678", true), ("ääääää", false), ("ääääääää", true)]
        {
            assert_eq!(Password::chosen(text.as_bytes()).is_ok(), is_one, "{text}");
        }
        let password = Password::new(b" p\0").unwrap();
        assert_eq!((password.reveal(), format!("{password:?}").as_str()), (&b" p\0"[..], "Password"));
        let hash = PasswordHash::from_phc("$argon2id$".to_owned());
        assert_eq!((hash.as_phc(), format!("{hash:?}").as_str()), ("$argon2id$", "PasswordHash"));
    }
}
