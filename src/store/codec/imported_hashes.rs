//! Stored form of the ways in which imported keys are hashed.

use serde::{Deserialize, Serialize};

use super::{Damage, Record, StoreError, read, write};
use crate::key::{Part, PepperNumber, SealedCopy};

/// Hash scheme of another system.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredScheme {
    /// Not at all: texts of no known form.
    Text,
    /// Without a salt: all of the text, or this part of it.
    Digest(StoredDigest, Option<Part>),
    /// Salted; the key is found by so many first bytes of the text.
    Slow(u8),
}

/// Digest algorithm and its secret.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredDigest {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// HMAC-SHA-256 under a secret, which is sealed under a pepper.
    HmacSha256(PepperNumber, SealedCopy),
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
    PartSha256(String),
    PartSha512(String),
    PartHmacSha256(String, u8, Vec<u8>),
}

impl Record for StoredSchemes {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        write(&self.0.iter().map(SchemeWire::of).collect::<Vec<_>>())
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let wire: Vec<SchemeWire> = read(bytes)?;
        Ok(Self(wire.into_iter().map(SchemeWire::scheme).collect::<Result<_, _>>()?))
    }
}

impl SchemeWire {
    fn of(scheme: &StoredScheme) -> Self {
        let (digest, part) = match scheme {
            StoredScheme::Text => return Self::Text,
            StoredScheme::Slow(length) => return Self::Slow(*length),
            StoredScheme::Digest(digest, part) => (digest, part.as_ref().map(Part::to_string)),
        };
        match (digest, part) {
            (StoredDigest::Sha256, None) => Self::Sha256,
            (StoredDigest::Sha512, None) => Self::Sha512,
            (StoredDigest::HmacSha256(pepper, key), None) => {
                Self::HmacSha256(pepper.0, key.as_bytes().to_vec())
            }
            (StoredDigest::Sha256, Some(part)) => Self::PartSha256(part),
            (StoredDigest::Sha512, Some(part)) => Self::PartSha512(part),
            (StoredDigest::HmacSha256(pepper, key), Some(part)) => {
                Self::PartHmacSha256(part, pepper.0, key.as_bytes().to_vec())
            }
        }
    }

    fn scheme(self) -> Result<StoredScheme, Damage> {
        let hmac = |pepper, key| StoredDigest::HmacSha256(PepperNumber(pepper), SealedCopy::from_bytes(key));
        let (digest, part) = match self {
            Self::Text => return Ok(StoredScheme::Text),
            Self::Slow(length) => return Ok(StoredScheme::Slow(length)),
            Self::Sha256 => (StoredDigest::Sha256, None),
            Self::Sha512 => (StoredDigest::Sha512, None),
            Self::HmacSha256(pepper, key) => (hmac(pepper, key), None),
            Self::PartSha256(part) => (StoredDigest::Sha256, Some(part)),
            Self::PartSha512(part) => (StoredDigest::Sha512, Some(part)),
            Self::PartHmacSha256(part, pepper, key) => (hmac(pepper, key), Some(part)),
        };
        Ok(StoredScheme::Digest(digest, part.map(|part| part.parse()).transpose()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_read_as_it_was_written() {
        let hmac = || StoredDigest::HmacSha256(PepperNumber(3), SealedCopy::from_bytes(vec![1, 2, 3]));
        let digests = || [StoredDigest::Sha256, StoredDigest::Sha512, hmac()];
        let parts = ["after:|", "last:_"].map(|part| Some(part.parse().unwrap()));
        let parts = [None].into_iter().chain(parts);
        let digests =
            parts.flat_map(|part| digests().map(|digest| StoredScheme::Digest(digest, part.clone())));
        let all = [StoredScheme::Text, StoredScheme::Slow(7)].into_iter().chain(digests);
        let schemes = StoredSchemes(all.collect());
        assert!(StoredSchemes::decode(&schemes.encode().unwrap()).is_ok_and(|read| read == schemes));
        let wrong = write(&vec![SchemeWire::PartSha256("whole".to_owned())]).unwrap();
        assert!(StoredSchemes::decode(&wrong).is_err());
    }
}
