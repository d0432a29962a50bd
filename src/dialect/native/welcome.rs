//! `GET /` for programs: what answers here, which APIs are on, and where keyward's own is described.

use serde::Serialize;

use super::encode;
use super::refusal::Refusal;
use super::{OPENAPI, Specificity};
use crate::command::Service;
use crate::dialect::Dialect;
use crate::http::{Head, RawRequest, RawResponse};

/// The page at `/` for programs that show no key. A browser gets the console there, and a client with `Authorization`
/// QReserve's API, where these are served.
///
/// ```
/// use keyward::dialect::{Dialect, Welcome};
/// let welcome = Welcome::new([("filebin", "/api")]);
/// assert!(welcome.claims("/") && !welcome.claims("/api"));
/// ```
#[derive(Clone, Debug)]
pub struct Welcome {
    body: Vec<u8>,
}

#[derive(Serialize)]
struct WelcomeJson<'a> {
    name: &'static str,
    version: &'static str,
    /// Where keyward's own API is described.
    description: &'static str,
    apis: Vec<ApiJson<'a>>,
}

#[derive(Serialize)]
struct ApiJson<'a> {
    name: &'a str,
    path: &'a str,
}

impl Welcome {
    /// The page of a server with these APIs beside keyward's own: names, and the paths that they begin with.
    pub fn new<'a>(apis: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let own = [("keyward", "/v1"), ("gateways", "/auth")];
        let apis = own.into_iter().chain(apis).map(|(name, path)| ApiJson { name, path }).collect();
        let (name, version) = ("keyward", env!("CARGO_PKG_VERSION"));
        Self { body: encode::line(&WelcomeJson { name, version, description: OPENAPI, apis }) }
    }
}

impl Dialect for Welcome {
    fn claims(&self, path: &str) -> bool {
        path == "/"
    }

    /// Requests with a key or of another method are for an API that takes them at `/`.
    fn declines(&self, head: &Head<'_>) -> bool {
        !matches!(head.method, "GET" | "HEAD")
    }

    fn specificity(&self, _head: &Head<'_>) -> Specificity {
        Specificity::Prefix { bytes: "/".len() }
    }

    fn answer(&self, _service: &Service, request: &RawRequest) -> RawResponse {
        match request.method.as_str() {
            "GET" | "HEAD" => RawResponse::new(200, "application/json", self.body.clone()),
            _ => Refusal::Method { allowed: "GET, HEAD" }.response(),
        }
    }
}
