//! Revoking a key.

use super::MANAGE;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyRef, Need};
use crate::key::{Key, RevokeReason};

/// Stops a key for good; the record stays.
#[derive(Clone, Debug)]
pub struct RevokeKey {
    /// Which.
    pub key: KeyRef,
    /// Why.
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
