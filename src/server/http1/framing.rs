//! Where requests end: read from each head as it was sent, and followed through its body, so that the next head is known
//! from its first byte on.

use httparse::Header;

use crate::limits;

/// Why a request is refused whose end could be read in two ways.
pub(in crate::server) const AMBIGUOUS: &str = "A body has one Content-Length, or is chunked and has none";

/// The request that some bytes begin with.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) struct Frame {
    /// Bytes of its head.
    pub(in crate::server) head: usize,
    /// What follows.
    pub(in crate::server) body: Rest,
}

impl Frame {
    /// Reads a head. `None` when there is more than one way to read where its body ends, or these bytes are no whole head.
    ///
    /// # Security
    /// hyper settles some of that by itself (length and chunked together: chunked wins), and a proxy in front may settle
    /// it the other way. Whatever of it is seen here is not served.
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

/// The value of the field of this name, if there is one; `None` when there are several.
fn only<'a>(fields: &[Header<'a>], name: &str) -> Option<Option<&'a [u8]>> {
    let mut values = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
    let value = values.next().map(|field| field.value.trim_ascii());
    values.next().is_none().then_some(value)
}

fn number(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

/// What is still to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Rest {
    /// So many bytes.
    Bytes(u64),
    /// Chunks, the last of them included.
    Chunked(Chunk),
}

/// Where in a chunk the next byte is. What is no chunk is hyper's to refuse: this only follows what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Chunk {
    /// In the line with its size.
    Size { size: u64, digits: bool },
    /// In its data and the line end behind them.
    Data { left: u64 },
    /// In a line behind the last one.
    Trailer { empty: bool },
}

impl Rest {
    /// No body, or none any more.
    pub(in crate::server) const NONE: Self = Self::Bytes(0);

    /// Goes on over `bytes`; those that belong to what comes after the body.
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
    /// Goes on over some of `bytes`; whether the body ended there.
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
        Frame::of(format!("POST / HTTP/1.1\r\nhost: x\r\n{fields}\r\nmore").as_bytes())
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
        assert_eq!(Frame::of(b"POST / HTTP/1.1\r\nhost: x\r\n"), None, "a part of a head");
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
