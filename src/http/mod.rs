//! HTTP as plain values: dialects need neither a socket nor a web framework.

mod authorization;
mod credential;
mod field;
mod form;
mod head;
mod multipart;
mod parameter;
mod proxies;
mod query;
mod site;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

pub use authorization::Authorization;
pub use credential::{Basic, Presented, presented};
pub use field::{Field, Index};
pub use form::Form;
pub use head::{Entrance, Fields, Head, TwoKeys};
pub use proxies::{TrustedPeer, TrustedProxies};
pub use query::{Query, QueryError};
pub(crate) use site::is_prefix;
pub use site::{NotASite, SiteUrl};

/// Methods for an `Allow` that is not about one address.
pub const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Request, whose body was read whole within bounds. Printed without query, values of header fields and body, which may
/// hold a secret.
#[derive(Clone)]
pub struct RawRequest {
    /// Method, as sent.
    pub method: String,
    /// Path as sent: never percent-decoded, without the query.
    pub path: String,
    /// Query without the question mark; empty when there is none.
    pub query: String,
    /// Header fields in order; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Address of the client; `None` when it is unknown, and for a socket in the file system.
    pub client: Option<IpAddr>,
    /// Way the request came in.
    pub entrance: Entrance,
    /// The body.
    pub body: Body,
}

impl RawRequest {
    /// First header field of this (lower-case) name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(field, _)| field == name)?;
        std::str::from_utf8(value).ok()
    }

    /// Media type of the body without parameters, as sent; empty when there is none.
    pub fn media_type(&self) -> &str {
        self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim()
    }

    /// Head of the request.
    pub fn head(&self) -> Head<'_> {
        Head {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            client: self.client,
            entrance: self.entrance,
            fields: &self.headers,
        }
    }
}

impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("RawRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &headers)
            .field("client", &self.client)
            .field("entrance", &self.entrance)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Body of a request, as far as it was read. Printed without its bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// The whole body, possibly empty.
    Whole(Vec<u8>),
    /// Dropped: more than [`limits::BODY_BYTES_MAX`](crate::limits::BODY_BYTES_MAX) bytes.
    TooLarge,
    /// Dropped: the client stopped before the end, or sent too slowly.
    Incomplete,
}

impl Body {
    /// Bytes of the body; none when it was dropped.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::TooLarge | Self::Incomplete => &[],
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::TooLarge => f.write_str("TooLarge"),
            Self::Incomplete => f.write_str("Incomplete"),
        }
    }
}

/// Answer to a request. Printed without values of header fields and body, which may hold a key text.
#[derive(Clone, PartialEq, Eq)]
pub struct RawResponse {
    /// Status code.
    pub status: u16,
    /// Header fields in order; names in lower case.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl RawResponse {
    /// Answer with a body of this media type; caches may not store it.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.into()), ("cache-control", "no-store".into())];
        Self { status, headers, body: body.into() }
    }

    /// The same answer with one more header field.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("RawResponse")
            .field("status", &self.status)
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
