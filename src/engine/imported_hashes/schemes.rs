//! Hash schemes of imported keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, Guard};

use crate::engine::EngineError;
use crate::engine::commit::Transaction;
use crate::entropy::Entropy;
use crate::key::{DigestScheme, HmacKey, ImportedSecret, PartScheme, PepperRing, SealedCopy};
use crate::limits;
use crate::store::codec::{StoredDigest, StoredScheme, StoredSchemes};
use crate::store::schema;

/// Schemes in force. A verify of an unknown text reads [`ImportedHashes::any`] first, which costs one atomic load.
#[derive(Default)]
pub(in crate::engine) struct ImportedHashes {
    schemes: ArcSwap<Schemes>,
    any: AtomicBool,
}

impl ImportedHashes {
    /// Whether any key was imported by a hash.
    #[inline]
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Returns the schemes in force.
    pub(super) fn schemes(&self) -> Guard<Arc<Schemes>> {
        self.schemes.load()
    }

    pub(super) fn replace(&self, schemes: Schemes) {
        let any = !schemes.is_empty();
        self.schemes.store(Arc::new(schemes));
        self.any.store(any, Ordering::Release);
    }
}

/// All schemes of imported keys, with their secrets opened.
#[derive(Clone, Default)]
pub(in crate::engine) struct Schemes {
    texts: bool,
    /// Digests of whole texts.
    pub(in crate::engine) digests: Vec<DigestScheme>,
    /// Digests of parts of texts.
    pub(in crate::engine) parts: Vec<PartScheme>,
    /// Lengths of the prefixes that salted hashes are found by.
    pub(in crate::engine) slow: Vec<usize>,
}

impl Schemes {
    /// Opens the stored schemes.
    ///
    /// # Errors
    /// [`EngineError::Seal`] when a secret cannot be opened.
    pub(in crate::engine) fn open(stored: &StoredSchemes, ring: &PepperRing) -> Result<Self, EngineError> {
        let mut schemes = Self::default();
        for scheme in &stored.0 {
            match scheme {
                StoredScheme::Text => schemes.texts = true,
                StoredScheme::Digest(digest, None) => schemes.digests.push(opened(digest, ring)?),
                StoredScheme::Digest(digest, Some(part)) => {
                    schemes.parts.push(PartScheme { scheme: opened(digest, ring)?, part: part.clone() });
                }
                StoredScheme::Slow(length) => schemes.slow.push(usize::from(*length)),
            }
        }
        Ok(schemes)
    }

    pub(in crate::engine) const fn is_empty(&self) -> bool {
        !self.texts && self.slow.is_empty() && self.digests.is_empty() && self.parts.is_empty()
    }

    /// Adds the scheme of this secret.
    pub(in crate::engine) fn add(&mut self, secret: &ImportedSecret) {
        self.take(secret);
    }

    /// Returns the secrets that may have been imported instead of this text: its digests, and digests of its parts.
    /// Salted hashes do not follow from a text.
    pub(in crate::engine) fn forms_of(&self, text: &str) -> Vec<ImportedSecret> {
        let digest = |scheme: &DigestScheme, of: &str| scheme.digest(of.as_bytes()).to_vec();
        let always = [DigestScheme::Sha256, DigestScheme::Sha512];
        let whole = always.iter().chain(&self.digests);
        let whole = whole.map(|scheme| ImportedSecret::Digest(scheme.clone(), digest(scheme, text)));
        let parts = self.parts.iter().filter_map(|scheme| {
            let (before, part) = scheme.part.split(text)?;
            let befores = [None].into_iter().chain(before.parse().ok().map(Some));
            let digest = digest(&scheme.scheme, part);
            Some(
                befores.map(move |before| ImportedSecret::PartDigest(scheme.clone(), before, digest.clone())),
            )
        });
        whole.chain(parts.flatten()).collect()
    }

