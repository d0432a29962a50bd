//! What commands act through: the engine, given nothing but what the gate has let through.

mod keys;
mod store;
mod users;

use super::{Caller, CommandError, Gate, Need, Service};
use crate::engine::{Engine, Reader};
use crate::key::Authority;

/// Everything that can be done, each to what is [`super::Authorized`] for it and to nothing else. The engine is known to
/// this room alone.
pub struct Door<'a> {
    gate: Gate<'a>,
    service: &'a Service,
    engine: &'a Engine,
    reader: Reader,
}

impl<'a> Door<'a> {
    /// The door for a command of this need, if the caller's level does for their own things at least.
    ///
    /// # Errors
    /// As [`Gate::open`].
    pub(super) fn open(service: &'a Service, caller: &'a Caller, need: Need) -> Result<Self, CommandError> {
        let reader = service.engine.reader();
        let gate = Gate::open(caller, need, reader.clone())?;
        Ok(Self { gate, service, engine: &service.engine, reader })
    }

    /// The gate that this door is behind.
    pub const fn gate(&self) -> &Gate<'a> {
        &self.gate
    }

    /// By whose right changes are made.
    const fn by(&self) -> Authority {
        self.gate.caller().authority()
    }
}
