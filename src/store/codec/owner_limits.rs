//! Stored form of the limits that bind all keys of an owner in a keyspace.

use super::rate_limits::{level_and_limits, levelled, limited};
use super::{Damage, Record, StoreError, read_part, write};
use crate::key::{Level, RateLimits};

/// Limits that somebody above an owner set, and which no key of the owner in the keyspace goes beyond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerLimits {
    /// The highest level at which they were set: nobody below it goes beyond them.
    pub level: Level,
    /// The tightest that were set.
    pub limits: RateLimits,
}

impl Record for OwnerLimits {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        limited(write(&levelled(self.level, &self.limits))?, &self.limits)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let (level, rest) = read_part(bytes)?;
        let (level, limits) = level_and_limits(level, rest)?;
        // Where nothing is set there is no entry.
        if limits.all().is_empty() { Err(Damage::Shape) } else { Ok(Self { level, limits }) }
    }
}
