//! Parameters of a header field's value, as in `form-data; name="comment"`.

/// Text before the first parameter.
pub(super) fn media_type(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// First parameter of this name; its case does not count.
pub(super) fn parameter(value: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let mut rest = value;
    loop {
        rest = rest.get(memchr::memchr(b';', rest)? + 1..)?;
        let (name, after) = rest.split_at_checked(memchr::memchr2(b'=', b';', rest)?)?;
        rest = after;
        if let Some(after) = after.strip_prefix(b"=") {
            let (value, after) = parameter_value(after.trim_ascii_start());
            if name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()) {
                return Some(value);
            }
            rest = after;
        }
    }
}

/// Value, quoted or not, and the text after it.
fn parameter_value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        let end = memchr::memchr(b';', text).unwrap_or(text.len());
        let (value, after) = text.split_at_checked(end).unwrap_or((text, &[]));
        return (value.trim_ascii().to_vec(), after);
    };
    let mut value = Vec::new();
    loop {
        rest = match rest {
            [b'\\', escaped @ (b'\\' | b'"'), after @ ..] => {
                value.push(*escaped);
                after
            }
            [b'"', after @ ..] => return (value, after),
            [byte, after @ ..] => {
                value.push(*byte);
                after
            }
            [] => return (value, rest),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_quoted_or_not_in_any_order() {
        for (value, found) in [
            ("form-data; name=a", Some("a")),
            ("form-data;NAME = \"a\" ; x=y", Some("a")),
            ("form-data; filename=\"; name=b\"; name=a", Some("a")),
            ("form-data; flag; name=\"a;\\\"b\\\\c\\d\"", Some("a;\"b\\c\\d")),
            ("form-data; name=\"open", Some("open")),
            ("form-data; name=", Some("")),
            ("form-data; xname=a; name*=b", None),
            ("name=a", None),
            (";", None),
            ("", None),
        ] {
            assert_eq!(parameter(value.as_bytes(), "name").as_deref(), found.map(str::as_bytes), "{value}");
        }
        assert_eq!(media_type(b" text/plain ; charset=utf-8"), b"text/plain");
    }
}
