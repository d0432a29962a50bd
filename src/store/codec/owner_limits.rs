//! Stored form of the limits that bind all keys of an owner in a keyspace.

use super::rate_limits::{level_and_limits, levelled, limited};
use super::{Damage, Record, StoreError, read_part, write};
use crate::key::{Level, RateLimits};

/// Limits that a user of a higher level set for all keys of an owner in a keyspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerLimits {
    /// Highest level at which limits were set: users below it cannot exceed them.
    pub level: Level,
    /// The tightest limits that were set.
    pub limits: RateLimits,
}

impl Record for OwnerLimits {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        limited(write(&levelled(self.level, &self.limits))?, &self.limits)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let (level, rest) = read_part(bytes)?;
        let (level, limits) = level_and_limits(level, rest)?;
        // An owner without limits has no entry.
        if limits.all().is_empty() { Err(Damage::Shape) } else { Ok(Self { level, limits }) }
    }
}
