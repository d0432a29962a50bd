//! Rate limits for keys that are made at random.

use std::num::NonZeroU32;

use keyward::key::{RateLimit, RateLimits};

/// Some limits of each kind: none, one, several.
pub(crate) fn rate_limits(which: u8) -> RateLimits {
    let limit = |name: &str, count, seconds, burst| {
        let [count, seconds, burst] = [count, seconds, burst].map(|number| NonZeroU32::new(number).unwrap());
        RateLimit { name: name.parse().unwrap(), count, seconds, burst }
    };
    RateLimits::of(match which {
        0 => Vec::new(),
        1 => vec![limit("default", 2, 3, 2)],
        2 => vec![limit("a", 7, 1, 5), limit("b", 1, 9, 3)],
        _ => vec![limit("default", 3, 7, 1)],
    })
    .unwrap()
}
