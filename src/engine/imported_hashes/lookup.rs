//! Keys that came from other systems: found by what those left of them, until their first use shows the text.

use std::net::IpAddr;

use crate::engine::{EngineError, Reader};
use crate::index::{Found, LookupVisitor};
use crate::key::{Locator, LookupKey, Prefix, PresentedKey, StoredLookupKey, UncheckedKey, shown_prefix};
use crate::limits;
use crate::store::codec::StoredSchemes;
use crate::store::schema;

use super::checker::{Asked, Match, WaitPolicy};
use super::queue::TextId;
use super::schemes::Schemes;

impl Reader {
    /// Reads the schemes from the store.
    ///
    /// # Errors
    /// [`EngineError::Store`], [`EngineError::Seal`].
    pub(in crate::engine) fn load_schemes(&self) -> Result<(), EngineError> {
        let stored: StoredSchemes = self.get(schema::FOREIGN)?.unwrap_or_default();
        self.imported.replace(Schemes::open(&stored, &self.peppers)?);
        Ok(())
    }

    /// Reads from the store what keys with salted hashes begin with.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub(in crate::engine) fn load_salted_prefixes(&self) -> Result<(), EngineError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.store.scan(schema::SLOW, after.as_deref(), limits::PAGE_MAX)?;
            let mut beginnings: Vec<Prefix> =
                page.iter().filter_map(|entry| schema::slow_prefix(&entry.key)?.parse().ok()).collect();
            beginnings.dedup();
            self.salted.add(beginnings.iter());
            match beginnings.last() {
                // All others that begin so need not be read.
                Some(last) => after = Some(schema::slow(last.as_str(), &[u8::MAX; 16])),
                None => return Ok(()),
            }
        }
    }

    /// The ways in which imported keys are hashed.
    pub(in crate::engine) fn schemes(&self) -> Schemes {
        Schemes::clone(&self.imported.schemes())
    }

    /// Whether a text that nobody has may yet be a key of another system.
    #[inline]
    pub fn has_imported_hashes(&self) -> bool {
        self.imported.any()
    }

    /// Whether there are, or were, keys of other systems that only a salted hash is known of.
    pub fn has_salted_hashes(&self) -> bool {
        self.salted.any()
    }

    /// Whether telling that of this text, sent from there, takes waiting: it begins like a key of which a salted hash is
    /// known, and it is not known yet whether it is one.
    #[inline]
    pub fn may_wait_for(&self, text: &str, client: Option<IpAddr>) -> bool {
        self.salted.any() && self.takes_waiting(text, client).unwrap_or(true)
    }

    #[cold]
    fn takes_waiting(&self, text: &str, client: Option<IpAddr>) -> Result<bool, EngineError> {
        let Ok(presented) = PresentedKey::of_any_form(text) else { return Ok(false) };
        if self.salted.beginnings(text, &self.imported.schemes().slow).is_empty() {
            return Ok(false);
        }
        let known = self.look_up_text(&presented, shown_prefix(text)?.locator(), &mut |_: &Found<'_>| {})?;
        Ok(!known && self.salted.waits(self.text_id(&presented), client))
    }

    /// How many keys that begin so have a salted hash left, up to 10,000: so many checks a first use may take.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn salted_beside(&self, beginning: &Prefix) -> Result<usize, EngineError> {
        let all = schema::slow_of(beginning.as_str());
        Ok(self.store.scan(&all, None, limits::SALTED_COUNTED_MAX)?.len())
    }

    /// What the text is known by among those that wait.
    fn text_id(&self, presented: &PresentedKey<'_>) -> TextId {
        let (_, pepper) = self.peppers.current();
        let hash = pepper.hash(presented);
        TextId::from_be_bytes(hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    /// Has `then` look at the key of another system with this text, if there is one; whether there was. What was found
    /// by a hash gets our own soon.
    ///
    /// # Errors
    /// [`EngineError::Undecided`] when it would take waiting, or longer waiting; [`EngineError::Store`]: undecided, `then`
    /// was not called.
    #[cold]
    pub fn look_up_imported(
        &self,
        text: &str,
        client: Option<IpAddr>,
        patience: WaitPolicy,
        then: &mut dyn LookupVisitor,
    ) -> Result<bool, EngineError> {
        let Ok(presented) = PresentedKey::of_any_form(text) else { return Ok(false) };
        let schemes = self.imported.schemes();
        if schemes.is_empty() {
            return Ok(false);
        }
        let locator = shown_prefix(text)?.locator();
        let mut then = |found: &Found<'_>| then.visit(found);
        if self.look_up_text(&presented, locator, &mut then)? {
            return Ok(true);
        }
        if self.look_up_digests(text, &schemes, &mut then)? {
            return Ok(true);
        }
        let beginnings = self.salted.beginnings(text, &schemes.slow);
        let is_salted = !beginnings.is_empty();
        if is_salted {
            let asked = Asked { id: self.text_id(&presented), text, beginnings, client };
            if let Some(found) = self.salted.ask(asked, patience)?
                && self.look_up_match(found, &mut then)?
            {
                return Ok(true);
            }
        }
        // It may have become our own since the first look: then it is found by its text now.
        if self.look_up_text(&presented, locator, &mut then)? {
            return Ok(true);
        }
        // Salted hashes were looked for in the store, which shows a change a moment before the index does.
        for (_, pepper) in self.peppers.all().filter(|_| is_salted) {
            let trace = LookupKey { hash: pepper.hash(&presented), locator };
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
        then: &mut impl LookupVisitor,
    ) -> Result<bool, EngineError> {
        for scheme in &schemes.digests {
            let digest = scheme.digest(text.as_bytes());
            for (_, pepper) in self.peppers.all() {
                if self.look_up_digest(text, &scheme.lookup_key(&digest, pepper)?, true, then)? {
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
                        &scheme.lookup_key(before.as_ref(), &digest, pepper)?,
                        true,
                        then,
                    )?
                {
                    return Ok(true);
                }
                // Whatever stands before this part: nobody said that it has to stay what it was at the first use.
                if self.look_up_digest(text, &scheme.lookup_key(None, &digest, pepper)?, false, then)? {
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
        stored: &StoredLookupKey,
        adopting: bool,
        then: &mut impl LookupVisitor,
    ) -> Result<bool, EngineError> {
        let trace = LookupKey { hash: stored.hash, locator: stored.prefix.locator() };
        self.look_up_key(&trace, &mut |found: &Found<'_>| {
            if adopting {
                self.hot.rehashes.adopt(found.record.id, stored.hash, UncheckedKey::new(text.to_owned()));
            }
            then.visit(found);
        })
    }

    /// Looks for a text of any form that is our own.
    fn look_up_text(
        &self,
        presented: &PresentedKey<'_>,
        locator: Locator,
        then: &mut impl LookupVisitor,
    ) -> Result<bool, EngineError> {
        for (_, pepper) in self.peppers.all() {
            let trace = LookupKey { hash: pepper.hash(presented), locator };
            if self.look_up_key(&trace, then)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Looks at a key that was found by its salted hash as it is now: what was done to it while that took its time counts.
    fn look_up_match(&self, found: Match, then: &mut impl LookupVisitor) -> Result<bool, EngineError> {
        let Some(key) = self.key(found.key)? else { return Ok(false) };
        let Some(secret) = key.secrets.all().find(|secret| secret.hash == found.secret) else {
            return Ok(false);
        };
        let Some((_, record)) = key.hot_records().find(|(trace, _)| *trace == secret.lookup_key()) else {
            return Ok(false);
        };
        let owner = self.user(record.owner)?.map(|user| user.owner().rights);
        then.visit(&Found::stored(record.view(), owner));
        Ok(true)
    }
}
