//! Keys that were found under an older pepper get the current one: their hash, and their sealed copy if they have one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::entropy::Entropy;
use crate::key::{Key, KeyId, KeyedHash, PepperRing, SealedCopy, StoredSecret};
use crate::limits;

use super::EngineError;
use super::operation::Operation;

/// Secrets to be hashed anew. The new hash is known because the text was just presented.
#[derive(Debug, Default)]
pub(super) struct Rehashes(Mutex<HashMap<KeyId, Rehash>>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Rehash {
    old: KeyedHash,
    new: KeyedHash,
}

impl Rehashes {
    /// Asks for a secret to be hashed anew. When too many wait, its next use asks again.
    pub(super) fn note(&self, key: KeyId, old: KeyedHash, new: KeyedHash) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < limits::REHASHES_WAITING_MAX {
            waiting.insert(key, Rehash { old, new });
        }
    }

    /// Takes up to `limit` of them.
    pub(super) fn take(&self, limit: usize) -> Vec<(KeyId, Rehash)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<_> = waiting.keys().take(limit).copied().collect();
        keys.into_iter().filter_map(|key| waiting.remove_entry(&key)).collect()
    }
}

/// Gives each of these secrets its new hash. What became of the key meanwhile stays; a secret that it has not any more
/// is left out. Changes nothing that a caller can see, so it has no audit event.
pub(super) fn write(
    operation: &mut Operation<'_>,
    rehashes: &[(KeyId, Rehash)],
    ring: &PepperRing,
    entropy: &dyn Entropy,
) -> Result<(), EngineError> {
    for (id, rehash) in rehashes {
        let old = match operation.key(*id) {
            Ok(key) => key,
            Err(EngineError::NoSuchKey) => continue,
            Err(error) => return Err(error),
        };
        let mut key = old.clone();
        if let Some(secret) = secret_of(&mut key, &rehash.old) {
            let sealed = secret.sealed.as_ref().map(|sealed| {
                let text = sealed.open(*id, secret.pepper, ring)?;
                SealedCopy::seal(&text, *id, ring, entropy)
            });
            let sealed = sealed.transpose()?;
            let (pepper, _) = ring.current();
            *secret = StoredSecret { pepper, hash: rehash.new, sealed, prefix: secret.prefix.clone() };
            operation.replace_key(&old, &key)?;
        }
    }
    Ok(())
}

fn secret_of<'a>(key: &'a mut Key, hash: &KeyedHash) -> Option<&'a mut StoredSecret> {
    let previous = key.secrets.previous.as_mut().map(|(secret, _)| secret);
    [Some(&mut key.secrets.current), previous].into_iter().flatten().find(|secret| secret.hash == *hash)
}
