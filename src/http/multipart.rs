//! Multipart forms: the fields of a `multipart/form-data` body.

use httparse::{EMPTY_HEADER, Status};
use memchr::memmem::Finder;
use zeroize::Zeroizing;

use super::parameter::parameter;
use crate::limits;

/// Names and values of the parts that are fields. Parts with a file name, with a malformed head, or without a name are
/// left out. The last part may be cut off anywhere in its value.
pub(super) fn fields(body: &[u8], boundary: &[u8]) -> impl Iterator<Item = (Vec<u8>, Zeroizing<Vec<u8>>)> {
    let delimiter = [b"\n--", boundary].concat();
    let finder = Finder::new(&delimiter).into_owned();
    let split = move |text| {
        let at = finder.find(text)?;
        Some((text.get(..at)?, text.get(at + finder.needle().len()..)?))
    };
    // Only the first delimiter may have no line end before it.
    let opened = delimiter.get(1..).and_then(|first| body.strip_prefix(first));
    let mut rest = opened.or_else(|| split(body).map(|(_, after)| after));
    let fields = std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some((part, after)) = split(text) else {
            return Some(field(text, |value| without_cut_delimiter(value, &delimiter)));
        };
        rest = Some(after);
        Some(field(part, without_return))
    });
    fields.flatten()
}

/// Reads one part: the bytes between two delimiters, or between the last delimiter and the end of the body.
fn field(part: &[u8], trim_end: impl Fn(&[u8]) -> &[u8]) -> Option<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let part = part.strip_prefix(b"\r\n").or_else(|| part.strip_prefix(b"\n"))?;
    let mut headers = [EMPTY_HEADER; limits::PART_HEADERS_MAX];
    let Ok(Status::Complete((head, headers))) = httparse::parse_headers(part, &mut headers) else {
        return None;
    };
    let disposition =
        headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-disposition"))?.value;
    if parameter(disposition, "filename").is_some() {
        return None;
    }
    Some((parameter(disposition, "name")?, Zeroizing::new(trim_end(part.get(head..)?).to_vec())))
}

/// Value without the carriage return of the line end that begins the next delimiter.
fn without_return(value: &[u8]) -> &[u8] {
    value.strip_suffix(b"\r").unwrap_or(value)
}

/// Value of the last part, without the beginning of a delimiter that was cut off.
fn without_cut_delimiter<'a>(value: &'a [u8], delimiter: &[u8]) -> &'a [u8] {
    let line_end = memchr::memrchr(b'\n', value).and_then(|at| value.split_at_checked(at));
    match line_end {
        Some((before, begun)) if delimiter.starts_with(begun) => without_return(before),
        _ => value,
    }
}
