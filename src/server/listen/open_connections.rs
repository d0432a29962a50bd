//! The connections that are open: so that one that is silent makes room for one that comes, and all end at a stop.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::limits;
use crate::server::http1::deadline_stream::RequestPhase;

/// Connections that share a bound. Letting go of a member tells its connection to end in good order: at once when it is
/// silent, otherwise after the answer it is at.
#[derive(Default)]
pub(in crate::server) struct OpenConnections(Mutex<VecDeque<OpenConnection>>);

struct OpenConnection {
    phase: RequestPhase,
    stop: watch::Sender<bool>,
}

impl OpenConnection {
    fn is_gone(&self) -> bool {
        self.stop.is_closed()
    }
}

impl OpenConnections {
    fn members(&self) -> MutexGuard<'_, VecDeque<OpenConnection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in; what tells it to end.
    pub(in crate::server) fn join(&self, phase: RequestPhase) -> watch::Receiver<bool> {
        let (stop, stopped) = watch::channel(false);
        let mut members = self.members();
        // Two looked at for each that comes: those that are gone never outnumber the others for long.
        for _ in 0..2 {
            let first = members.pop_front().filter(|member| !member.is_gone());
            members.extend(first);
        }
        members.push_back(OpenConnection { phase, stop });
        stopped
    }

    /// Ends one connection that waits for a request; whether there was one, among as many as are looked at.
    pub(in crate::server) fn make_room(&self) -> bool {
        let mut members = self.members();
        for _ in 0..members.len().min(limits::CROWD_LOOKED_AT_MAX) {
            let Some(member) = members.pop_front() else { break };
            if member.is_gone() {
                continue;
            }
            if member.phase.is_idle() {
                return true;
            }
            members.push_back(member);
        }
        false
    }

    /// Ends all.
    pub(in crate::server) fn end(&self) {
        self.members().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent() -> RequestPhase {
        let phase = RequestPhase::new();
        phase.request_ends();
        phase
    }

    #[test]
    fn one_that_is_silent_makes_room_and_nobody_else_does() {
        let open_connections = OpenConnections::default();
        let busy: Vec<_> = (0..5).map(|_| open_connections.join(RequestPhase::new())).collect();
        assert!(!open_connections.make_room());
        let (first, second) = (open_connections.join(silent()), open_connections.join(silent()));
        assert!(open_connections.make_room());
        let ended = |stop: &watch::Receiver<bool>| stop.has_changed().is_err();
        assert!(ended(&first) ^ ended(&second), "one is enough");
        assert!(open_connections.make_room() && ended(&first) && ended(&second));
        assert!(!open_connections.make_room() && !busy.iter().any(ended));
        open_connections.end();
        assert!(busy.iter().all(ended));
    }

    #[test]
    fn those_that_left_are_forgotten() {
        let open_connections = OpenConnections::default();
        let kept: Vec<_> = (0..10).map(|_| open_connections.join(RequestPhase::new())).collect();
        for _ in 0..1_000 {
            drop(open_connections.join(RequestPhase::new()));
        }
        assert!(
            open_connections.members().len() <= 2 * kept.len() + 2,
            "{}",
            open_connections.members().len()
        );
    }
}
