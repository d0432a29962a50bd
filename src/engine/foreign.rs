//! Keys that came from other systems: found by what those left of them, until their first use shows the text.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::entropy::Entropy;
use crate::index::{Found, Look};
use crate::key::{
    DigestScheme, ForeignSecret, HmacKey, KeyId, KeyTrace, Locator, PepperRing, Prefix, PresentedKey,
    SealedCopy, UncheckedKey, shown_of,
};
use crate::limits;
use crate::store::codec::{StoredScheme, StoredSchemes};
use crate::store::schema;

use super::operation::Operation;
use super::{EngineError, Reader};

/// The ways in which imported keys are hashed, ready for use.
#[derive(Default)]
pub(super) struct Schemes {
    texts: bool,
    /// There were salted hashes, so there are texts of their systems among ours.
    adopted: bool,
    digests: Vec<DigestScheme>,
    /// How many first bytes of a text a salted hash is found by.
    slow: Vec<usize>,
}

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

impl Schemes {
    /// Those that are stored; `slow` is whether any salted hash is left.
    ///
    /// # Errors
    /// [`EngineError::Seal`] when a secret cannot be opened.
    pub(super) fn open(stored: &StoredSchemes, slow: bool, ring: &PepperRing) -> Result<Self, EngineError> {
        let mut schemes = Self::default();
        for scheme in &stored.0 {
            match scheme {
                StoredScheme::Text => schemes.texts = true,
                StoredScheme::Sha256 => schemes.digests.push(DigestScheme::Sha256),
                StoredScheme::Sha512 => schemes.digests.push(DigestScheme::Sha512),
                StoredScheme::HmacSha256(pepper, sealed) => {
                    let key = sealed.open_bytes(schema::FOREIGN, *pepper, ring)?;
                    schemes.digests.push(DigestScheme::HmacSha256(HmacKey::new(key.to_vec())?));
                }
                StoredScheme::Slow(length) => {
                    schemes.adopted = true;
                    schemes.slow.extend(slow.then_some(usize::from(*length)));
                }
            }
        }
        Ok(schemes)
    }

    fn is_empty(&self) -> bool {
        !self.texts && !self.adopted && self.digests.is_empty() && self.slow.is_empty()
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
        for scheme in &schemes.digests {
            let digest = scheme.digest(text.as_bytes());
            for (_, pepper) in self.peppers.all() {
                let stored = scheme.trace(&digest, pepper)?;
                let trace = KeyTrace { hash: stored.hash, locator: stored.prefix.locator() };
                let mut adopting = |found: &Found<'_>| {
                    self.rehashes.adopt(found.record.id, stored.hash, UncheckedKey::new(text.to_owned()));
                    then(found);
                };
                if self.look_up_trace(&trace, &mut adopting)? {
                    return Ok(true);
                }
            }
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

impl Operation<'_> {
    /// Remembers how the keys of an import are hashed.
    ///
    /// # Errors
    /// [`EngineError::TooManySchemes`].
    pub(super) fn add_schemes<'s>(
        &mut self,
        secrets: impl Iterator<Item = &'s ForeignSecret>,
        ring: &PepperRing,
        entropy: &dyn Entropy,
    ) -> Result<(), EngineError> {
        let mut stored: StoredSchemes = self.get(schema::FOREIGN)?.unwrap_or_default();
        let before = stored.0.len();
        let mut open = Schemes::open(&stored, true, ring)?;
        for secret in secrets {
            let new = match secret {
                ForeignSecret::Text(_) if open.texts => continue,
                ForeignSecret::Text(_) => {
                    open.texts = true;
                    StoredScheme::Text
                }
                ForeignSecret::Slow(prefix, _) if open.slow.contains(&prefix.as_str().len()) => continue,
                ForeignSecret::Slow(prefix, _) => {
                    open.slow.push(prefix.as_str().len());
                    StoredScheme::Slow(u8::try_from(prefix.as_str().len()).unwrap_or(u8::MAX))
                }
                ForeignSecret::Digest(scheme, _) if open.digests.contains(scheme) => continue,
                ForeignSecret::Digest(scheme, _) => {
                    open.digests.push(scheme.clone());
                    match scheme {
                        DigestScheme::Sha256 => StoredScheme::Sha256,
                        DigestScheme::Sha512 => StoredScheme::Sha512,
                        DigestScheme::HmacSha256(key) => {
                            let sealed =
                                SealedCopy::seal_bytes(key.reveal(), schema::FOREIGN, ring, entropy)?;
                            StoredScheme::HmacSha256(ring.current().0, sealed)
                        }
                    }
                }
            };
            stored.0.push(new);
        }
        if stored.0.len() > limits::FOREIGN_SCHEMES_MAX {
            return Err(EngineError::TooManySchemes);
        }
        if stored.0.len() > before { self.put(schema::FOREIGN, &stored) } else { Ok(()) }
    }
}
