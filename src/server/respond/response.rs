//! Responses: plain answers as hyper sends them.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{Either, Full};
use hyper::body::Body;
use warp::http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use warp::http::{HeaderMap, Response, StatusCode};

use crate::http::RawResponse;
use crate::limits;

/// Response that sends `answer`: exactly its status, header fields and body.
///
/// # Security
/// An answer that HTTP cannot carry (a line break in a header field, an impossible status, a length of its own) becomes
/// a bare 500. So no answer can end a header field early or begin a second response.
pub(in crate::server) fn response(answer: RawResponse) -> Response<Bytes> {
    sendable(answer).unwrap_or_else(|| {
        tracing::error!("an answer that HTTP cannot carry was replaced");
        let mut response = Response::new(Bytes::from_static(b"Internal server error\n"));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// Response of a warp filter.
pub(in crate::server) fn reply(answer: RawResponse) -> warp::reply::Response {
    response(answer).map(Into::into)
}

fn sendable(answer: RawResponse) -> Option<Response<Bytes>> {
    let status = StatusCode::from_u16(answer.status).ok().filter(|status| !status.is_informational())?;
    let mut response = Response::new(Bytes::from(answer.body));
    *response.status_mut() = status;
    *response.headers_mut() = fields(answer.headers)?;
    Some(response)
}

fn fields(named: Vec<(&'static str, Cow<'static, str>)>) -> Option<HeaderMap> {
    let mut fields = HeaderMap::with_capacity(named.len());
    for (name, value) in named {
        let name = field_name(name)?;
        if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
            return None;
        }
        fields.append(name, field_value(value)?);
    }
    Some(fields)
}

fn field_value(value: Cow<'static, str>) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(match value {
        Cow::Borrowed(value) => Bytes::from_static(value.as_bytes()),
        Cow::Owned(value) => Bytes::from(value),
    })
    .ok()
}

/// Name in lower case. It needs no allocation, since the text is static.
fn field_name(name: &'static str) -> Option<HeaderName> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    // `from_static` panics at any other name.
    (!name.is_empty() && name.bytes().all(plain)).then(|| HeaderName::from_static(name))
}

/// The same response, which also ends the connection.
pub(in crate::server) fn closing<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The same answer; a 503 without `Retry-After` gets one.
pub(in crate::server) fn with_retry_after(answer: RawResponse) -> RawResponse {
    if answer.status != 503 || answer.headers.iter().any(|(name, _)| *name == "retry-after") {
        return answer;
    }
    answer.with_header("retry-after", limits::UNDECIDED_RETRY_AFTER_SECONDS.to_string())
}

/// Answer of the server itself, with a short text for a person.
pub(in crate::server) fn plain(status: u16, text: &str) -> RawResponse {
    RawResponse::new(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

/// Body of a response: whole, or of one of warp's filters.
pub(in crate::server) type ResponseBody = Either<Full<Bytes>, BoxBody<Bytes, warp::Error>>;

/// Body that is whole.
pub(in crate::server) fn whole(body: Bytes) -> ResponseBody {
    Either::Left(Full::new(body))
}

/// Body of one of warp's filters.
pub(in crate::server) fn routed(
    body: impl Body<Data = Bytes, Error = warp::Error> + Send + Sync + 'static,
) -> ResponseBody {
    Either::Right(BoxBody::new(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_sent_as_it_is() {
        let response = response(plain(404, "no").with_header("x-twice", "1").with_header("x-twice", "2"));
        assert_eq!(response.status(), 404);
        let twice: Vec<_> = response.headers().get_all("x-twice").iter().collect();
        assert_eq!(twice, ["1", "2"]);
        assert_eq!(response.headers().len(), 4, "nothing is added");
    }

    #[test]
    fn an_answer_that_cannot_be_sent_is_a_bare_500() {
        for answer in [
            plain(200, "x").with_header("x-name", "a\r\nset-cookie: b=c"),
            plain(200, "x").with_header("x-name", "a\nb"),
            plain(200, "x").with_header("x-name", "a\0b"),
            plain(200, "x").with_header("x name", "a"),
            plain(200, "x").with_header("X-Name", "a"),
            plain(200, "x").with_header("", "a"),
            plain(200, "x").with_header("content-length", "1"),
            plain(200, "x").with_header("transfer-encoding", "chunked"),
            plain(99, "x"),
            plain(101, "x"),
            plain(1_000, "x"),
        ] {
            let response = response(answer.clone());
            assert_eq!(response.status(), 500, "{answer:?}");
            assert!(response.headers().is_empty(), "{answer:?}");
        }
    }
}
