//! Forms, read as PHP reads them: clients of documented PHP services rely on its rules.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::parameter::{media_type, parameter};
use super::{Field, Index, RawRequest, field, multipart};
use crate::limits;

/// Fields of a form, as bytes: neither trimmed nor decoded to text. Wiped when dropped, never printed.
///
/// ```
/// use keyward::http::{Body, Entrance, Field, Form, RawRequest};
/// let request = RawRequest {
///     method: "POST".into(),
///     path: "/".into(),
///     query: String::new(),
///     headers: vec![("content-type".into(), b"application/x-www-form-urlencoded".to_vec())],
///     client: None,
///     entrance: Entrance::Local,
///     body: Body::Whole(b"comment=first&comment=last+one".to_vec()),
/// };
/// let form = Form::read(&request);
/// assert!(matches!(form.field("comment"), Some(Field::Text(text)) if **text == b"last one"));
/// ```
#[derive(Default)]
pub struct Form(BTreeMap<Index, Field>);

impl Form {
    /// Reads the form in a request's body: `multipart/form-data` or `application/x-www-form-urlencoded`.
    ///
    /// The last of repeated fields counts. A body that was cut off gives the fields before the cut. Uploads are no
    /// fields. A body of another media type, and a dropped body, have none. Takes time linear in the body.
    pub fn read(request: &RawRequest) -> Self {
        Self::of(request.header("content-type").unwrap_or_default().as_bytes(), request.body.bytes())
    }

    /// Reads a body of this media type, as [`Form::read`] does.
    pub fn of(content_type: &[u8], body: &[u8]) -> Self {
        let mut form = Self::default();
        if media_type(content_type).eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            form.insert_all(urlencoded(body));
        } else if media_type(content_type).eq_ignore_ascii_case(b"multipart/form-data")
            && let Some(boundary) =
                parameter(content_type, "boundary").filter(|boundary| !boundary.is_empty())
        {
            form.insert_all(multipart::fields(body, &boundary));
        }
        form
    }

    /// Whether a body of this media type is a form.
    pub fn is_form(content_type: &[u8]) -> bool {
        let media_type = media_type(content_type);
        media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
            || media_type.eq_ignore_ascii_case(b"multipart/form-data")
    }

    /// Field of this name, after mangling.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.0.get(&Index::Name(name.into()))
    }

    /// Fields whose names are text.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.0.iter().filter_map(|(index, field)| match index {
            Index::Name(name) => std::str::from_utf8(name).ok().map(|name| (name, field)),
            Index::Number(_) => None,
        })
    }

    /// Whether every field has one of these names.
    pub fn has_only(&self, names: &[&str]) -> bool {
        let known = |index: &Index| match index {
            Index::Name(name) => names.iter().any(|known| known.as_bytes() == name),
            Index::Number(_) => false,
        };
        self.0.keys().all(known)
    }

    fn insert_all(&mut self, fields: impl Iterator<Item = (Vec<u8>, Zeroizing<Vec<u8>>)>) {
        for (name, value) in fields.take(limits::FORM_FIELDS_MAX) {
            if let Some((root, steps)) = field::path(&name) {
                field::insert(&mut self.0, Index::Name(root), &steps, value);
            }
        }
    }
}

/// Names and values, percent-decoded.
fn urlencoded(body: &[u8]) -> impl Iterator<Item = (Vec<u8>, Zeroizing<Vec<u8>>)> {
    body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let mut half = || decoded(halves.next().unwrap_or_default());
        (half().to_vec(), half())
    })
}

