//! Plain answers as HTTP responses.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use warp::http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use warp::http::{HeaderMap, Response, StatusCode};

use crate::http::RawResponse;

/// The response that sends `answer`: exactly its status, header fields and body.
///
/// # Security
/// An answer that HTTP cannot carry (a line break in a header field, an impossible status, a length of its own)
/// becomes a bare 500: nothing in it can end a header early or begin a second response.
pub(in crate::server) fn response(answer: RawResponse) -> Response<Bytes> {
    sendable(answer).unwrap_or_else(|| {
        tracing::error!("an answer that HTTP cannot carry was replaced");
        let mut response = Response::new(Bytes::from_static(b"Internal server error\n"));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// The same as warp's filters answer it.
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

/// A lower-case name. Without an allocation, since it lives as long as the program.
fn field_name(name: &'static str) -> Option<HeaderName> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    // Anything else would panic.
    (!name.is_empty() && name.bytes().all(plain)).then(|| HeaderName::from_static(name))
}

/// The same response, after which the connection ends.
pub(in crate::server) fn closing<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A short text for people, for answers that are no dialect's.
pub(in crate::server) fn plain(status: u16, text: &str) -> RawResponse {
    RawResponse::new(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

/// The body of an answer: one that is there, or one of warp's.
pub(in crate::server) type AnswerBody<B> = http_body_util::Either<Full<Bytes>, B>;

pub(in crate::server) fn at_once<B>(body: Bytes) -> AnswerBody<B> {
    AnswerBody::Left(Full::new(body))
}

pub(in crate::server) fn routed<B>(body: B) -> AnswerBody<B> {
    AnswerBody::Right(body)
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
