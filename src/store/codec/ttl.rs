//! Stored form of entries with a TTL: deleted keys and idempotency keys.

use serde::{Deserialize, Serialize};

use super::{Damage, Record, StoreError, read, read_part, time, write};
use crate::clock::Timestamp;
use crate::key::{Key, KeyId, Level};

/// A deleted key that may be undeleted until `until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The key as it was.
    pub key: Key,
    /// Level of the user who deleted it; level 0 for its owner.
    pub by: Level,
    /// Moment from which on the key cannot be undeleted.
    pub until: Timestamp,
}

impl Record for Deleted {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = match self.by {
            Level::AUTHENTICATE => write(&self.until.unix_ms())?,
            by => write(&(0_u64, by.number(), self.until.unix_ms()))?,
        };
        bytes.extend(self.key.encode()?);
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let (mut until, mut key) = read_part(bytes)?;
        let mut by = Level::AUTHENTICATE;
        // Nothing was kept until the year 1970: then it says who deleted it.
        if until == 0_u64 {
            let ((level, end), rest) = read_part::<(u8, u64)>(key)?;
            (by, until, key) = (Level::new(level).map_err(|_| Damage::Level)?, end, rest);
            if by == Level::AUTHENTICATE || until == 0 {
                return Err(Damage::Shape);
            }
        }
        Ok(Self { key: Key::decode(key)?, by, until: time(until)? })
    }
}

/// Outcome of a request with an idempotency key, which may be repeated until `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeatable {
    /// The key it made.
    pub key: KeyId,
    /// Hash of everything in it.
    pub content: [u8; 32],
    /// Moment from which on the same request is a new one.
    pub until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct RepeatableWire {
    key: [u8; 16],
    content: [u8; 32],
    until: u64,
}

impl Record for Repeatable {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let Self { key, content, until } = *self;
        write(&RepeatableWire { key: key.to_bytes(), content, until: until.unix_ms() })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let RepeatableWire { key, content, until } = read(bytes)?;
        Ok(Self { key: KeyId::from_bytes(key), content, until: time(until)? })
    }
}
