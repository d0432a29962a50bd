//! Rehash: moves a key that was found under an older pepper to the current one, with its sealed copy if it has one.
//!
//! The client that presents the key text is the only source of it, so a key moves when it is used.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::engine::EngineError;
use crate::engine::commit::{Transaction, hot};
use crate::engine::sealed_copy::sealed_copy;
use crate::entropy::Entropy;
use crate::key::{
    IssuedKey, Key, KeyId, KeyedHash, Keyspace, PepperRing, SealedCopy, StoredSecret, UncheckedKey,
};
use crate::limits;

/// Secrets that wait to be rehashed, because their text was presented.
#[derive(Default)]
pub(in crate::engine) struct RehashRequests {
    waiting: Mutex<HashMap<KeyId, Rehash>>,
    /// `true` when a key text of another system waits: until it is rehashed, each use compares it again.
    urgent: AtomicBool,
    /// Wakes the write lane for urgent ones.
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Clone, Debug)]
pub(in crate::engine) struct Rehash {
    old: KeyedHash,
    new: New,
}

#[derive(Clone, Debug)]
enum New {
    /// Hash under the current pepper.
    Hash(KeyedHash),
    /// Text of an imported key.
    Text(UncheckedKey),
}

impl RehashRequests {
    /// Requests a rehash. When too many wait it is dropped; the next use requests it again.
    pub(in crate::engine) fn note(&self, key: KeyId, old: KeyedHash, new: KeyedHash) {
        self.put(key, Rehash { old, new: New::Hash(new) });
    }

    /// Requests that an imported key gets the server's own keyed hash.
    pub(in crate::engine) fn adopt(&self, key: KeyId, old: KeyedHash, text: UncheckedKey) {
        self.put(key, Rehash { old, new: New::Text(text) });
        if !self.urgent.swap(true, Ordering::AcqRel)
            && let Some(wake) = self.wake.get()
        {
            wake();
        }
    }

    /// Sets what wakes the write lane at once when a text of another system is to be rehashed.
    pub(in crate::engine) fn wake_by(&self, wake: impl Fn() + Send + Sync + 'static) {
        // An engine sets it once, when it opens.
        let _ = self.wake.set(Box::new(wake));
    }

    /// Whether a rehash has to be written at once.
    pub(in crate::engine) fn are_urgent(&self) -> bool {
        self.urgent.load(Ordering::Acquire)
    }

    fn put(&self, key: KeyId, rehash: Rehash) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < limits::REHASHES_WAITING_MAX {
            waiting.insert(key, rehash);
        }
    }

    /// Takes up to `limit` requests.
    pub(in crate::engine) fn take(&self, limit: usize) -> Vec<(KeyId, Rehash)> {
        // Cleared before taking, so that requests from now on set it again.
        self.urgent.store(false, Ordering::Release);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<_> = waiting.keys().take(limit).copied().collect();
        keys.into_iter().filter_map(|key| waiting.remove_entry(&key)).collect()
    }
}

/// Rehashes these secrets. Changes of the key since the request stay; a secret that the key no longer has is skipped.
/// Callers see no difference, so no audit event is written.
pub(in crate::engine) fn write(
    tx: &mut Transaction<'_>,
    rehashes: &[(KeyId, Rehash)],
    ring: &PepperRing,
    entropy: &dyn Entropy,
) -> Result<(), EngineError> {
    for (id, rehash) in rehashes {
        let old = match tx.key(*id) {
            Ok(key) => key,
            Err(EngineError::NoSuchKey) => continue,
            Err(error) => return Err(error),
        };
        let mut key = old.clone();
        let keyspace = Keyspace::named(&key.keyspace);
        if let (Some(secret), Some(keyspace)) = (secret_of(&mut key, &rehash.old), keyspace) {
            *secret = match &rehash.new {
                New::Hash(hash) => hashed_anew(secret, *hash, *id, ring, entropy)?,
                New::Text(text) => adopted(text, *id, &keyspace, ring, entropy)?,
            };
            let new = secret.lookup_key();
            // Another key may have got this text meanwhile. Then both stay as they are.
            if !tx.has(&hot(&new))? {
                tx.replace_key(&old, &key)?;
            }
        }
    }
    Ok(())
}

fn hashed_anew(
    secret: &StoredSecret,
    hash: KeyedHash,
    id: KeyId,
    ring: &PepperRing,
    entropy: &dyn Entropy,
) -> Result<StoredSecret, EngineError> {
    let sealed = secret.sealed.as_ref().map(|sealed| {
        let text = sealed.open(id, secret.pepper, ring)?;
        SealedCopy::seal(&text, id, ring, entropy)
    });
    let (pepper, _) = ring.current();
    let (prefix, imported_hash) = (secret.prefix.clone(), secret.imported_hash.clone());
    Ok(StoredSecret { pepper, hash, sealed: sealed.transpose()?, prefix, imported_hash })
}

fn adopted(
    text: &UncheckedKey,
    id: KeyId,
    keyspace: &Keyspace,
    ring: &PepperRing,
    entropy: &dyn Entropy,
) -> Result<StoredSecret, EngineError> {
    let issued = IssuedKey::new(text.reveal().to_owned().into());
    let (number, pepper) = ring.current();
    let sealed = sealed_copy(keyspace, &issued, id, ring, entropy)?;
    let prefix = keyspace.format().prefix_of(text.reveal())?;
    Ok(StoredSecret {
        pepper: number,
        prefix,
        hash: pepper.hash_issued(&issued),
        sealed,
        imported_hash: None,
    })
}

fn secret_of<'a>(key: &'a mut Key, hash: &KeyedHash) -> Option<&'a mut StoredSecret> {
    let previous = key.secrets.previous.as_mut().map(|(secret, _)| secret);
    [Some(&mut key.secrets.current), previous].into_iter().flatten().find(|secret| secret.hash == *hash)
}
