//! For each API a request that creates something, and one that only uses a key.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;

use crate::site::Keys;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Request {
    pub(crate) api: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// What it is answered with when the API takes no changes, and as what.
    pub(crate) refused: u16,
    pub(crate) media_type: &'static str,
    /// What the API says then.
    pub(crate) says: &'static str,
}

/// A request with these header fields, one a line.
pub(crate) fn request(method: &str, target: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{method} {target} HTTP/1.1\r\nhost: x\r\n{fields}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into()
}

fn basic(text: &str) -> String {
    format!("authorization: Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
}

const JSON: &str = "content-type: application/json";

/// Requests that create a key or a user, each API's own way. TelVue's has none.
pub(crate) fn creations(keys: &Keys) -> Vec<Request> {
    let key = |space: &str| keys[space].as_str();
    let login = basic(&format!("test:{PASSWORD}"));
    let form = "content-type: application/x-www-form-urlencoded";
    let password = PASSWORD.replace(' ', "+");
    let filebin = format!("username=test&password={password}&access_level=apikey");
    let freesewing = format!("{}\r\n{JSON}", basic(key("freesewing")));
    let qreserve = format!("authorization: {}\r\n{JSON}", key("qreserve"));
    let native = format!("authorization: Bearer {}\r\n{JSON}", key("native"));
    // No two bots of a site have one name.
    static BOTS: AtomicU32 = AtomicU32::new(0);
    let bot = format!("{{\"display_name\":\"Another {}\"}}", BOTS.fetch_add(1, Ordering::Relaxed));
    vec![
        Request {
            api: "filebin",
            refused: 503,
            bytes: request("POST", "/api/v2.0.0/user/create_apikey", form, &filebin),
            media_type: "application/json",
            says: "\"status\":\"error\"",
        },
        Request {
            api: "freesewing",
            // Its document has this for whatever goes wrong in storing a key.
            refused: 500,
            bytes: request(
                "POST",
                "/apikeys/key",
                &freesewing,
                "{\"name\":\"n\",\"level\":2,\"expiresIn\":3600}",
            ),
            media_type: "application/json; charset=utf-8",
            says: "createApikeyFailed",
        },
        Request {
            api: "qreserve",
            refused: 503,
            bytes: request("POST", "/sites/main/bots", &qreserve, &bot),
            media_type: "application/json",
            says: "The server is unavailable",
        },
        Request {
            api: "bokamera",
            refused: 503,
            bytes: request("POST", "/apikeys", &format!("{login}\r\n{JSON}"), "{\"Notes\":\"web shop\"}"),
            media_type: "application/json",
            says: "ServiceUnavailable",
        },
        Request {
            api: "native",
            refused: 503,
            bytes: request(
                "POST",
                "/v1/keys",
                &native,
                "{\"keyspace\":\"native\",\"owner\":\"test\",\"level\":2}",
            ),
            media_type: "application/problem+json",
            says: "\"code\":\"store_",
        },
    ]
}

/// Requests that need nothing but a good key: of those that show records sled may refuse to read one again that it
/// could not write, which is a 503; those that only decide are answered from memory.
pub(crate) fn uses(keys: &Keys) -> Vec<Request> {
    let key = |space: &str| keys[space].as_str();
    let of = |refused: u16| {
        move |api, method: &str, target: &str, fields: &str, body: &str| {
            let bytes = request(method, target, fields, body);
            Request { api, bytes, refused, media_type: "", says: "" }
        }
    };
    let (shows, decides) = (of(503), of(200));
    let asked = |space: &str| format!("{{\"keyspace\":\"{space}\",\"key\":\"{}\"}}", key(space));
    let telvue = format!("/xml/software_version?api_key={}", key("telvue"));
    vec![
        shows("freesewing", "GET", "/whoami/key", &basic(key("freesewing")), ""),
        shows("qreserve", "GET", "/users/self", &format!("authorization: {}", key("qreserve")), ""),
        shows("native", "GET", "/v1/self", &format!("authorization: Bearer {}", key("native")), ""),
        shows("telvue", "GET", &telvue, "accept: */*", ""),
        shows("bokamera", "GET", "/version", &format!("x-api-key: {}", key("bokamera")), ""),
        decides("gateway", "GET", "/auth/native", &format!("x-api-key: {}", key("native")), ""),
        decides("gateway for filebin", "GET", "/auth/filebin", &format!("x-api-key: {}", key("filebin")), ""),
        decides("verify for freesewing", "POST", "/v1/verify", JSON, &asked("freesewing")),
        decides("verify for qreserve", "POST", "/v1/verify", JSON, &asked("qreserve")),
    ]
}
