//! The service: the commands, the verifier and the authenticator over one engine.

use std::net::IpAddr;

use super::node::Node;
use super::{AnsweredRequest, Command, CommandError, DryRun, GatedEngine};
use crate::clock::Timestamp;
use crate::engine::{Engine, IndexState};
use crate::key::KeyId;
use crate::login::{Authenticator, Caller};
use crate::verify::VerifyRequest;

/// Commands, verifier and authenticator over one engine. Clones share all of them.
#[derive(Clone)]
pub struct Service {
    pub(super) node: Node,
}

impl Service {
    /// Returns the service of `engine`.
    pub fn new(engine: Engine) -> Self {
        Self { node: Node::new(engine) }
    }

    /// Authenticator of callers.
    pub const fn authenticator(&self) -> &Authenticator {
        &self.node.authenticator
    }

    /// Carries out `command` for `caller`, if the caller may.
    ///
    /// # Errors
    /// [`CommandError`]: each variant says what the caller can do.
    ///
    /// # Durability
    /// When a command that changes something returns `Ok`, the change survives a power cut.
    pub fn run<C: Command>(&self, caller: &Caller, command: C) -> Result<C::Output, CommandError> {
        let engine = GatedEngine::open(&self.node, caller, command.need())?;
        let on = command.authorize(engine.gate())?;
        command.run(&engine, on)
    }

    /// Returns what verifying a key would answer. Counts, spends and changes nothing.
    ///
    /// # Errors
    /// [`CommandError::Engine`] when the key could not be looked up.
    ///
    /// # Security
    /// A caller who is no administrator learns no more than by using the key.
    pub fn explain(&self, caller: &Caller, request: &VerifyRequest<'_>) -> Result<DryRun, CommandError> {
        Ok(DryRun::for_caller(caller, self.node.verifier.explain(request)?))
    }

    /// Whether verifying needs no disk, except for the keys that [`Service::may_wait`] names.
    pub fn verifies_at_once(&self) -> bool {
        self.node.engine.index_state() == IndexState::Ready
    }

    /// State of the hot index. Until the index is ready, verifying may read the disk.
    pub fn index_state(&self) -> IndexState {
        self.node.engine.index_state()
    }

    /// Whether the caller staged a rotation of the key that can still be committed.
    pub fn has_staged_rotation(&self, caller: &Caller, key: KeyId) -> bool {
        self.node.engine.has_staged_rotation(*caller.actor(), key)
    }

    /// Time of the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.node.engine.reader().now()
    }

    /// Returns why the engine takes no changes, or `None` while it takes them. Verifying goes on either way.
    pub fn closed(&self) -> Option<String> {
        self.node.engine.closed()
    }

    /// Remembers an answered request of a bot's key: the newest 20 of each bot, until the process ends.
    pub fn note_request(&self, caller: &Caller, from: Option<IpAddr>, method: &str, path: &str, status: u16) {
        let Some(user) = caller.id() else { return };
        self.node.memory.recent.note(user, AnsweredRequest::new(self.now(), method, path, status, from));
    }

    /// Takes a sample of the verdict counters. The server calls this every [`limits::SAMPLE_SECONDS`](crate::limits::SAMPLE_SECONDS).
    pub fn sample(&self) {
        self.node.memory.metrics.sample(self.now(), self.node.verifier.verdicts());
    }

    /// Number of keys denied since the process started.
    pub fn refused_keys(&self) -> u64 {
        self.node.verifier.verdicts().denied()
    }
}
