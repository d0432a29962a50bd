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
mod form;
mod pages;
mod parts;
mod refusal;
mod request;
mod route;
#[cfg(test)]
mod tests;

use crate::command::Service;
use crate::console::refusal::Refusal;
use crate::console::request::Visit;
use crate::http::{Head, RawRequest, RawResponse, SiteUrl};

/// The console.
///
/// ```
/// use keyward::console::Console;
/// let console = Console::new("https://example.org/keys".parse()?);
/// assert!(console.claims("/keys/console/login") && console.claims("/console/login") && console.claims("/"));
/// assert!(!console.claims("/v1/keys"));
/// # Ok::<(), keyward::http::NotASite>(())
/// ```
#[derive(Clone, Debug)]
pub struct Console {
    site: SiteUrl,
}

impl Console {
    /// The console of the site that browsers reach here. Where that has a path, every link, redirect and cookie is below
    /// it, and requests are taken with it and without: a proxy in front may have taken it away.
    pub const fn new(site: SiteUrl) -> Self {
        Self { site }
    }

    /// Whether requests for this path are the console's, unless it [passes](Self::passes).
    pub fn claims(&self, path: &str) -> bool {
        let path = self.within(path);
        path == "/" || path == "/console" || path.starts_with("/console/")
    }

    /// Whether the request is for somebody else after all: at `/` only those are the console's that a browser sends
    /// when a person goes there.
    pub fn passes(&self, head: &Head<'_>) -> bool {
        let asks_for_a_page = || head.text("accept").is_some_and(|accept| accept.contains("text/html"));
        let reads = head.method == "GET" || head.method == "HEAD";
        self.within(head.path) == "/"
            && (!reads || head.text("authorization").is_some() || !asks_for_a_page())
    }

    /// Answers a request. May wait for the disk and for password hashing.
    pub fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        let path = self.within(&request.path);
        if path == "/" {
            return self.below_site(parts::page::see_other("/console"));
        }
        let request = RawRequest { path: path.to_owned(), ..request.clone() };
        let visit = Visit { console: self, service, request: &request };
        self.below_site(
            route::answer(&visit).unwrap_or_else(|refusal| parts::page::refused(&visit, &refusal)),
        )
    }

    /// Answers a request that could not be carried out at all.
    pub fn failed(&self, busy: bool) -> RawResponse {
        let refusal = if busy { Refusal::Busy { retry_after_seconds: None } } else { Refusal::Broken };
        self.below_site(parts::page::bare(&refusal))
    }

    /// A path without the one that the site is at.
    fn within<'a>(&self, path: &'a str) -> &'a str {
        match path.strip_prefix(self.site.path()) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            Some(_) | None => path,
        }
    }

    /// The answer with the console's addresses as browsers reach them. Only pages themselves write `"/console`: a
    /// quotation mark in anybody's text is escaped.
    fn below_site(&self, mut answer: RawResponse) -> RawResponse {
        let path = self.site.path();
        if path.is_empty() {
            return answer;
        }
        let mut is_page = false;
        for (name, value) in &mut answer.headers {
            is_page |= *name == "content-type" && value.starts_with("text/html");
            if *name == "location" && value.starts_with('/') {
                value.to_mut().insert_str(0, path);
            }
        }
        if is_page {
            let html = String::from_utf8_lossy(&answer.body);
            answer.body = html.replace("=\"/console", &format!("=\"{path}/console")).into_bytes();
        }
        answer
    }
}