    /// Adds the scheme of this secret, and returns the scheme if it is new.
    fn take(&mut self, secret: &ImportedSecret) -> Option<Scheme> {
        match secret {
            ImportedSecret::Text(_) if self.texts => None,
            ImportedSecret::Text(_) => {
                self.texts = true;
                Some(Scheme::Text)
            }
            ImportedSecret::Salted(prefix, _) => {
                let length = prefix.as_str().len();
                let new = !self.slow.contains(&length);
                if new {
                    self.slow.push(length);
                }
                new.then_some(Scheme::Slow(length))
            }
            ImportedSecret::Digest(scheme, _) if self.digests.contains(scheme) => None,
            ImportedSecret::Digest(scheme, _) => {
                self.digests.push(scheme.clone());
                Some(Scheme::Digest(scheme.clone()))
            }
            ImportedSecret::PartDigest(part, ..) if self.parts.contains(part) => None,
            ImportedSecret::PartDigest(part, ..) => {
                self.parts.push(part.clone());
                Some(Scheme::Part(part.clone()))
            }
        }
    }
}

/// A new scheme.
enum Scheme {
    Text,
    Slow(usize),
    Digest(DigestScheme),
    Part(PartScheme),
}

impl Scheme {
    fn stored(self, ring: &PepperRing, entropy: &dyn Entropy) -> Result<StoredScheme, EngineError> {
        Ok(match self {
            Self::Text => StoredScheme::Text,
            Self::Slow(length) => StoredScheme::Slow(u8::try_from(length).unwrap_or(u8::MAX)),
            Self::Digest(scheme) => StoredScheme::Digest(sealed(&scheme, ring, entropy)?, None),
            Self::Part(PartScheme { scheme, part }) => {
                StoredScheme::Digest(sealed(&scheme, ring, entropy)?, Some(part))
            }
        })
    }
}

fn opened(digest: &StoredDigest, ring: &PepperRing) -> Result<DigestScheme, EngineError> {
    Ok(match digest {
        StoredDigest::Sha256 => DigestScheme::Sha256,
        StoredDigest::Sha512 => DigestScheme::Sha512,
        StoredDigest::HmacSha256(pepper, sealed) => {
            let key = sealed.open_bytes(schema::FOREIGN, *pepper, ring)?;
            DigestScheme::HmacSha256(HmacKey::new(key.to_vec())?)
        }
    })
}

fn sealed(
    scheme: &DigestScheme,
    ring: &PepperRing,
    entropy: &dyn Entropy,
) -> Result<StoredDigest, EngineError> {
    Ok(match scheme {
        DigestScheme::Sha256 => StoredDigest::Sha256,
        DigestScheme::Sha512 => StoredDigest::Sha512,
        DigestScheme::HmacSha256(key) => {
            let sealed = SealedCopy::seal_bytes(key.reveal(), schema::FOREIGN, ring, entropy)?;
            StoredDigest::HmacSha256(ring.current().0, sealed)
        }
    })
}

impl Transaction<'_> {
    /// Stores the hash schemes of an import.
    ///
    /// # Errors
    /// [`EngineError::TooManySchemes`] when more than 16 would be in force.
    pub(in crate::engine) fn add_schemes<'s>(
        &mut self,
        secrets: impl Iterator<Item = &'s ImportedSecret>,
        ring: &PepperRing,
        entropy: &dyn Entropy,
    ) -> Result<(), EngineError> {
        let mut stored: StoredSchemes = self.get(schema::FOREIGN)?.unwrap_or_default();
        let before = stored.0.len();
        let mut open = Schemes::open(&stored, ring)?;
        for new in secrets.filter_map(|secret| open.take(secret)) {
            stored.0.push(new.stored(ring, entropy)?);
        }
        if stored.0.len() > limits::HASH_SCHEMES_MAX {
            return Err(EngineError::TooManySchemes);
        }
        if stored.0.len() > before { self.put(schema::FOREIGN, &stored) } else { Ok(()) }
    }
}
