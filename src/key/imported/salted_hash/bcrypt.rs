//! bcrypt, of the text or of its SHA-256 as Django does.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::limits;

/// Bytes of a text that bcrypt reads. Further bytes would not count.
const BYTES_READ: usize = 72;

/// Input of bcrypt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    Text,
    /// Hexadecimal digits of the SHA-256, so that all of a long text counts.
    Sha256,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Bcrypt {
    given: Given,
    hash: String,
    cost: u32,
}

impl Bcrypt {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (given, hash) = match (text.strip_prefix("bcrypt_sha256$"), text.strip_prefix("bcrypt$")) {
            (Some(hash), _) => (Given::Sha256, hash),
            (None, Some(hash)) => (Given::Text, hash),
            (None, None) => (Given::Text, text),
        };
        let parts: bcrypt::HashParts = hash.parse().ok()?;
        Some(Self { given, hash: hash.to_owned(), cost: parts.get_cost() })
    }

    pub(super) const fn is_affordable(&self) -> bool {
        self.cost <= limits::BCRYPT_COST_MAX
    }

    pub(super) fn is_of(&self, text: &str) -> bool {
        let verify = |text: &str| bcrypt::verify(text, &self.hash).unwrap_or(false);
        match self.given {
            Given::Text => text.len() <= BYTES_READ && verify(text),
            Given::Sha256 => verify(&hex::encode(Sha256::digest(text))),
        }
    }

    /// About 1 millisecond at the lowest cost, 4. Each step of the cost doubles the time.
    pub(super) fn takes(&self) -> Duration {
        Duration::from_micros(1_000 << self.cost.saturating_sub(4).min(20))
    }
}
