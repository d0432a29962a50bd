//! Denial log: how many keys were denied, at most once a minute.
//!
//! A line for each denied key would let a client fill the log with junk keys.

use crate::clock::Timestamp;
use crate::limits;

/// State of the log of denied keys.
#[derive(Debug)]
pub(super) struct DenialLog {
    /// Denied keys since the start, as logged last.
    told: u64,
    /// Time of the last line.
    at: Timestamp,
}

impl DenialLog {
    pub(super) const fn since(start: Timestamp) -> Self {
        Self { told: 0, at: start }
    }

    /// Returns how many denied keys to log, given how many there were since the start: at most once a minute, and never
    /// zero.
    pub(super) fn due(&mut self, now: Timestamp, refused: u64) -> Option<u64> {
        let passed = now.unix_ms().saturating_sub(self.at.unix_ms());
        let more = refused.saturating_sub(self.told);
        if passed < limits::DENIED_KEYS_LOGGED_MS || more == 0 {
            return None;
        }
        *self = Self { told: refused, at: now };
        Some(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_denied_keys_is_one_line_a_minute() {
        let mut refused = DenialLog::since(Timestamp::from_unix_ms(0));
        // A thousand a second for ten minutes, sampled every ten seconds.
        let told: Vec<_> =
            (1..=60).filter_map(|n| refused.due(Timestamp::from_unix_ms(n * 10_000), n * 10_000)).collect();
        assert_eq!(told, [60_000; 10]);
        assert_eq!(refused.due(Timestamp::from_unix_ms(10_000_000), 600_000), None, "no more came");
        assert_eq!(refused.due(Timestamp::from_unix_ms(20_000_000), 600_001), Some(1));
    }
}
