//! Plain answers as HTTP responses.

use warp::http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use warp::http::{Response, StatusCode};

use crate::exchange::RawResponse;

/// The response that sends `answer`: exactly its status, header fields and body.
///
/// # Security
/// An answer that HTTP cannot carry (a line break in a header field, an impossible status, a length of its own)
/// becomes a bare 500: nothing in it can end a header early or begin a second response.
pub(super) fn response(answer: RawResponse) -> warp::reply::Response {
    sendable(answer).unwrap_or_else(|| {
        tracing::error!("an answer that HTTP cannot carry was replaced");
        let mut response = Response::new("Internal server error\n".into());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

fn sendable(answer: RawResponse) -> Option<warp::reply::Response> {
    let status = StatusCode::from_u16(answer.status).ok().filter(|status| !status.is_informational())?;
    let mut response = Response::new(answer.body.into());
    *response.status_mut() = status;
    for (name, value) in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
            return None;
        }
        response.headers_mut().append(name, HeaderValue::from_str(&value).ok()?);
    }
    Some(response)
}

/// The same response, after which the connection ends.
pub(super) fn closing(mut response: warp::reply::Response) -> warp::reply::Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A short text for people, for answers that are no dialect's.
pub(super) fn plain(status: u16, text: &str) -> RawResponse {
    RawResponse::new(status, "text/plain; charset=utf-8", format!("{text}\n"))
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
