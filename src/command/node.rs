//! One process over a store: engine, verifier, authenticator, and the state that no other process would see.

use std::sync::Arc;

use super::metrics::Metrics;
use super::recent_requests::RecentRequests;
use crate::engine::Engine;
use crate::login::Authenticator;
use crate::verify::Verifier;

/// Engine, verifier and authenticator of one process. Clones share all of them.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) engine: Engine,
    pub(super) verifier: Verifier,
    pub(super) authenticator: Authenticator,
    pub(super) memory: Arc<NodeMemory>,
}

/// State of this process alone, beside that of the [`Authenticator`] (sessions, wrong passwords, the setup code) and of
/// the engine (staged rotations, rate limits, uses that are not written yet). A restart clears it, and a second process
/// over the same store would not see it.
#[derive(Default)]
pub(super) struct NodeMemory {
    pub(super) recent: RecentRequests,
    pub(super) metrics: Metrics,
}

impl Node {
    pub(super) fn new(engine: Engine) -> Self {
        let verifier = Verifier::new(engine.reader());
        let authenticator = Authenticator::new(engine.clone(), verifier.clone());
        Self { engine, verifier, authenticator, memory: Arc::default() }
    }
}
