//! Requests as hyper brings them: as plain values, and those that no dialect sees.

use warp::http::{HeaderMap, HeaderValue, Method, Request};

use super::client_address::ClientAddress;
use super::response::plain;
use crate::http::{Body, Fields, Head, METHODS, RawRequest, RawResponse};

/// Refuses what only a proxy serves: a target without a path, as those of `CONNECT` and `OPTIONS *`. warp cannot take them
/// apart.
pub(in crate::server) fn pathless<B>(request: &Request<B>) -> Result<(), (u16, &'static str)> {
    if request.uri().path().starts_with('/') {
        Ok(())
    } else if request.method() == Method::CONNECT {
        Err((405, "This is no proxy"))
    } else {
        Err((400, "The request target needs a path"))
    }
}

/// The answer to what no dialect sees.
pub(in crate::server) fn refused_plainly(status: u16, why: &str) -> RawResponse {
    let answer = plain(status, why);
    if status == 405 { answer.with_header("allow", METHODS) } else { answer }
}

pub(in crate::server) fn head<B>(request: &Request<B>, origin: ClientAddress) -> Head<'_> {
    Head {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        client: origin.client,
        entrance: origin.entrance,
        fields: request.headers(),
    }
}

/// The request as a plain value.
pub(in crate::server) fn raw<B>(request: &Request<B>, origin: ClientAddress, body: Body) -> RawRequest {
    RawRequest {
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        headers: plain_fields(request.headers()),
        client: origin.client,
        entrance: origin.entrance,
        body,
    }
}

impl Fields for HeaderMap {
    fn each<'a>(&'a self, name: &'static str, look: &mut dyn FnMut(&'a [u8])) {
        self.get_all(name).iter().map(HeaderValue::as_bytes).for_each(look);
    }
}

/// Header fields as plain values.
pub(in crate::server) fn plain_fields(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}
