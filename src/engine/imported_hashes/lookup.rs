//! Look-up of imported keys by the hash that another system stored, until the first use shows the key text.

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

    /// Reads the prefixes of keys with salted hashes from the store.
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
                // Skips all other hashes with this prefix.
                Some(last) => after = Some(schema::slow(last.as_str(), &[u8::MAX; 16])),
                None => return Ok(()),
            }
        }
    }

    /// Hash schemes of imported keys.
    pub(in crate::engine) fn schemes(&self) -> Schemes {
        Schemes::clone(&self.imported.schemes())
    }

    /// Whether a text that the hot index does not have may be an imported key.
    #[inline]
    pub fn has_imported_hashes(&self) -> bool {
        self.imported.any()
    }

    /// Whether any key has, or had, only a salted hash.
    pub fn has_salted_hashes(&self) -> bool {
        self.salted.any()
    }

    /// Whether a verdict on this text, from this client address, needs waiting: a key with a salted hash has its
    /// prefix, and the text was not checked yet.
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

    /// Number of keys with this prefix that have a salted hash, up to 10,000. A first use may take as many comparisons.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn salted_beside(&self, beginning: &Prefix) -> Result<usize, EngineError> {
        let all = schema::slow_of(beginning.as_str());
        Ok(self.store.scan(&all, None, limits::SALTED_COUNTED_MAX)?.len())
    }

    /// Id of a text in the queue.
    fn text_id(&self, presented: &PresentedKey<'_>) -> TextId {
        let (_, pepper) = self.peppers.current();
        let hash = pepper.hash(presented);
        TextId::from_be_bytes(hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    /// Calls `then` with the imported key of this text, and returns whether it exists. A key found by its imported hash
    /// is rehashed soon.
    ///
    /// # Errors
    /// [`EngineError::Undecided`] when a check needs waiting, or longer waiting: the caller tries again later.
    /// [`EngineError::Store`] when the store could not be read. After each of them the key is undecided, and `then` was
    /// not called.
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
        // The key may have been rehashed since the first look-up; then its text is found now.
        if self.look_up_text(&presented, locator, &mut then)? {
            return Ok(true);
        }
        // Salted hashes are read from the store, which shows a change before the index does.
        for (_, pepper) in self.peppers.all().filter(|_| is_salted) {
            let trace = LookupKey { hash: pepper.hash(&presented), locator };
            if self.look_up_stored(&trace, &mut then)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Looks for a text whose digest, or the digest of a part of which, was imported.
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
                // With any text before this part: it may change until the first use.
                if self.look_up_digest(text, &scheme.lookup_key(None, &digest, pepper)?, false, then)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Looks for the key with this digest. With `adopting`, the text becomes the key's text.
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

    /// Looks for a text of any form under the server's own keyed hash.
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

    /// Looks up a key that was found by its salted hash as it is now: changes of the key during the check count.
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
