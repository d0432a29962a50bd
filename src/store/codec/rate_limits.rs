//! Stored form of rate limits: behind the record of a key, which says in its level whether there are any.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::{Damage, StoreError, read, write};
use crate::key::{Level, RateLimit, RateLimits};

/// Added to a level that rate limits follow.
const LIMITED: u8 = 0x10;

#[derive(Serialize, Deserialize)]
struct LimitWire {
    name: String,
    count: NonZeroU32,
    seconds: NonZeroU32,
    burst: NonZeroU32,
}

/// The level as it is stored in the record of a key with these limits.
pub(super) fn levelled(level: Level, limits: &RateLimits) -> u8 {
    level.number() | if limits.all().is_empty() { 0 } else { LIMITED }
}

/// The record with its limits behind it.
pub(super) fn limited(mut record: Vec<u8>, limits: &RateLimits) -> Result<Vec<u8>, StoreError> {
    if !limits.all().is_empty() {
        let wire = limits.all().iter().map(|limit| LimitWire {
            name: limit.name.as_str().to_owned(),
            count: limit.count,
            seconds: limit.seconds,
            burst: limit.burst,
        });
        record.extend(write(&wire.collect::<Vec<_>>())?);
    }
    Ok(record)
}

/// The level and the limits of a record, from its stored level and what follows it.
pub(super) fn level_and_limits(stored: u8, rest: &[u8]) -> Result<(Level, RateLimits), Damage> {
    let level = Level::new(stored & !LIMITED).map_err(|_| Damage::Level)?;
    if stored & LIMITED == 0 {
        return if rest.is_empty() { Ok((level, RateLimits::none())) } else { Err(Damage::Shape) };
    }
    let wire: Vec<LimitWire> = read(rest)?;
    let limit = |wire: LimitWire| {
        let LimitWire { name, count, seconds, burst } = wire;
        Ok::<_, Damage>(RateLimit { name: name.parse()?, count, seconds, burst })
    };
    let limits = wire.into_iter().map(limit).collect::<Result<Vec<_>, _>>()?;
    let limits = RateLimits::stored(limits).map_err(|_| Damage::Shape)?;
    // One set of limits has one stored form.
    if limits.all().is_empty() { Err(Damage::Shape) } else { Ok((level, limits)) }
}
