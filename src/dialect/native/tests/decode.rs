//! What is said of a body that cannot be read.

use serde_json::Value;

use super::Api;
use crate::http::Body;

#[test]
fn a_wrong_body_is_told_by_field_and_item_and_never_by_line_or_by_what_was_sent() {
    let api = Api::with_flo();
    for (target, body, says) in [
        ("/v1/users", "{\n \"username\":", "the body is not JSON"),
        ("/v1/users", r#"{"username":"a"} trailing"#, "the body is not JSON"),
        ("/v1/users", "7", "the body is wrong: expected an object"),
        ("/v1/users", r#"{"role":"user"}"#, "missing field `username`"),
        ("/v1/users", r#"{"username":7}"#, "username is wrong: expected a string"),
        ("/v1/users", r#"{"username":"s3cret!!"}"#, "user name must be"),
        (
            "/v1/users",
            r#"{"username":"a","s3cret!!":1}"#,
            "the body has a field that is not known: expected one of",
        ),
        ("/v1/users", r#"{"username":"a","password":"s3cret"}"#, "password must be at least 8 characters"),
        (
            "/v1/keys",
            r#"{"keyspace":"native","owner":"flo","allowlist":"10.0.0.1, s3cret!!"}"#,
            "entry 2 is neither",
        ),
        (
            "/v1/keys",
            r#"{"keyspace":"native","owner":"flo","rate_limits":[{"name":"a","count":1,"seconds":1},{"name":"b","count":"x","seconds":1}]}"#,
            "rate_limits[1].count is wrong: expected",
        ),
        (
            "/v1/keys",
            r#"{"keyspace":"native","owner":"flo","rate_limits":[{"name":"a","count":1,"seconds":1,"s3cret!!":1}]}"#,
            "rate_limits[0] has a field that is not known: expected one of",
        ),
        ("/v1/verify/batch", r#"{"keys":{}}"#, "keys is wrong: expected a sequence"),
    ] {
        let json = [("content-type", "application/json")];
        let answer = api.answer("POST", target, &json, Body::Whole(body.as_bytes().to_vec()));
        let (status, problem): (_, Value) = (answer.status, serde_json::from_slice(&answer.body).unwrap());
        let detail = problem["detail"].as_str().unwrap();
        assert!(matches!(status, 400 | 422) && detail.contains(says), "{body}: {detail}");
        let told = !["line", "column", "s3cret"].iter().any(|never| detail.contains(never));
        assert!(told, "{body}: {detail}");
    }
}

#[test]
fn two_spellings_of_one_address_are_one_and_letters_that_nobody_sees_are_refused() {
    let api = Api::with_flo();
    let add = |name: &str, email: &str| {
        let (status, answer) =
            api.ask("POST", "/v1/users", serde_json::json!({ "username": name, "email": email }));
        (status, answer["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(add("ann", "B\u{f6}rge@example.org").0, 201);
    assert_eq!(add("eve", "bo\u{308}rge@example.org"), (409, "email_taken".to_owned()));
    for hidden in ["bo\u{200b}rge@example.org", "\u{202e}borge@example.org", "borge@exam\u{ad}ple.org"] {
        assert_eq!(add("eve", hidden), (422, "invalid".to_owned()), "{hidden:?}");
    }
}
