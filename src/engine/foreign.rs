//! Keys that came from other systems: found by what those left of them, until their first use shows the text.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::index::{Found, Look};
use crate::key::{KeyId, KeyTrace, Locator, Prefix, PresentedKey, StoredTrace, UncheckedKey, shown_of};
use crate::limits;
use crate::store::codec::StoredSchemes;
use crate::store::schema;

use super::schemes::Schemes;
use super::{EngineError, Reader};

/// What of them is asked with every key that nobody has: without the price of looking at them.
#[derive(Default)]
pub(super) struct Foreign {
    schemes: ArcSwap<Schemes>,
    any: AtomicBool,
    salted: AtomicBool,
}

impl Foreign {
    fn replace(&self, schemes: Schemes) {
        let (any, salted) = (!schemes.is_empty(), !schemes.slow.is_empty());
        self.schemes.store(Arc::new(schemes));
        self.any.store(any, Ordering::Release);
        self.salted.store(salted, Ordering::Release);
    }
}

impl Reader {
    /// Reads the schemes from the store.
    ///
    /// # Errors
    /// [`EngineError::Store`], [`EngineError::Seal`].
    pub(super) fn load_schemes(&self) -> Result<(), EngineError> {
        let stored: StoredSchemes = self.get(schema::FOREIGN)?.unwrap_or_default();
        let slow = !self.store.scan(schema::SLOW, None, 1)?.is_empty();
        self.foreign.replace(Schemes::open(&stored, slow, &self.peppers)?);
        Ok(())
    }

    /// The ways in which imported keys are hashed.
    pub(super) fn schemes(&self) -> Schemes {
        Schemes::clone(&self.foreign.schemes.load())
    }

    /// Whether a text that nobody has may yet be a key of another system.
    #[inline]
    pub fn knows_foreign_keys(&self) -> bool {
        self.foreign.any.load(Ordering::Acquire)
    }

    /// Whether telling that may take waiting, for salted hashes.
    pub fn checks_salted_hashes(&self) -> bool {
        self.foreign.salted.load(Ordering::Acquire)
    }

    /// Has `then` look at the key of another system with this text, if there is one; whether there was. What was found
    /// by a hash gets our own soon.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when too many salted hashes wait to be checked; [`EngineError::Store`]: undecided, `then`
    /// was not called.
    #[cold]
    pub fn look_up_foreign(&self, text: &str, then: &mut dyn Look) -> Result<bool, EngineError> {
        let Ok(presented) = PresentedKey::of_any_form(text) else { return Ok(false) };
        let schemes = self.foreign.schemes.load();
        if schemes.is_empty() {
            return Ok(false);
        }
        let locator = shown_of(text)?.locator();
        let mut then = |found: &Found<'_>| then.look(found);
        if self.look_up_text(&presented, locator, &mut then)? {
            return Ok(true);
        }
        if self.look_up_digests(text, &schemes, &mut then)? {
            return Ok(true);
        }
        for length in &schemes.slow {
            let prefix = text.get(..*length).filter(|_| text.len() > *length);
            if let Some(prefix) = prefix.and_then(|prefix| prefix.parse().ok())
                && self.look_up_salted(text, &prefix, &mut then)?
            {
                return Ok(true);
            }
        }
        // It may have become our own since the first look: then it is found by its text now.
        if self.look_up_text(&presented, locator, &mut then)? {
            return Ok(true);
        }
        // Salted hashes were looked for in the store, which shows a change a moment before the index does.
        for (_, pepper) in self.peppers.all().filter(|_| !schemes.slow.is_empty()) {
            let trace = KeyTrace { hash: pepper.hash(&presented), locator };
            if self.look_up_stored(&trace, &mut then)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Looks for a text of which, or of a part of which, a digest was imported.
    fn look_up_digests(
        &self,
        text: &str,
        schemes: &Schemes,
        then: &mut impl Look,
    ) -> Result<bool, EngineError> {
        for scheme in &schemes.digests {
            let digest = scheme.digest(text.as_bytes());
            for (_, pepper) in self.peppers.all() {
                if self.look_up_digest(text, &scheme.trace(&digest, pepper)?, true, then)? {
                    return Ok(true);
                }
            }
        }
        for scheme in &schemes.parts {
            let Some((before, part)) = scheme.part.split(text) else { continue };
            let (before, digest) = (before.parse::<Prefix>().ok(), scheme.scheme.digest(part.as_bytes()));
            for (_, pepper) in self.peppers.all() {
                if before.is_some()
                    && self.look_up_digest(
                        text,
                        &scheme.trace(before.as_ref(), &digest, pepper)?,
                        true,
                        then,
                    )?
                {
                    return Ok(true);
                }
                // Whatever stands before this part: nobody said that it has to stay what it was at the first use.
                if self.look_up_digest(text, &scheme.trace(None, &digest, pepper)?, false, then)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Looks for the key with this digest; `adopting` it, its text is the one that it has from now on.
    fn look_up_digest(
        &self,
        text: &str,
        stored: &StoredTrace,
        adopting: bool,
        then: &mut impl Look,
    ) -> Result<bool, EngineError> {
        let trace = KeyTrace { hash: stored.hash, locator: stored.prefix.locator() };
        self.look_up_trace(&trace, &mut |found: &Found<'_>| {
            if adopting {
                self.rehashes.adopt(found.record.id, stored.hash, UncheckedKey::new(text.to_owned()));
            }
            then.look(found);
        })
    }

    /// Looks for a text of any form that is our own.
    fn look_up_text(
        &self,
        presented: &PresentedKey<'_>,
        locator: Locator,
        then: &mut impl Look,
    ) -> Result<bool, EngineError> {
        for (_, pepper) in self.peppers.all() {
            let trace = KeyTrace { hash: pepper.hash(presented), locator };
            if self.look_up_trace(&trace, then)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Checks the text against the salted hashes of keys that begin like it.
    fn look_up_salted(&self, text: &str, prefix: &Prefix, then: &mut impl Look) -> Result<bool, EngineError> {
        let entries =
            self.store.scan(&schema::slow_of(prefix.as_str()), None, limits::SLOW_CANDIDATES_MAX)?;
        for id in entries.iter().filter_map(|entry| schema::indexed_id(&entry.key)).map(KeyId::from_bytes) {
            let Some(key) = self.key(id)? else { continue };
            for secret in key.secrets.all().filter(|secret| secret.prefix == *prefix) {
                let Some(hash) = &secret.foreign else { continue };
                if !self.passwords.check_foreign(hash, text)? {
                    continue;
                }
                let Some((_, record)) = key.hot_records().find(|(trace, _)| *trace == secret.trace()) else {
                    continue;
                };
                let owner = self.user(record.owner)?.map(|user| user.owner().standing);
                self.rehashes.adopt(id, secret.hash, UncheckedKey::new(text.to_owned()));
                then.look(&Found::stored(record.view(), owner));
                return Ok(true);
            }
        }
        Ok(false)
    }
}
