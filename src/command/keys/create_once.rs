//! Creating a key by a request that may be repeated.

use super::create::need;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need};
use crate::engine::{CreateOutcome, IdempotencyKey, NewKey};

/// Creates a key, unless an earlier request with the same idempotency key created it.
#[derive(Clone, Debug)]
pub struct CreateKeyOnce {
    /// Key to create.
    pub new: NewKey,
    /// Idempotency key of the request.
    pub mark: IdempotencyKey,
}

impl Command for CreateKeyOnce {
    type Target = NewKey;
    type Output = CreateOutcome;

    fn need(&self) -> Need {
        need(&self.new)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<NewKey>, CommandError> {
        gate.new_key(&self.new)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<NewKey>) -> Result<CreateOutcome, CommandError> {
        engine.create_key_idempotent(on, self.mark)
    }
}
