//! Prefixes of key texts.

use std::fmt;
use std::str::FromStr;

use crate::key::names::text;
use crate::key::{Locator, ParseError};

impl Prefix {
    /// Locator of the key texts with this prefix.
    pub fn locator(&self) -> Locator {
        Locator::of(&self.0)
    }
}

text!(
    /// Prefix of a key text: its leading part, which is safe to show.
    Prefix,
    "prefix",
    |text| {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(legal) { Ok(()) } else { Err("is not a prefix") }
    }
);
