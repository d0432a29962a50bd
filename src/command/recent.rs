//! The latest requests of each bot, in memory, for whoever looks after it.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::{Caller, Service};
use crate::clock::Timestamp;
use crate::key::UserId;
use crate::limits;

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredRequest {
    /// When.
    pub at: Timestamp,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// The status of its answer.
    pub status: u16,
    /// Where it came from, if known.
    pub from: Option<IpAddr>,
}

#[derive(Default)]
pub(super) struct Recent(Mutex<HashMap<UserId, VecDeque<AnsweredRequest>>>);

impl Recent {
    pub(super) fn of(&self, user: UserId) -> Vec<AnsweredRequest> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&user).map(|requests| requests.iter().cloned().collect()).unwrap_or_default()
    }

    fn note(&self, user: UserId, request: AnsweredRequest) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= limits::REQUESTS_REMEMBERED_BOTS_MAX && !all.contains_key(&user) {
            let silent = all.iter().min_by_key(|(_, requests)| requests.front().map(|request| request.at));
            if let Some(user) = silent.map(|(user, _)| *user) {
                all.remove(&user);
            }
        }
        let requests = all.entry(user).or_default();
        requests.push_front(request);
        requests.truncate(limits::REQUESTS_REMEMBERED);
    }
}

impl Service {
    /// Remembers a request that a bot's key was good for: the newest 20 of each bot, until the process ends.
    pub fn note_request(&self, caller: &Caller, from: Option<IpAddr>, method: &str, path: &str, status: u16) {
        let Some(user) = caller.id() else { return };
        let short = |text: &str| text.chars().take(200).collect::<String>();
        let (method, path) = (short(method), short(path));
        self.memory.recent.note(user, AnsweredRequest { at: self.now(), method, path, status, from });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first_and_the_rest_is_forgotten() {
        let recent = Recent::default();
        let request = |n: u64| AnsweredRequest {
            at: Timestamp::from_unix_ms(n),
            method: "GET".to_owned(),
            path: format!("/{n}"),
            status: 200,
            from: None,
        };
        (0..100).for_each(|n| recent.note(UserId(1), request(n)));
        let found = recent.of(UserId(1));
        assert_eq!((found.len(), found[0].path.as_str()), (limits::REQUESTS_REMEMBERED, "/99"));
        (2..2_000).for_each(|n| recent.note(UserId(n), request(n + 100)));
        assert!(recent.of(UserId(1)).is_empty(), "it was silent longest");
        assert_eq!(recent.0.lock().unwrap().len(), limits::REQUESTS_REMEMBERED_BOTS_MAX);
    }
}
