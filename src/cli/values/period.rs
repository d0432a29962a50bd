//! Periods and times as a caller types them.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::clock::Timestamp;

const NOT_A_PERIOD: &str = "must be a number with s, m, h, d or w behind it, like 90s, 12h or 30d";

/// Period of time, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Period {
    pub(in crate::cli) seconds: u64,
}

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = match text.strip_prefix(digits) {
            Some("s") => 1,
            Some("m") => 60,
            Some("h") => 3_600,
            Some("d") => 24 * 3_600,
            Some("w") => 7 * 24 * 3_600,
            _ => return Err(NOT_A_PERIOD),
        };
        let count = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let count = count.and_then(|digits| digits.parse::<u64>().ok()).ok_or(NOT_A_PERIOD)?;
        count.checked_mul(unit).map(|seconds| Self { seconds }).ok_or("is too long")
    }
}

/// A moment that has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Since {
    Before(Period),
    At(Timestamp),
}

impl FromStr for Since {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Timestamp::parse_day(text) {
            Some(at) => Ok(Self::At(at)),
            None => text.parse().map(Self::Before).map_err(
                |_| "must be a period like 12h or 30d, a day like 2030-01-31, or a time like 2030-01-31T12:00:00Z",
            ),
        }
    }
}

impl Since {
    /// Resolves the moment, relative to `now`.
    pub(in crate::cli) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Before(Period { seconds }) => {
                Timestamp::from_unix_ms(now.unix_ms().saturating_sub(seconds.saturating_mul(1_000)))
            }
        }
    }
}

/// Expiry of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Expires {
    Never,
    In(Period),
    At(Timestamp),
}

impl FromStr for Expires {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, Timestamp::parse(text)) {
            ("never", _) => Ok(Self::Never),
            (_, Some(at)) => Ok(Self::At(at)),
            (period, None) => period
                .parse()
                .map(Self::In)
                .map_err(|_| "must be never, a period like 12h or 30d, or a time like 2030-01-31T12:00:00Z"),
        }
    }
}

impl Expires {
    /// Adds the expiry to the body of a request.
    pub(in crate::cli) fn put(self, body: &mut Map<String, Value>) {
        let (name, value) = match self {
            Self::Never => ("expires_at", Value::Null),
            Self::In(period) => ("expires_in_seconds", json!(period.seconds)),
            Self::At(at) => ("expires_at", json!(at.to_string())),
        };
        body.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_a_number_and_a_unit() {
        let seconds = |text: &str| text.parse::<Period>().ok().map(|period| period.seconds);
        let good =
            [("0s", 0), ("90s", 90), ("5m", 300), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600)];
        for (text, expected) in good {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for wrong in [
            "",
            "s",
            "5",
            "-5s",
            "+5s",
            "1.5h",
            "5 s",
            "5ms",
            "d5",
            "5D",
            "99999999999999999999s",
            "4000000000000000w",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_end_is_never_a_period_or_a_moment() {
        assert_eq!("never".parse(), Ok(Expires::Never));
        assert_eq!("90s".parse(), Ok(Expires::In(Period { seconds: 90 })));
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Expires::At(Timestamp::from_unix_ms(1_000))));
        assert!("tomorrow".parse::<Expires>().is_err());
    }
}
