//! Sealed copy of a key text: the text, encrypted, for keyspaces whose owners or administrators may see it again.

use crate::engine::EngineError;
use crate::entropy::Entropy;
use crate::key::{IssuedKey, KeyId, Keyspace, PepperRing, SealedCopy, Viewing};

/// Seals a copy of a key text, in keyspaces that store sealed copies.
pub(super) fn sealed_copy(
    keyspace: &Keyspace,
    text: &IssuedKey,
    id: KeyId,
    ring: &PepperRing,
    entropy: &dyn Entropy,
) -> Result<Option<SealedCopy>, EngineError> {
    match keyspace.viewing() {
        Viewing::Once => Ok(None),
        Viewing::ByOwner | Viewing::ByAdministrators => Ok(Some(SealedCopy::seal(text, id, ring, entropy)?)),
    }
}
