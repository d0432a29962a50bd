//! The newest requests of each bot, in memory, for the administrators of the bot.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::key::UserId;
use crate::limits;

/// Answered request of a bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredRequest {
    /// Time of the answer.
    pub at: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path, without the query.
    pub path: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// Client address, if known.
    pub from: Option<IpAddr>,
}

impl AnsweredRequest {
    /// Method and path are cut to 200 characters each, which bounds the memory of one request.
    pub(super) fn new(at: Timestamp, method: &str, path: &str, status: u16, from: Option<IpAddr>) -> Self {
        let short = |text: &str| text.chars().take(200).collect();
        Self { at, method: short(method), path: short(path), status, from }
    }
}

/// Newest requests of each bot, newest first. When too many bots have some, those of the bot that was silent longest are
/// forgotten.
#[derive(Default)]
pub(super) struct RecentRequests(Mutex<HashMap<UserId, VecDeque<AnsweredRequest>>>);

impl RecentRequests {
    pub(super) fn of(&self, user: UserId) -> Vec<AnsweredRequest> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&user).map(|requests| requests.iter().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn note(&self, user: UserId, request: AnsweredRequest) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first_and_the_rest_is_forgotten() {
        let recent = RecentRequests::default();
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
