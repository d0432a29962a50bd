//! Notes of an import about the first use of its keys.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::command::Service;
use crate::dialect::native::refusal::Refusal;
use crate::engine::ImportedKey;
use crate::key::{ImportedSecret, Prefix};
use crate::limits;

/// Consequences of the secrets of an import.
#[derive(Default)]
pub(super) struct FirstUse {
    /// For each beginning of texts the dearest of its salted hashes, and how many of them there are.
    salted: BTreeMap<Prefix, (Duration, usize)>,
    digests: bool,
}

impl FirstUse {
    pub(super) fn of(keys: &[ImportedKey]) -> Self {
        let mut first_use = Self::default();
        for key in keys {
            match &key.secret {
                ImportedSecret::Text(_) => {}
                ImportedSecret::Digest(..) | ImportedSecret::PartDigest(..) => first_use.digests = true,
                ImportedSecret::Salted(beginning, hash) => {
                    let (dearest, count) = first_use.salted.entry(beginning.clone()).or_default();
                    (*dearest, *count) = ((*dearest).max(hash.takes()), *count + 1);
                }
            }
        }
        first_use
    }

    /// The seconds of work that a first use may take; `None` when nothing was imported that takes any. In a `dry` run its
    /// own keys are not among those that are there.
    pub(super) fn first_use_seconds(&self, service: &Service, dry: bool) -> Result<Option<u64>, Refusal> {
        let mut longest = None;
        for (beginning, (dearest, own)) in &self.salted {
            let there = service.salted_beside(beginning)?;
            let count = if dry { there + own } else { there };
            let takes = dearest.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
            longest = longest.max(Some(takes.as_millis().div_ceil(1_000) as u64));
        }
        Ok(longest)
    }

    /// The same in words, and what cannot be known.
    pub(super) fn notes(&self, first_use_seconds: Option<u64>) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(seconds) = first_use_seconds {
            let wait = limits::CHECK_WAIT.as_secs();
            notes.push(format!(
                "the first use of a key with a salted hash may take up to {seconds} s of work, as that of whatever begins \
                 like it; after {wait} s it is answered with 503 and Retry-After, and goes on meanwhile"
            ));
        }
        if self.digests || !self.salted.is_empty() {
            notes.push(
                "a hash does not show whether another key has the same text, unless that was imported as text: then \
                 whichever became our own first decides, so revoke both"
                    .to_owned(),
            );
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::NewKey;
    use crate::key::{DigestScheme, Keyspace, Level, UserId};

    fn key(secret: ImportedSecret) -> ImportedKey {
        ImportedKey::new(NewKey::new(*Keyspace::NATIVE.name(), UserId(1), Level::READ), secret)
    }

    #[test]
    fn what_cannot_be_known_is_said_of_hashes_and_not_of_texts() {
        let text = FirstUse::of(&[key(ImportedSecret::Text("a-text-0123".to_owned().into()))]);
        assert!(text.notes(None).is_empty());
        let digest = FirstUse::of(&[key(ImportedSecret::Digest(DigestScheme::Sha256, vec![0; 32]))]);
        assert_eq!(digest.notes(None).len(), 1);
        let hash = "$2b$10$7bfeUJbTr/71x/6VdGC1eOFB5tdn84hoXvPigS9mGx7hyKvFsCeFO";
        let salted = ImportedSecret::Salted("sk_".parse().unwrap(), hash.parse().unwrap());
        let salted = FirstUse::of(&[key(salted.clone()), key(salted)]);
        assert_eq!(salted.salted.values().map(|(_, count)| *count).collect::<Vec<_>>(), [2]);
        let notes = salted.notes(Some(40));
        assert!(notes.len() == 2 && notes[0].contains("up to 40 s of work"), "{notes:?}");
    }
}
