//! Query strings: the parameters of a request's address, as sent or decoded.
//!
//! The dialects' documents differ in what a parameter is: whether its name is decoded, whether its case counts, whether
//! a parameter without an equals sign is one, and which of two equal names counts. Each reading is a method of
//! [`Query`], so that no dialect splits a query string itself.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use thiserror::Error;

/// Query string of a request, without the question mark. Printed as its type name only, since it may hold a key text.
///
/// ```
/// use keyward::http::Query;
/// let query = Query::new("owner=ann+b&limit=5&");
/// assert_eq!(query.values("limit").collect::<Vec<_>>(), ["5"]);
/// let [owner, limit, after] = query.only(["owner", "limit", "after"])?;
/// assert_eq!((owner.as_deref(), limit.as_deref(), after), (Some("ann b"), Some("5"), None));
/// # Ok::<(), keyward::http::QueryError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Query<'a>(&'a str);

/// Reason why a query string does not have the parameters that an address documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QueryError {
    /// A parameter has another name than the documented ones.
    #[error("a query parameter has an unknown name")]
    Unknown,
    /// A parameter has the same name as one before it.
    #[error("a query parameter is given twice")]
    Twice,
    /// A value is not UTF-8 after percent-decoding.
    #[error("the query is not UTF-8")]
    NotUtf8,
}

impl<'a> Query<'a> {
    /// Query string as sent; empty when the request has none.
    pub const fn new(sent: &'a str) -> Self {
        Self(sent)
    }

    /// Names and values as sent, in order. A parameter without an equals sign has an empty value; empty parameters, as
    /// between two ampersands, are left out.
    pub fn parameters(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .split('&')
            .filter(|sent| !sent.is_empty())
            .map(|sent| sent.split_once('=').unwrap_or((sent, "")))
    }

    /// Every value of this name, as sent and in order. The name is compared as sent, its case included. A parameter
    /// without an equals sign has no value.
    pub fn values(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.assigned().filter(move |(sent, _)| *sent == name).map(|(_, value)| value)
    }

    /// The first value of this name in any case, as sent. A parameter without an equals sign has no value.
    pub fn first_ignoring_case(self, name: &str) -> Option<&'a str> {
        self.assigned().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Names and values, decoded as those of a form: a plus sign is a space, bytes that are not UTF-8 become U+FFFD,
    /// and a percent sign without two hexadecimal digits remains one.
    ///
    /// Source: WHATWG URL, 5.1.
    pub fn decoded(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        form_urlencoded::parse(self.0.as_bytes())
    }

    /// Values of exactly these names, decoded as by [`Query::decoded`], and `None` for each name that is missing. Names
    /// are compared as sent; a parameter without an equals sign has an empty value.
    ///
    /// # Errors
    /// [`QueryError`] for the first parameter that has another name, repeats a name, or is not UTF-8.
    pub fn only<const N: usize>(self, names: [&str; N]) -> Result<[Option<String>; N], QueryError> {
        let mut values = [const { None }; N];
        for (name, value) in self.parameters() {
            let place = names.iter().position(|known| *known == name).and_then(|n| values.get_mut(n));
            let place = place.ok_or(QueryError::Unknown)?;
            if place.replace(text(value)?).is_some() {
                return Err(QueryError::Twice);
            }
        }
        Ok(values)
    }

    /// Names and values as sent of the parameters with an equals sign.
    fn assigned(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.split('&').filter_map(|sent| sent.split_once('='))
    }
}

