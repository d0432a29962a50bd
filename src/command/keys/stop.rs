//! Revoking, deleting and bringing back.

use crate::command::{Authorized, Command, CommandError, Door, Gate, KeyRef, Need};
use crate::key::{Key, KeyId, RevokeReason};

use super::MANAGE;

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

    fn run(self, door: &Door<'_>, on: Authorized<Key>) -> Result<Key, CommandError> {
        door.revoke_key(on, self.reason)
    }
}

/// Removes a key and its record.
#[derive(Clone, Debug)]
pub struct DeleteKey(pub KeyRef);

impl Command for DeleteKey {
    type Target = Key;
    type Output = ();

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.0)
    }

    fn run(self, door: &Door<'_>, on: Authorized<Key>) -> Result<(), CommandError> {
        door.delete_key(on)
    }
}

/// Brings a deleted key back.
#[derive(Clone, Copy, Debug)]
pub struct UndeleteKey(pub KeyId);

impl Command for UndeleteKey {
    type Target = Key;
    type Output = Key;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.deleted_key(self.0)
    }

    fn run(self, door: &Door<'_>, on: Authorized<Key>) -> Result<Key, CommandError> {
        door.undelete_key(on)
    }
}
