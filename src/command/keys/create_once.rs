//! Creating a key by a request that may be repeated.

use super::create::need;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need};
use crate::engine::{Created, NewKey, RequestMark};

/// As [`CreateKey`], but a repeated request makes no second key.
#[derive(Clone, Debug)]
pub struct CreateKeyOnce {
    /// The key.
    pub new: NewKey,
    /// What tells the request from others.
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
