//! The web console: pages for administrators and users, rendered here, usable without JavaScript.
//!
//! ```text
//! GET        /                        to the console, for whoever comes with a browser
//! GET        /console                 overview
//! GET POST   /console/login, setup    POST only: /console/logout
//! GET        /console/config          and below it:
//! GET        /console/config/users    everyone, or one's own row
//! GET POST   /console/config/users/new, /console/config/users/{user}
//! GET POST   /console/bots, /console/bots/{user}, /console/bots/{user}/api-key
//! GET POST   /console/keys/{keyspace}, /console/key/{key}
//! GET POST   /console/try             try a key
//! GET        /console/audit
//! GET        /console/assets/{name}
//! ```
//!
//! Every change is a POST that carries the token of its session's own pages and comes from a page of this site. No
//! address ever contains a key.

mod assets;
mod audit;
mod bot;
mod bots;
mod directory;
mod draft;
mod form;
mod key;
mod keys;
mod login;
mod overview;
mod page;
mod parts;
mod plot;
mod refusal;
mod route;
mod setup;
#[cfg(test)]
mod tests;
mod try_key;
mod user;
mod users;
mod visit;

use self::refusal::Refusal;
use self::visit::Visit;
use crate::command::Service;
use crate::exchange::{Head, RawRequest, RawResponse};

/// The console.
///
/// ```
/// use keyward::console::Console;
/// let console = Console::new("https://keys.example.org");
/// assert!(console.claims("/console/login") && console.claims("/") && !console.claims("/v1/keys"));
/// ```
#[derive(Clone, Debug)]
pub struct Console {
    /// Scheme and authority that browsers see, as a page's `Origin` names them.
    origin: String,
}

impl Console {
    /// The console of the site that browsers reach at `site_url`.
    pub fn new(site_url: &str) -> Self {
        let authority_from = site_url.find("://").map_or(0, |at| at + 3);
        let end = site_url.get(authority_from..).and_then(|rest| rest.find('/'));
        let origin = end.and_then(|end| site_url.get(..authority_from + end)).unwrap_or(site_url);
        Self { origin: origin.to_ascii_lowercase() }
    }

    /// Whether requests for this path are the console's, unless it [passes](Self::passes).
    pub fn claims(&self, path: &str) -> bool {
        path == "/" || path == "/console" || path.starts_with("/console/")
    }

    /// Whether the request is for somebody else after all: at `/` only those are the console's that a browser sends
    /// when a person goes there.
    pub fn passes(&self, head: &Head<'_>) -> bool {
        let asks_for_a_page = || head.text("accept").is_some_and(|accept| accept.contains("text/html"));
        let reads = head.method == "GET" || head.method == "HEAD";
        head.path == "/" && (!reads || head.text("authorization").is_some() || !asks_for_a_page())
    }

    /// Answers a request. May wait for the disk and for password hashing.
    pub fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        if request.path == "/" {
            return page::see_other("/console");
        }
        let visit = Visit { console: self, service, request };
        route::answer(&visit).unwrap_or_else(|refusal| page::refused(&visit, &refusal))
    }

    /// Answers a request that could not be carried out at all.
    pub fn failed(&self, busy: bool) -> RawResponse {
        page::bare(&if busy { Refusal::Busy { retry_after_seconds: None } } else { Refusal::Broken })
    }
}
