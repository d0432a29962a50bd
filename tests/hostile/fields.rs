//! Forms with too many fields, names that are too long or too deep, and bytes that are no text.

use keyward::limits::FORM_FIELDS_MAX;

use crate::client::{PAIRS, PARTS, parts, post};
use crate::site::{CREATE, DELETE, LIST, Site};

const NOBODY: &str = "api/not-authenticated";
const MANY: usize = 10_000;

#[test]
fn fields_beyond_the_bound_are_ignored() {
    let site = Site::start();
    let (key, many) = (format!("apikey={}", site.key), "&a=b".repeat(MANY));
    assert_eq!(site.ask(post(LIST, PAIRS, format!("{key}{many}"))).status, 200);
    site.refused(NOBODY, post(LIST, PAIRS, format!("x{many}&{key}")));
    let named: String = (0..MANY).map(|nth| format!("&field{nth}=b")).collect();
    site.refused(NOBODY, post(LIST, PAIRS, format!("x{named}&{key}")));
    // Empty pairs are no fields.
    assert_eq!(site.ask(post(LIST, PAIRS, format!("{}{key}", "&".repeat(MANY)))).status, 200);

    let field = ("apikey", site.key.as_bytes());
    let filler: Vec<(&str, &[u8])> = vec![("a", b"b"); MANY];
    assert_eq!(site.ask(post(LIST, PARTS, parts(&[&[field][..], &filler].concat()))).status, 200);
    site.refused(NOBODY, post(LIST, PARTS, parts(&[&filler[..], &[field]].concat())));
    // The last of what is looked at counts: an earlier key does not help.
    let later = format!("{key}{}&apikey=x{many}", "&a=b".repeat(FORM_FIELDS_MAX - 2));
    site.refused("user/api-login-failed", post(LIST, PAIRS, later));
    site.untouched();
}

#[test]
fn names_of_any_length_and_depth_are_borne() {
    let site = Site::start();
    let key = format!("apikey={}", site.key);
    let long = "n".repeat(1_000_000);
    let deep = "[x]".repeat(300_000);
    for name in
        [&long, &"[".repeat(900_000), &"]".repeat(900_000), &"%5B".repeat(300_000), &" .".repeat(450_000)]
    {
        site.refused(NOBODY, post(LIST, PAIRS, format!("{name}=x")));
        let body = parts(&[(name.as_str(), b"x")]);
        site.refused(NOBODY, post(LIST, PARTS, body));
        assert_eq!(site.ask(post(LIST, PAIRS, format!("{name}=x&{key}"))).status, 200);
    }
    // Too deep is no field; deep is an array, shown only while it is small.
    site.refused(NOBODY, post(LIST, PAIRS, format!("apikey{deep}=x")));
    site.refused("input/invalid-form-field", post(LIST, PAIRS, format!("apikey{}=x", "[x]".repeat(64))));
    site.refused("input/invalid-form-field", post(LIST, PAIRS, format!("apikey[]={long}")));
    site.refused("input/invalid-form-field", post(LIST, PAIRS, format!("apikey[{long}]=x")));
    site.refused("input/invalid-form-field", post(LIST, PAIRS, "apikey[]=%00&".repeat(MANY)));
    site.refused("input/invalid-form-field", post(LIST, PARTS, parts(&[("apikey[]", &[0; 1_000_000])])));
    site.refused("input/invalid-form-field", post(LIST, PARTS, parts(&[("apikey[]", &[0xff; 1_000_000])])));
    site.refused("user/api-login-failed", post(LIST, PAIRS, format!("apikey={long}")));
    site.refused("user/login-failed", post(CREATE, PAIRS, format!("username=test&password={}", &long)));
    site.refused("user/login-failed", post(CREATE, PAIRS, format!("username={long}&password=test")));
    site.untouched();
}

#[test]
fn bytes_that_are_no_text_are_refused_in_every_field() {
    let site = Site::start();
    let bad: [&[u8]; 6] = [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"a\0b", b"\xc0\x80"];
    let good: [(&str, &[u8]); 3] =
        [("apikey", site.key.as_bytes()), ("comment", b"x"), ("access_level", b"basic")];
    for bytes in bad {
        for (target, field, why) in [
            (LIST, "apikey", "user/api-login-failed"),
            (CREATE, "apikey", "user/api-login-failed"),
            (DELETE, "apikey", "user/api-login-failed"),
            (CREATE, "access_level", "user/validation/access_level/invalid"),
            (CREATE, "comment", "user/validation/comment/invalid-utf8"),
            (DELETE, "delete_key", "user/delete_apikey/failed"),
        ] {
            // A comment may have a NUL in it.
            if field == "comment" && bytes == b"a\0b" {
                continue;
            }
            let kept = good.into_iter().filter(|(name, _)| *name != field);
            let fields: Vec<_> = kept.chain([(field, bytes)]).collect();
            each_way(&site, why, target, &fields);
        }
        // Who guesses has to wait, and all that is no text is one name. So not each of them there, and each time another
        // name below.
        if bytes == b"\xff" {
            let login = [("access_level", b"basic".as_slice()), ("username", bytes), ("password", b"test")];
            each_way(&site, "user/login-failed", CREATE, &login);
        }
        let name = format!("test-{}", bytes.escape_ascii().to_string().replace('\\', "."));
        let login =
            [("access_level", b"basic".as_slice()), ("username", name.as_bytes()), ("password", bytes)];
        each_way(&site, "user/login-failed", CREATE, &login);
        // As a name, too.
        site.refused(NOBODY, post(LIST, PAIRS, [bytes, b"=", bytes].concat()));
        let part =
            [b"--B\r\nContent-Disposition: form-data; name=\"", bytes, b"\"\r\n\r\nx\r\n--B--"].concat();
        site.refused(NOBODY, post(LIST, PARTS, part));
    }
    site.untouched();
}

/// The same fields as raw pairs, as encoded pairs, and as parts.
fn each_way(site: &Site, why: &str, target: &str, fields: &[(&str, &[u8])]) {
    let pairs = |encode: fn(&[u8]) -> Vec<u8>| {
        let pair = |(name, value): &(&str, &[u8])| [name.as_bytes(), b"=", &encode(value)].concat();
        fields.iter().map(pair).collect::<Vec<_>>().join(&b'&')
    };
    site.refused(why, post(target, PAIRS, pairs(<[u8]>::to_vec)));
    site.refused(
        why,
        post(
            target,
            PAIRS,
            pairs(|value| value.iter().flat_map(|b| format!("%{b:02x}").into_bytes()).collect()),
        ),
    );
    site.refused(why, post(target, PARTS, parts(fields)));
}
