//! Rate limits as a caller types them.

use std::num::NonZeroU32;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::cli::values::period::Period;
use crate::key::LimitName;

const NOT_A_LIMIT: &str =
    "must be NAME=COUNT/PERIOD or NAME=COUNT/PERIOD:BURST, like default=100/1m, or none";

/// Rate limit, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum LimitArg {
    None,
    Of { name: LimitName, count: NonZeroU32, seconds: NonZeroU32, burst: Option<NonZeroU32> },
}

impl FromStr for LimitArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::None);
        }
        let (name, rest) = text.split_once('=').ok_or(NOT_A_LIMIT)?;
        let (count, rest) = rest.split_once('/').ok_or(NOT_A_LIMIT)?;
        let (period, burst) =
            rest.split_once(':').map_or((rest, None), |(period, burst)| (period, Some(burst)));
        let Period { seconds } = period.parse().map_err(|_| NOT_A_LIMIT)?;
        let number = |text: &str| text.parse::<NonZeroU32>().map_err(|_| NOT_A_LIMIT);
        Ok(Self::Of {
            name: name.parse().map_err(|_| NOT_A_LIMIT)?,
            count: number(count)?,
            seconds: u32::try_from(seconds).ok().and_then(NonZeroU32::new).ok_or(NOT_A_LIMIT)?,
            burst: burst.map(number).transpose()?,
        })
    }
}

impl LimitArg {
    /// Rate limits as the body of a request has them.
    pub(in crate::cli) fn list(all: &[Self]) -> Value {
        let limit = |limit: &Self| match limit {
            Self::None => None,
            Self::Of { name, count, seconds, burst } => {
                Some(json!({ "name": name.as_str(), "count": count, "seconds": seconds, "burst": burst }))
            }
        };
        all.iter().filter_map(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_a_name_a_count_and_a_period() {
        let limits = ["default=100/1m", "fast=10/1s:50", "none"].map(|text| text.parse().unwrap());
        let expected = json!([
            { "name": "default", "count": 100, "seconds": 60, "burst": null },
            { "name": "fast", "count": 10, "seconds": 1, "burst": 50 },
        ]);
        assert_eq!(LimitArg::list(&limits), expected);
        for wrong in
            ["", "100/1m", "default=100", "default=0/1m", "default=1/0s", "default=1/1m:0", "D=1/1m", "a=1/m"]
        {
            assert!(wrong.parse::<LimitArg>().is_err(), "{wrong}");
        }
    }
}
