//! Requests as hyper reads them: as plain values, and those that no dialect sees.

use warp::http::{HeaderMap, HeaderValue, Method, Request, Response};

use super::client_address::ClientAddress;
use super::response::{ResponseBody, plain, response, whole};
use crate::http::{Body, Fields, Head, METHODS, RawRequest};

/// A request that no dialect sees: the status of the response, and the reason in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct BadRequest {
    pub(in crate::server) status: u16,
    pub(in crate::server) reason: &'static str,
}

impl BadRequest {
    /// Response to the request.
    pub(in crate::server) fn response(self) -> Response<ResponseBody> {
        let answer = plain(self.status, self.reason);
        let answer = if self.status == 405 { answer.with_header("allow", METHODS) } else { answer };
        response(answer).map(whole)
    }
}

/// Checks that a target has a path. Those of `CONNECT` and `OPTIONS *`, which only a proxy serves, have none; warp
/// cannot take them apart.
///
/// # Errors
/// [`BadRequest`] for any other target.
pub(in crate::server) fn check_path<B>(request: &Request<B>) -> Result<(), BadRequest> {
    if request.uri().path().starts_with('/') {
        Ok(())
    } else if request.method() == Method::CONNECT {
        Err(BadRequest { status: 405, reason: "This is no proxy" })
    } else {
        Err(BadRequest { status: 400, reason: "The request target needs a path" })
    }
}

/// Head of the request, borrowed.
pub(super) fn head<B>(request: &Request<B>, client: ClientAddress) -> Head<'_> {
    Head {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        client: client.address,
        entrance: client.entrance,
        fields: request.headers(),
    }
}

/// The request as a plain value, for another thread.
pub(super) fn raw_request(request: &Request<()>, client: ClientAddress, body: Body) -> RawRequest {
    let fields = request.headers().iter();
    RawRequest {
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        headers: fields.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect(),
        client: client.address,
        entrance: client.entrance,
        body,
    }
}

/// A copy of the request without its body and extensions.
pub(super) fn without_body<B>(request: &Request<B>) -> Request<()> {
    let mut copy = Request::new(());
    request.method().clone_into(copy.method_mut());
    request.uri().clone_into(copy.uri_mut());
    request.headers().clone_into(copy.headers_mut());
    copy
}

impl Fields for HeaderMap {
    fn each<'a>(&'a self, name: &'static str, look: &mut dyn FnMut(&'a [u8])) {
        self.get_all(name).iter().map(HeaderValue::as_bytes).for_each(look);
    }
}
