//! Stored form of the ways in which imported keys are hashed.

use serde::{Deserialize, Serialize};

use super::{Damage, Record, StoreError, read, write};
use crate::key::{PepperNumber, SealedCopy};

/// One way in which another system hashed its keys.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredScheme {
    /// Not at all: texts of no known form.
    Text,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// HMAC-SHA-256 under a secret, which is sealed under a pepper.
    HmacSha256(PepperNumber, SealedCopy),
    /// Salted, found by so many first bytes of the text.
    Slow(u8),
}

/// All of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoredSchemes(pub Vec<StoredScheme>);

#[derive(Serialize, Deserialize)]
enum SchemeWire {
    Text,
    Sha256,
    Sha512,
    HmacSha256(u8, Vec<u8>),
    Slow(u8),
}

impl Record for StoredSchemes {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let wire = |scheme: &StoredScheme| match scheme {
            StoredScheme::Text => SchemeWire::Text,
            StoredScheme::Sha256 => SchemeWire::Sha256,
            StoredScheme::Sha512 => SchemeWire::Sha512,
            StoredScheme::HmacSha256(pepper, key) => {
                SchemeWire::HmacSha256(pepper.0, key.as_bytes().to_vec())
            }
            StoredScheme::Slow(length) => SchemeWire::Slow(*length),
        };
        write(&self.0.iter().map(wire).collect::<Vec<_>>())
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let wire: Vec<SchemeWire> = read(bytes)?;
        let scheme = |wire| match wire {
            SchemeWire::Text => StoredScheme::Text,
            SchemeWire::Sha256 => StoredScheme::Sha256,
            SchemeWire::Sha512 => StoredScheme::Sha512,
            SchemeWire::HmacSha256(pepper, key) => {
                StoredScheme::HmacSha256(PepperNumber(pepper), SealedCopy::from_bytes(key))
            }
            SchemeWire::Slow(length) => StoredScheme::Slow(length),
        };
        Ok(Self(wire.into_iter().map(scheme).collect()))
    }
}
