//! Keys that were found under an older pepper get the current one: their hash, and their sealed copy if they have one.

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

/// Secrets to be hashed anew, since their text was just presented.
#[derive(Default)]
pub(in crate::engine) struct RehashRequests {
    waiting: Mutex<HashMap<KeyId, Rehash>>,
    /// Some of them are texts of other systems' keys, which nobody is to compare again.
    urgent: AtomicBool,
    /// Wakes the write lane for those.
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Clone, Debug)]
pub(in crate::engine) struct Rehash {
    old: KeyedHash,
    new: New,
}

#[derive(Clone, Debug)]
enum New {
    /// The hash under the current pepper.
    Hash(KeyedHash),
    /// The text of a key that another system issued.
    Text(UncheckedKey),
}

impl RehashRequests {
    /// Asks for a secret to be hashed anew. When too many wait, its next use asks again.
    pub(in crate::engine) fn note(&self, key: KeyId, old: KeyedHash, new: KeyedHash) {
        self.put(key, Rehash { old, new: New::Hash(new) });
    }

    /// Asks for a secret of another system to become our own.
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

    /// Whether something is to be written at once.
    pub(in crate::engine) fn are_urgent(&self) -> bool {
        self.urgent.load(Ordering::Acquire)
    }

    fn put(&self, key: KeyId, rehash: Rehash) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < limits::REHASHES_WAITING_MAX {
            waiting.insert(key, rehash);
        }
    }

    /// Takes up to `limit` of them.
    pub(in crate::engine) fn take(&self, limit: usize) -> Vec<(KeyId, Rehash)> {
        // First, so that what comes from now on is told of again.
        self.urgent.store(false, Ordering::Release);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<_> = waiting.keys().take(limit).copied().collect();
        keys.into_iter().filter_map(|key| waiting.remove_entry(&key)).collect()
    }
}

/// Gives each of these secrets its new hash. What became of the key meanwhile stays; a secret that it has not any more
/// is left out. Changes nothing that a caller can see, so it has no audit event.
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
            // Another key may have come to have this text meanwhile: then both stay as they are.
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
