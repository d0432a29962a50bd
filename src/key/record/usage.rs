//! Uses of keys.

use std::net::IpAddr;

use crate::clock::Timestamp;

/// Allowed use of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Time of the use.
    pub at: Timestamp,
    /// Client address, if known.
    pub from: Option<IpAddr>,
}

/// Allowed uses of a key, summed up.
///
/// # Durability
/// Counted in memory and written about once a minute: a crash may lose the uses since then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Number of uses.
    pub count: u64,
    /// Latest use.
    pub last: Option<Use>,
}

impl Usage {
    /// Counts one more use. An earlier use never replaces a later one as the latest.
    pub fn add(&mut self, new: Use) {
        self.merge(Self { count: 1, last: Some(new) });
    }

    /// Adds uses that were counted separately.
    pub fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        let newer = |a: Use, b: Use| if b.at >= a.at { b } else { a };
        self.last = match (self.last, other.last) {
            (Some(a), Some(b)) => Some(newer(a, b)),
            (one, other) => one.or(other),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_use_wins_whatever_the_order() {
        let at = |ms| Use { at: Timestamp::from_unix_ms(ms), from: None };
        let mut usage = Usage::default();
        usage.add(at(5));
        usage.add(at(3));
        assert_eq!(usage, Usage { count: 2, last: Some(at(5)) });
    }

    #[test]
    fn of_two_uses_at_once_the_one_that_is_added_counts() {
        let from = |last: u8| Use { at: Timestamp::from_unix_ms(5), from: Some([10, 0, 0, last].into()) };
        let mut usage = Usage { count: 2, last: Some(from(1)) };
        usage.merge(Usage { count: 3, last: Some(from(2)) });
        assert_eq!(usage, Usage { count: 5, last: Some(from(2)) });
        usage.merge(Usage { count: u64::MAX, last: None });
        assert_eq!(usage, Usage { count: u64::MAX, last: Some(from(2)) });
    }
}
