//! Framing of requests: their ends, read from each head as sent and followed through the body, so that the first byte
//! of the next head is known.

use httparse::Header;

use crate::limits;

/// Reason of the 400 for a request whose end can be read in two ways.
pub(in crate::server) const AMBIGUOUS: &str = "A body has one Content-Length, or is chunked and has none";

/// Frame of the request that some bytes begin with.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) struct RequestFrame {
    /// Bytes of the head.
    pub(in crate::server) head: usize,
    /// The body.
    pub(in crate::server) body: Rest,
}

impl RequestFrame {
    /// Reads a head. Returns `None` when the end of its body can be read in two ways, or when the bytes are no whole
    /// head.
    ///
    /// # Security
    /// hyper chooses by itself in some of these cases (of length and chunked together, chunked wins), and a proxy in
    /// front may choose otherwise. So no such request is served.
    pub(in crate::server) fn of(bytes: &[u8]) -> Option<Self> {
        let mut fields = [httparse::EMPTY_HEADER; limits::HEADERS_MAX];
        let mut parsed = httparse::Request::new(&mut fields);
        let httparse::Status::Complete(head) = parsed.parse(bytes).ok()? else { return None };
        let body = match (only(parsed.headers, "content-length")?, only(parsed.headers, "transfer-encoding")?)
        {
            (None, None) => Rest::Bytes(0),
            (Some(length), None) => Rest::Bytes(number(length)?),
            (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => {
                Rest::Chunked(Chunk::Size { size: 0, digits: true })
            }
            (None | Some(_), Some(_)) => return None,
        };
        Some(Self { head, body })
    }
}

/// Value of the only field of this name, if there is one. Returns `None` when there are several.
fn only<'a>(fields: &[Header<'a>], name: &str) -> Option<Option<&'a [u8]>> {
    let mut values = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
    let value = values.next().map(|field| field.value.trim_ascii());
    values.next().is_none().then_some(value)
}

fn number(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

/// Rest of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Rest {
    /// This many bytes.
    Bytes(u64),
    /// Chunks, up to the last one and its trailer.
    Chunked(Chunk),
}

/// Place of the next byte in a chunk. Refusing malformed chunks is hyper's work; this only follows those that hyper
/// takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Chunk {
    /// In the line with the size.
    Size { size: u64, digits: bool },
    /// In the data, or in the line end after them.
    Data { left: u64 },
    /// In a line after the last chunk.
    Trailer { empty: bool },
}

impl Rest {
    /// No more bytes.
    pub(in crate::server) const NONE: Self = Self::Bytes(0);

    /// Follows the body through `bytes`. Returns those after its end.
    pub(in crate::server) fn pass<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Bytes(left) => skip(left, bytes),
            Self::Chunked(chunk) => {
                let mut bytes = bytes;
                while !bytes.is_empty() {
                    let ended = chunk.pass(&mut bytes);
                    if ended {
                        *self = Self::NONE;
                        break;
                    }
                }
                bytes
            }
        }
    }
}

impl Chunk {
    /// Follows the body through some of `bytes`. Returns whether it ended there.
    fn pass(&mut self, bytes: &mut &[u8]) -> bool {
        if let Self::Data { left } = self {
            *bytes = skip(left, bytes);
            if *left == 0 {
                *self = Self::Size { size: 0, digits: true };
            }
            return false;
        }
        let Some((byte, rest)) = bytes.split_first() else { return false };
        *bytes = rest;
        *self = match (*self, byte) {
            (Self::Size { size: 0, .. }, b'\n') => Self::Trailer { empty: true },
            (Self::Size { size, .. }, b'\n') => Self::Data { left: size.saturating_add(2) },
            (Self::Size { size, digits }, byte) => match char::from(*byte).to_digit(16).filter(|_| digits) {
                Some(digit) => {
                    Self::Size { size: size.saturating_mul(16).saturating_add(digit.into()), digits }
                }
                None => Self::Size { size, digits: false },
            },
            (Self::Trailer { empty: true }, b'\n') => return true,
            (Self::Trailer { .. }, b'\n') => Self::Trailer { empty: true },
            (Self::Trailer { empty }, byte) => Self::Trailer { empty: empty && *byte == b'\r' },
            (data @ Self::Data { .. }, _) => data,
        };
        false
    }
}

fn skip<'a>(left: &mut u64, bytes: &'a [u8]) -> &'a [u8] {
    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    *left = left.saturating_sub(here as u64);
    bytes.get(here..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(fields: &str) -> Option<Rest> {
        RequestFrame::of(format!("POST / HTTP/1.1\r\nhost: x\r\n{fields}\r\nmore").as_bytes())
            .map(|frame| frame.body)
    }

    #[test]
    fn a_body_ends_where_everybody_says_it_does() {
        for (fields, length) in [("", 0), ("Content-Length: 0\r\n", 0), ("content-length:\t12 \r\n", 12)] {
            assert_eq!(body(fields), Some(Rest::Bytes(length)), "{fields}");
        }
        for fields in ["transfer-encoding: chunked\r\n", "Transfer-Encoding:CHUNKED\r\n"] {
            assert!(matches!(body(fields), Some(Rest::Chunked(_))), "{fields}");
        }
        for fields in [
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: chunked\r\nx: y\r\nCONTENT-length: 5\r\n",
            "content-length: 5\r\ncontent-length: 5\r\n",
            "content-length: 5, 5\r\n",
            "content-length: +5\r\n",
            "content-length:\r\n",
            "content-length: 99999999999999999999\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: gzip, chunked\r\n",
            "transfer-encoding: chunked, chunked\r\n",
            "transfer-encoding: identity\r\n",
            "transfer-encoding:\r\n",
        ] {
            assert_eq!(body(fields), None, "{fields}");
        }
        assert_eq!(RequestFrame::of(b"POST / HTTP/1.1\r\nhost: x\r\n"), None, "a part of a head");
    }

    #[test]
    fn what_follows_a_body_is_found_however_it_is_cut() {
        let chunks = "5;a=\"0\"\r\nhello\r\n0A\r\n0\r\n\r\n0\r\n\r\n\n\r\n000\r\nTrailer: 0\r\n\r\n";
        for (rest, body) in [
            (Rest::NONE, ""),
            (Rest::Bytes(5), "hello"),
            (Rest::Chunked(Chunk::Size { size: 0, digits: true }), chunks),
            (Rest::Chunked(Chunk::Size { size: 0, digits: true }), "0\r\n\r\n"),
        ] {
            let bytes = format!("{body}NEXT");
            for cut in 0..=bytes.len() {
                let (mut rest, (start, end)) = (rest, bytes.as_bytes().split_at(cut));
                let next = [rest.pass(start), rest.pass(end)].concat();
                assert_eq!((next.as_slice(), rest), (&b"NEXT"[..], Rest::NONE), "{body:?} cut at {cut}");
            }
        }
    }
}
