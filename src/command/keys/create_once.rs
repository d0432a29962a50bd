//! Creating a key by a request that may be repeated.

use super::create::need;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need};
use crate::engine::{Created, NewKey, RequestMark};

/// Creates a key, unless an earlier request with the same idempotency key created it.
#[derive(Clone, Debug)]
pub struct CreateKeyOnce {
    /// Key to create.
    pub new: NewKey,
    /// Idempotency key of the request.
    pub mark: RequestMark,
}

impl Command for CreateKeyOnce {
    type Target = NewKey;
    type Output = Created;

    fn need(&self) -> Need {
        need(&self.new)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<NewKey>, CommandError> {
        gate.new_key(&self.new)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<NewKey>) -> Result<Created, CommandError> {
        engine.create_key_once(on, self.mark)
    }
}
