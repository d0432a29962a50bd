//! The web console: pages for administrators and users, rendered here, usable without JavaScript.
//!
//! ```text
//! GET        /                        redirects a browser to the console
//! GET        /console                 overview
//! GET POST   /console/login, setup    POST only: /console/logout
//! GET        /console/config          and below it:
//! GET        /console/config/users    all users, or the own row of a user
//! GET POST   /console/config/users/new, /console/config/users/{user}
//! GET POST   /console/bots, /console/bots/{user}, /console/bots/{user}/api-key
//! GET POST   /console/keys/{keyspace}, /console/key/{key}
//! GET POST   /console/try             try a key
//! GET        /console/audit
//! GET        /console/assets/{name}
//! ```
//!
//! Every change is a POST with the token of its session, from a page of this site. No address contains a key text.
//!
//! The console is not a dialect, since its addresses are no documented API, but it answers requests as a dialect does. At
//! `/`, every request that is not from a browser is left to QReserve's API ([`Console::passes`]).
//!
//! If the site has a path, [`Console::answer`] adds it to every address of an answer and accepts requests with and without
//! it: pages themselves know no path, so none of them can forget it.

mod assets;
mod form;
mod pages;
mod parts;
mod refusal;
mod request;
mod respond;
mod route;
mod signed_in;
#[cfg(test)]
mod tests;

use crate::command::Service;
use crate::console::refusal::Refusal;
use crate::console::request::ConsoleRequest;
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
    /// Creates the console of a site. If the site has a path, every link, redirect and cookie is below it, and requests are
    /// accepted with the path and without: a proxy may strip it.
    pub const fn new(site: SiteUrl) -> Self {
        Self { site }
    }

    /// Whether the console answers requests for this path, unless it [passes](Self::passes) a request on.
    pub fn claims(&self, path: &str) -> bool {
        let path = self.within(path);
        path == "/" || path == "/console" || path.starts_with("/console/")
    }

    /// Whether the console leaves a request to a dialect: at `/` it answers only a browser that asks for a page.
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
            return self.below_site(respond::see_other("/console"));
        }
        let raw = RawRequest { path: path.to_owned(), ..request.clone() };
        let request = ConsoleRequest { site: &self.site, service, raw: &raw };
        self.below_site(
            route::answer(&request).unwrap_or_else(|refusal| parts::page::refused(&request, &refusal)),
        )
    }

    /// Answers a request that could not be carried out at all.
    pub fn failed(&self, busy: bool) -> RawResponse {
        let refusal = if busy { Refusal::Busy { retry_after_seconds: None } } else { Refusal::Broken };
        self.below_site(parts::page::bare(&refusal))
    }

    /// Path of a request without the path of the site.
    fn within<'a>(&self, path: &'a str) -> &'a str {
        match path.strip_prefix(self.site.path()) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            Some(_) | None => path,
        }
    }

    /// Adds the path of the site to every address in an answer. Only pages themselves contain `"/console`, since quotation
    /// marks in stored texts are escaped.
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
