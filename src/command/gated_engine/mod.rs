//! The engine behind the gate: what commands act through.

mod keys;
mod store;
mod users;

use super::node::Node;
use super::{Caller, CommandError, Gate, Need};
use crate::engine::{Engine, Reader};
use crate::key::Principal;

pub use keys::KeyPage;

/// Engine behind the gate: its methods take [`Authorized`](super::Authorized) targets only. No other part of `command/`
/// changes records.
pub struct GatedEngine<'a> {
    gate: Gate<'a>,
    node: &'a Node,
    engine: &'a Engine,
    reader: Reader,
}

impl<'a> GatedEngine<'a> {
    /// Opens the gate for a command with this row, if the caller's level suffices for own targets.
    ///
    /// # Errors
    /// As [`Gate::open`].
    pub(super) fn open(node: &'a Node, caller: &'a Caller, need: Need) -> Result<Self, CommandError> {
        let reader = node.engine.reader();
        let gate = Gate::open(caller, need, reader.clone())?;
        Ok(Self { gate, node, engine: &node.engine, reader })
    }

    /// Gate of this command.
    pub const fn gate(&self) -> &Gate<'a> {
        &self.gate
    }

    /// Principal of the changes.
    const fn by(&self) -> Principal {
        self.gate.caller().authority()
    }
}