/// Decodes a value strictly.
fn text(value: &str) -> Result<String, QueryError> {
    let value = value.replace('+', " ");
    let decoded = percent_decode_str(&value).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| QueryError::NotUtf8)
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Query")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_as_sent() {
        for (sent, expected) in [
            ("", &[][..]),
            ("&&", &[]),
            ("a", &[("a", "")]),
            ("a=&=b&=", &[("a", ""), ("", "b"), ("", "")]),
            ("a=1&a=2&A=3", &[("a", "1"), ("a", "2"), ("A", "3")]),
            ("a=b=c&%61=%+%zz", &[("a", "b=c"), ("%61", "%+%zz")]),
            ("a;b=1?c", &[("a;b", "1?c")]),
        ] {
            assert_eq!(Query::new(sent).parameters().collect::<Vec<_>>(), expected, "{sent}");
        }
    }

    /// The keys that a request presents in its query: plus signs are theirs, and two values are two keys.
    #[test]
    fn every_value_of_a_name_is_found_as_sent() {
        for (sent, expected) in [
            ("", &[][..]),
            ("api_key", &[]),
            ("api_key=", &[""]),
            ("a=b&api_key=k%77+1&c", &["k%77+1"]),
            ("api_key=a&api_key=b=c", &["a", "b=c"]),
            ("apikey=1&xapi_key=2&API_KEY=3&%61pi_key=4", &[]),
        ] {
            assert_eq!(Query::new(sent).values("api_key").collect::<Vec<_>>(), expected, "{sent}");
        }
    }

    /// ServiceStack's `format`, `op` and `lang`.
    #[test]
    fn the_first_value_is_found_whatever_the_case_of_its_name() {
        for (sent, expected) in [
            ("", None),
            ("format", None),
            ("format&Format=json", Some("json")),
            ("FORMAT=xml&format=json", Some("xml")),
            ("format=&format=json", Some("")),
            ("format=j%73on+", Some("j%73on+")),
            ("%66ormat=xml", None),
        ] {
            assert_eq!(Query::new(sent).first_ignoring_case("format"), expected, "{sent}");
        }
    }

    /// ServiceStack's fields of a request.
    #[test]
    fn names_and_values_are_decoded_as_in_a_form() {
        for (sent, expected) in [
            ("&&", &[][..]),
            ("a", &[("a", "")]),
            ("%41+b=c+%2B%26", &[("A b", "c +&")]),
            ("a=%&b=%4&c=%zz", &[("a", "%"), ("b", "%4"), ("c", "%zz")]),
            ("a=%ff%e2%82%ac", &[("a", "\u{fffd}\u{20ac}")]),
            ("a=1&a=2=3", &[("a", "1"), ("a", "2=3")]),
        ] {
            let decoded: Vec<_> = Query::new(sent).decoded().collect();
            let expected: Vec<_> = expected.iter().map(|(a, b)| (Cow::from(*a), Cow::from(*b))).collect();
            assert_eq!(decoded, expected, "{sent}");
        }
    }

    /// keyward's own lists.
    #[test]
    fn a_documented_query_has_its_names_once_each_and_no_other() {
        for (sent, expected) in [
            ("", Ok([None, None])),
            ("&b=2&&a=1&", Ok([Some("1"), Some("2")])),
            ("a", Ok([Some(""), None])),
            ("a=x+%2By%20%zz%", Ok([Some("x +y %zz%"), None])),
            ("a=1=2", Ok([Some("1=2"), None])),
            ("a=%e2%82%ac", Ok([Some("\u{20ac}"), None])),
            ("a=%ff", Err(QueryError::NotUtf8)),
            ("a=1&a=1", Err(QueryError::Twice)),
            ("a=&a=", Err(QueryError::Twice)),
            ("c=%ff", Err(QueryError::Unknown)),
            ("A=1", Err(QueryError::Unknown)),
            ("%61=1", Err(QueryError::Unknown)),
            ("=1", Err(QueryError::Unknown)),
        ] {
            let read = Query::new(sent).only(["a", "b"]);
            assert_eq!(read, expected.map(|values| values.map(|value| value.map(str::to_owned))), "{sent}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(sent in "[a=&%+4f\u{e9}]{0,30}") {
            let query = Query::new(&sent);
            let _ = query.only(["a", "aa", ""]);
            prop_assert_eq!(query.parameters().count(), query.decoded().count());
            prop_assert!(query.values("a").count() <= query.parameters().count());
        }
    }
}
