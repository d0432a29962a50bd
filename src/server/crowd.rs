//! The connections that are open: so that one that is silent makes room for one that comes, and all end at a stop.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::stream::Progress;
use crate::limits;

/// Connections that share a bound. Letting go of a member tells its connection to end in good order: at once when it is
/// silent, otherwise after the answer it is at.
#[derive(Default)]
pub(super) struct Crowd(Mutex<VecDeque<Member>>);

struct Member {
    progress: Progress,
    stop: watch::Sender<bool>,
}

impl Member {
    fn is_gone(&self) -> bool {
        self.stop.is_closed()
    }
}

impl Crowd {
    fn members(&self) -> MutexGuard<'_, VecDeque<Member>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in; what tells it to end.
    pub(super) fn join(&self, progress: Progress) -> watch::Receiver<bool> {
        let (stop, stopped) = watch::channel(false);
        let mut members = self.members();
        // Two looked at for each that comes: those that are gone never outnumber the others for long.
        for _ in 0..2 {
            let first = members.pop_front().filter(|member| !member.is_gone());
            members.extend(first);
        }
        members.push_back(Member { progress, stop });
        stopped
    }

    /// Ends one connection that waits for a request; whether there was one, among as many as are looked at.
    pub(super) fn make_room(&self) -> bool {
        let mut members = self.members();
        for _ in 0..members.len().min(limits::CROWD_LOOKED_AT_MAX) {
            let Some(member) = members.pop_front() else { break };
            if member.is_gone() {
                continue;
            }
            if member.progress.is_idle() {
                return true;
            }
            members.push_back(member);
        }
        false
    }

    /// Ends all.
    pub(super) fn end(&self) {
        self.members().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent() -> Progress {
        let progress = Progress::new();
        progress.request_ends();
        progress
    }

    #[test]
    fn one_that_is_silent_makes_room_and_nobody_else_does() {
        let crowd = Crowd::default();
        let busy: Vec<_> = (0..5).map(|_| crowd.join(Progress::new())).collect();
        assert!(!crowd.make_room());
        let (first, second) = (crowd.join(silent()), crowd.join(silent()));
        assert!(crowd.make_room());
        let ended = |stop: &watch::Receiver<bool>| stop.has_changed().is_err();
        assert!(ended(&first) ^ ended(&second), "one is enough");
        assert!(crowd.make_room() && ended(&first) && ended(&second));
        assert!(!crowd.make_room() && !busy.iter().any(ended));
        crowd.end();
        assert!(busy.iter().all(ended));
    }

    #[test]
    fn those_that_left_are_forgotten() {
        let crowd = Crowd::default();
        let kept: Vec<_> = (0..10).map(|_| crowd.join(Progress::new())).collect();
        for _ in 0..1_000 {
            drop(crowd.join(Progress::new()));
        }
        assert!(crowd.members().len() <= 2 * kept.len() + 2, "{}", crowd.members().len());
    }
}
