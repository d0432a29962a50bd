//! Revoking a key.

use super::MANAGE;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyRef, Need};
use crate::key::{Key, RevokeReason};

/// Revokes a key. The record stays.
#[derive(Clone, Debug)]
pub struct RevokeKey {
    /// Key.
    pub key: KeyRef,
    /// Reason.
    pub reason: RevokeReason,
}

impl Command for RevokeKey {
    type Target = Key;
    type Output = Key;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.key)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Key>) -> Result<Key, CommandError> {
        engine.revoke_key(on, self.reason)
    }
}