fn decoded(text: &[u8]) -> Zeroizing<Vec<u8>> {
    // Full capacity from the start: growing would leave an unwiped copy.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for (nth, word) in text.split(|byte| *byte == b'+').enumerate() {
        bytes.extend((nth > 0).then_some(b' '));
        bytes.extend(percent_decode(word));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::{Body, Entrance};

    fn read(content_type: &str, body: &[u8]) -> Form {
        Form::read(&RawRequest {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: "a=query".to_owned(),
            headers: vec![("content-type".to_owned(), content_type.as_bytes().to_vec())],
            client: None,
            entrance: Entrance::Local,
            body: Body::Whole(body.to_vec()),
        })
    }

    /// All fields in one line: values quoted, arrays in braces with their indexes.
    fn shown(fields: &BTreeMap<Index, Field>) -> String {
        let show = |(index, field): (&Index, &Field)| {
            let index = match index {
                Index::Number(number) => number.to_string(),
                Index::Name(name) => name.escape_ascii().to_string(),
            };
            match field {
                Field::Text(text) => format!("{index}=\"{}\"", text.escape_ascii()),
                Field::Array(inner) => format!("{index}={{{}}}", shown(inner)),
            }
        };
        fields.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    fn urlencoded_as(body: &str) -> String {
        shown(&read("application/x-www-form-urlencoded", body.as_bytes()).0)
    }

    /// A body of parts with these heads and values.
    fn multipart_body(parts: &[(&str, &str)]) -> String {
        let part = |(head, value): &(&str, &str)| {
            format!("--B\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n")
        };
        parts.iter().map(part).collect::<String>() + "--B--\r\n"
    }

    fn multipart_as(body: &str) -> String {
        shown(&read("multipart/form-data; boundary=B", body.as_bytes()).0)
    }

    #[test]
    fn urlencoded_bodies_read_as_in_php() {
        for (body, fields) in [
            ("", ""),
            ("a=", "a=\"\""),
            ("a", "a=\"\""),
            ("a=1&a=2", "a=\"2\""),
            ("a[]=1", "a={0=\"1\"}"),
            ("a[k]=1", "a={k=\"1\"}"),
            ("a%5Bk%5D=1", "a={k=\"1\"}"),
            ("a[]=1&a[7]=2&a[]=3&a[07]=4", "a={0=\"1\" 7=\"2\" 8=\"3\" 07=\"4\"}"),
            ("a[k][l]=1&a[k][m]=2", "a={k={l=\"1\" m=\"2\"}}"),
            ("a[k]=1&a[k][l]=2", "a={k={l=\"2\"}}"),
            ("a[18446744073709551615]=1&a[]=2", "a={18446744073709551615=\"2\"}"),
            ("a=1&a[]=2", "a={0=\"2\"}"),
            ("a[]=1&a=2", "a=\"2\""),
            ("a[=1", "a_=\"1\""),
            ("a[b.c=1", "a_b_c=\"1\""),
            ("a[b]c=1&d[e][f=2", "a={b=\"1\"} d={e=\"2\"}"),
            ("A=1&a=2", "A=\"1\" a=\"2\""),
            ("++a.b+c=1", "a_b_c=\"1\""),
            ("access.level=1", "access_level=\"1\""),
            ("%61=1&b%00c=2", "a=\"1\" b=\"2\""),
            ("=1&+=2&[x]=3&[]=4", ""),
            ("a=%2B+%zz%4&b=%41%0d%0a%00", "a=\"+ %zz%4\" b=\"A\\r\\n\\x00\""),
            ("&&a=1&&", "a=\"1\""),
            ("a=1;b=2", "a=\"1;b=2\""),
            ("a=b=c", "a=\"b=c\""),
            ("a= 1 &b=\n\x01", "a=\" 1 \" b=\"\\n\\x01\""),
        ] {
            assert_eq!(urlencoded_as(body), fields, "{body}");
        }
    }

    #[test]
    fn multipart_bodies_read_as_in_php() {
        for (parts, fields) in [
            (&[("name=\"a\"", "")][..], "a=\"\""),
            (&[("name=a", "1"), ("name=\"a\"", "2")], "a=\"2\""),
            (&[("name=\"a[]\"", "1"), ("name=\"b[k]\"", "2")], "a={0=\"1\"} b={k=\"2\"}"),
            (&[("name=\" access.level\"", "1")], "access_level=\"1\""),
            (&[("name=\"%61\"", "+%41")], "%61=\"+%41\""),
            (&[("name=\"a\"; filename=\"x\"", "1"), ("name=\"b\"; filename=\"\"", "2")], ""),
            (&[("name=\"a\"\r\nContent-Type: text/plain", "1")], "a=\"1\""),
            (&[("name=\"a\"", " 1\r\n\n--C\r")], "a=\" 1\\r\\n\\n--C\\r\""),
            (&[("noname", "1"), ("name=\"b\"", "2")], "b=\"2\""),
        ] {
            assert_eq!(multipart_as(&multipart_body(parts)), fields, "{parts:?}");
        }
        let lines_only = "before\n--B\nContent-Disposition: x; name=a\n\n1\n--B--\nafter";
        assert_eq!(multipart_as(lines_only), "a=\"1\"");
        assert_eq!(multipart_as("--B\r\nNo-Disposition: x; name=a\r\n\r\n1\r\n--B--"), "");
    }

    #[test]
    fn a_multipart_body_may_be_cut_anywhere_in_its_last_value() {
        let body = multipart_body(&[("name=\"a\"", "1"), ("name=\"b\"", "234")]);
        let value = body.find("234").unwrap();
        for (end, fields) in [
            (value - 1, "a=\"1\""),
            (value, "a=\"1\" b=\"\""),
            (value + 2, "a=\"1\" b=\"23\""),
            (value + 3, "a=\"1\" b=\"234\""),
            (value + 4, "a=\"1\" b=\"234\\r\""),
        ] {
            assert_eq!(multipart_as(body.get(..end).unwrap()), fields, "cut at {end}");
        }
        for end in value + 5..=body.len() {
            assert_eq!(multipart_as(body.get(..end).unwrap()), "a=\"1\" b=\"234\"", "cut at {end}");
        }
    }

    #[test]
    fn the_media_type_decides_and_a_dropped_body_has_no_fields() {
        let plain = b"a=1";
        for (content_type, count) in [
            ("application/x-www-form-urlencoded", 1),
            ("Application/X-WWW-Form-URLencoded ; charset=utf-8", 1),
            ("application/json", 0),
            ("text/plain", 0),
            ("application/x-www-form-urlencodedx", 0),
            ("", 0),
        ] {
            assert_eq!(read(content_type, plain).0.len(), count, "{content_type}");
        }
        let parts = multipart_body(&[("name=\"a\"", "1")]);
        for (content_type, count) in [
            ("multipart/form-data; boundary=B", 1),
            ("MULTIPART/Form-Data; charset=utf-8; BOUNDARY=\"B\"", 1),
            ("multipart/form-data", 0),
            ("multipart/form-data; boundary=", 0),
            ("multipart/form-data; boundary=C", 0),
            ("multipart/mixed; boundary=B", 0),
        ] {
            assert_eq!(read(content_type, parts.as_bytes()).0.len(), count, "{content_type}");
        }
        let mut request = RawRequest {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            headers: Vec::new(),
            client: None,
            entrance: Entrance::Local,
            body: Body::Whole(plain.to_vec()),
        };
        assert!(Form::read(&request).0.is_empty(), "no content type");
        request.headers = vec![("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec())];
        for body in [Body::TooLarge, Body::Incomplete] {
            assert!(Form::read(&RawRequest { body, ..request.clone() }).0.is_empty());
        }
    }

    #[test]
    fn bounds_hold() {
        let many = |count: usize| (0..count).map(|nth| format!("f{nth}=1&")).collect::<String>();
        let form = read("application/x-www-form-urlencoded", many(10_000).as_bytes());
        assert_eq!(form.0.len(), limits::FORM_FIELDS_MAX);
        assert!(form.field("f999").is_some() && form.field("f1000").is_none());

        let nested = |depth| format!("a{}=1", "[]".repeat(depth));
        assert!(!urlencoded_as(&nested(limits::FORM_NESTING_MAX)).is_empty());
        assert_eq!(urlencoded_as(&nested(limits::FORM_NESTING_MAX + 1)), "");
        assert_eq!(urlencoded_as(&nested(limits::BODY_BYTES_MAX / 2)), "");
        let long = "n".repeat(limits::BODY_BYTES_MAX);
        assert!(read("application/x-www-form-urlencoded", long.as_bytes()).field(&long).is_some());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(
            body in prop::collection::vec(any::<u8>(), 0..2_000),
            content_type in "(multipart/form-data; boundary=.{0,3}|application/x-www-form-urlencoded|.{0,60})",
        ) {
            read(&content_type, &body);
        }

        /// Bytes that look like bodies reach further than arbitrary ones.
        #[test]
        fn any_lookalike_is_read(
            words in prop::collection::vec(prop::sample::select(vec![
                "--B", "\r\n", "\n", "\r", "--", "-", "Content-Disposition", ":", ";", " ", "name", "filename", "=", "\"",
                "\\", "[", "]", "0", "7", "a", "&", "%", "%41", "%00", "+", ".", "\0", "\u{ff}", "form-data", "B",
            ]), 0..200),
        ) {
            let body = words.concat();
            read("multipart/form-data; boundary=B", body.as_bytes());
            read("application/x-www-form-urlencoded", body.as_bytes());
        }
    }
}
