//! Registry of open connections: evicts an idle one at the limit, and closes all when the server stops.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::limits;
use crate::server::http1::deadline_stream::RequestPhase;

/// Registry of the connections that share a bound. Dropping an entry makes its connection close: at once when it is
/// idle, else after the response in progress.
#[derive(Default)]
pub(in crate::server) struct OpenConnections(Mutex<VecDeque<OpenConnection>>);

struct OpenConnection {
    phase: RequestPhase,
    stop: watch::Sender<bool>,
}

impl OpenConnection {
    fn is_closed(&self) -> bool {
        self.stop.is_closed()
    }
}

impl OpenConnections {
    fn entries(&self) -> MutexGuard<'_, VecDeque<OpenConnection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection. Returns the receiver that tells it to close.
    pub(in crate::server) fn register(&self, phase: RequestPhase) -> watch::Receiver<bool> {
        let (stop, stopped) = watch::channel(false);
        let mut entries = self.entries();
        // Two entries are looked at for each new one, so closed entries never outnumber open ones for long.
        for _ in 0..2 {
            let first = entries.pop_front().filter(|entry| !entry.is_closed());
            entries.extend(first);
        }
        entries.push_back(OpenConnection { phase, stop });
        stopped
    }

    /// Closes one idle connection. Returns whether there was one among the entries looked at.
    pub(in crate::server) fn evict_idle(&self) -> bool {
        let mut entries = self.entries();
        for _ in 0..entries.len().min(limits::EVICTION_LOOKS_MAX) {
            let Some(entry) = entries.pop_front() else { break };
            if entry.is_closed() {
                continue;
            }
            if entry.phase.is_idle() {
                return true;
            }
            entries.push_back(entry);
        }
        false
    }

    /// Closes all connections.
    pub(in crate::server) fn close_all(&self) {
        self.entries().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle() -> RequestPhase {
        let phase = RequestPhase::new();
        phase.request_ends();
        phase
    }

    #[test]
    fn an_idle_connection_makes_room_and_no_other_does() {
        let registry = OpenConnections::default();
        let busy: Vec<_> = (0..5).map(|_| registry.register(RequestPhase::new())).collect();
        assert!(!registry.evict_idle());
        let (first, second) = (registry.register(idle()), registry.register(idle()));
        assert!(registry.evict_idle());
        let ended = |stop: &watch::Receiver<bool>| stop.has_changed().is_err();
        assert!(ended(&first) ^ ended(&second), "one is enough");
        assert!(registry.evict_idle() && ended(&first) && ended(&second));
        assert!(!registry.evict_idle() && !busy.iter().any(ended));
        registry.close_all();
        assert!(busy.iter().all(ended));
    }

    #[test]
    fn closed_connections_are_forgotten() {
        let registry = OpenConnections::default();
        let kept: Vec<_> = (0..10).map(|_| registry.register(RequestPhase::new())).collect();
        for _ in 0..1_000 {
            drop(registry.register(RequestPhase::new()));
        }
        assert!(registry.entries().len() <= 2 * kept.len() + 2, "{}", registry.entries().len());
    }
}
