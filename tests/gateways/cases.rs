//! What has to hold behind every gateway.

use keyward::key::Expiry;
use keyward::key::Level;

use crate::client::{AWAY, HOME, Request, get, post, with_line};
use crate::site::{Site, hourly, only};

/// Panics unless it holds.
type Case = fn(&Site);

/// Each with what it is about.
pub(crate) const CASES: [(&str, Case); 18] = [
    ("a good key passes, and the API learns whose it is", allowed),
    ("every way to present a key works", every_way),
    ("no key", no_key),
    ("a wrong key", wrong_key),
    ("an expired key", expired),
    ("a key that may too little", too_little),
    ("a key from a wrong address", wrong_address),
    ("a forged X-Forwarded-For", forged_address),
    ("a forged identity", forged_identity),
    ("an identity in any spelling", spellings),
    ("an identity that Connection names", named_in_connection),
    ("a tunnel", tunnel),
    ("a preflight, as long as nobody wants it", preflight_refused),
    ("a hundred header fields", hundred_fields),
    ("a limit that is reached", limit_reached),
    ("bodies", bodies),
    ("the API's own refusals and empty answers", own_answers),
    ("a question cannot be changed from outside", question),
];

fn allowed(site: &Site) {
    let key = site.key(|_| {});
    let answer = site.passes(&get("/things?of=mine").key(&key));
    assert_eq!(answer.status, 200);
    assert!(answer.reached_all().starts_with("get /things?of=mine http/1.1\r\n"), "{answer:?}");
    assert_eq!(answer.reached("x-key-user"), Some("flo"), "{answer:?}");
    assert_eq!(answer.reached("x-key-level"), Some("2"));
    site.told(&answer, "x-key-keyspace", "native");
    assert_eq!(answer.reached("x-key-id").map(str::len), Some(36));
    assert_eq!(answer.reached("x-forwarded-for"), Some("127.0.0.2"), "{answer:?}");
    assert!(!answer.reached_all().contains(&key.to_lowercase()), "the API need not see the key: {answer:?}");
}

fn every_way(site: &Site) {
    let key = site.key(|_| {});
    site.passes(&get("/").with("Authorization", &key));
    site.passes(&get("/").with("authorization", &format!("bearer {key}")));
    let answer = site.passes(&get("/").with("X-API-Key", &key));
    assert!(!answer.reached_all().contains(&key.to_lowercase()), "{answer:?}");
    // The same key twice is one key; of two different keys, neither is known to be meant.
    site.passes(&get("/").key(&key).with("X-API-Key", &key));
    let other = site.key(|_| {});
    let places = ["Authorization", "X-API-Key", "apikey"];
    for (first, second) in places.iter().flat_map(|first| places.map(|second| (*first, second))) {
        let two = get("/").with(first, &key).with(second, &other);
        // Envoy makes one value of two in the same field, which is no key.
        let status = site.refused_somehow(&two).status;
        assert!(status == 400 || (first == second && status == 401), "{first} {second} {status}");
    }
    for scheme in ["Api-Key", "ApiKey", "TOKEN", "bearer"] {
        site.passes(&get("/").with("Authorization", &format!("{scheme} {key}")));
    }
    let answer = site.passes(&get("/").with("apikey", &key));
    assert!(!answer.reached_all().contains(&key.to_lowercase()), "{answer:?}");
    // This keyspace takes none in an address.
    site.refused(401, &get(&format!("/?api_key={key}")));
}

fn no_key(site: &Site) {
    let answer = site.refused(401, &get("/"));
    assert_eq!(answer.header("www-authenticate"), Some("bearer realm=\"keyward\""), "{answer:?}");
    site.refused(401, &post("/", b"a body"));
}

fn wrong_key(site: &Site) {
    let mut wrong = site.key(|_| {});
    wrong.push('x');
    for wrong in [&wrong, "x", "kw_"] {
        let answer = site.refused(401, &get("/").key(wrong));
        assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{answer:?}");
    }
}

fn expired(site: &Site) {
    let end = site.now().plus_ms(60_000);
    let key = site.key(|new| new.expiry = Some(Expiry::At(end)));
    site.told(&site.passes(&get("/").key(&key)), "x-key-expires", &end.to_string().to_lowercase());
    site.clock.advance_ms(60_000);
    site.refused(401, &get("/").key(&key));
}

fn too_little(site: &Site) {
    let key = site.key(|new| new.level = Level::AUTHENTICATE);
    site.refused(403, &get("/").key(&key));
}

fn wrong_address(site: &Site) {
    let key = site.key(|new| new.allowlist = Some(only(HOME)));
    site.passes(&get("/").key(&key));
    site.refused(401, &get("/").key(&key).coming_from(AWAY));
}

fn forged_address(site: &Site) {
    let key = site.key(|new| new.allowlist = Some(only(HOME)));
    for name in ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "X-Envoy-External-Address"] {
        for value in ["127.0.0.2", "127.0.0.2, 127.0.0.1", "127.0.0.1, 127.0.0.2, 127.0.0.1", "for=127.0.0.2"]
        {
            site.refused(401, &get("/").key(&key).coming_from(AWAY).with(name, value));
        }
    }
    let twice = get("/").key(&key).coming_from(AWAY);
    site.refused(401, &twice.with("X-Forwarded-For", "127.0.0.2").with("X-Forwarded-For", "127.0.0.2"));
    // A client on the host itself is never another address, whatever it claims.
    site.passes(&get("/").key(&key).with("X-Forwarded-For", "127.0.0.3"));
}

fn forged_identity(site: &Site) {
    let key = site.key(|_| {});
    let mut request = get("/").key(&key);
    for field in ["Id", "User", "Level", "Keyspace", "Expires", "Remaining", "Status"] {
        request = request.with(&format!("X-Key-{field}"), "admin").with(&format!("X_Key_{field}"), "admin");
    }
    let answer = site.passes(&request);
    assert_eq!(answer.reached("x-key-user"), Some("flo"), "{answer:?}");
    assert!(!answer.reached_all().contains("admin"), "{answer:?}");
}

/// Between the words of a name may be any sign that RFC 9110 has in names.
fn spellings(site: &Site) {
    let key = site.key(|_| {});
    let signs = "-_.!#$%&'*+^`|~";
    for first in signs.chars() {
        let mut request = get("/").key(&key);
        for second in signs.chars() {
            request = request.with(&format!("x{first}kEY{second}user"), "admin");
            request = request.with(&format!("X{first}Key{second}Level"), "admin");
        }
        let answer = site.passes(&request);
        assert_eq!((answer.reached("x-key-user"), answer.reached("x-key-level")), (Some("flo"), Some("2")));
        assert!(!answer.reached_all().contains("admin"), "{answer:?}");
    }
}

fn named_in_connection(site: &Site) {
    let key = site.key(|_| {});
    for lines in [
        &[("Connection", "X-Key-User")][..],
        &[("connection", "close, x-key-user , X-KEY-ID")],
        &[("Connection", "X-Key-Level"), ("Connection", "X-Key-User")],
        &[("Keep-Alive", "X-Key-User"), ("Proxy-Connection", "X-Key-User")],
        &[("Connection", "Keep-Alive, X-Key-User"), ("TE", "trailers, X-Key-User")],
    ] {
        let request =
            lines.iter().fold(get("/").key(&key), |request, (name, value)| request.with(name, value));
        let answer = site.passes(&request);
        assert_eq!((answer.reached("x-key-user"), answer.reached("x-key-level")), (Some("flo"), Some("2")));
        let named =
            answer.reached_lines().any(|line| line.starts_with("connection:") && line.contains("x-key"));
        assert!(!named, "what stands behind the gateway may remove it: {answer:?}");
    }
}

fn tunnel(site: &Site) {
    let key = site.key(|_| {});
    let there = site.front.address;
    for line in
        ["CONNECT / HTTP/1.1".to_owned(), format!("CONNECT {there} HTTP/1.1"), "TRACE / HTTP/1.1".to_owned()]
    {
        let answer = site.refused_somehow(&with_line(&line).key(&key));
        assert!((400..500).contains(&answer.status), "{line} {answer:?}");
    }
    for upgrade in ["websocket", "h2c"] {
        let request = get("/").key(&key).with("Connection", "Upgrade").with("Upgrade", upgrade);
        let before = site.upstream.reached();
        let answer = site.ask(&request.with("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEA=="));
        assert_ne!(answer.status, 101);
        assert!(site.upstream.reached() == before || answer.reached("upgrade").is_none(), "{answer:?}");
    }
}

fn preflight() -> Request {
    with_line("OPTIONS /things HTTP/1.1")
        .with("Origin", "https://app.example")
        .with("Access-Control-Request-Method", "PUT")
}

fn preflight_refused(site: &Site) {
    site.refused(401, &preflight());
}

/// Where that is switched on.
pub(crate) fn preflight_passes(site: &Site) {
    if site.is("traefik") {
        // It answers by itself, once `cors` is among the middlewares.
        return;
    }
    let answer = site.passes(&preflight().with("X-Key-User", "admin").with("X_Key_Level", "8"));
    assert!(answer.reached_all().starts_with("options /things http/1.1\r\n"), "{answer:?}");
    assert!(
        answer.reached_lines().all(|line| !line.starts_with("x-key") && !line.starts_with("x_key")),
        "{answer:?}"
    );
    site.refused(401, &with_line("OPTIONS /things HTTP/1.1").with("Origin", "https://app.example"));
    site.refused(401, &get("/").with("Access-Control-Request-Method", "PUT"));
    let key = site.key(|_| {});
    assert_eq!(site.passes(&get("/").key(&key)).reached("x-key-user"), Some("flo"));
}

/// With `Host`, `Connection` and the key.
fn hundred_fields(site: &Site) {
    let key = site.key(|_| {});
    let request =
        (0..97).fold(get("/").key(&key), |request, nth| request.with(&format!("X-Trace-{nth}"), "1"));
    let answer = site.passes(&request);
    assert_eq!(
        (answer.reached("x-key-user"), answer.reached("x-trace-96")),
        (Some("flo"), Some("1")),
        "{answer:?}"
    );
}

fn limit_reached(site: &Site) {
    let key = site.key(|new| new.rate_limits = Some(hourly(2)));
    site.told(&site.passes(&get("/").key(&key)), "x-key-remaining", "1");
    site.told(&site.passes(&get("/").key(&key)), "x-key-remaining", "0");
    let answer = site.refused(429, &get("/").key(&key));
    assert_eq!(answer.header("retry-after"), Some("1800"), "{answer:?}");
    site.clock.advance_ms(1_800_000);
    site.passes(&get("/").key(&key));
    site.refused(429, &get("/").key(&key));
}

fn bodies(site: &Site) {
    let key = site.key(|_| {});
    for body in [&b"little"[..], &[b'a'; 300_000]] {
        let answer = site.passes(&post("/things", body).key(&key));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.reached_body().as_bytes(), body);
        assert!(answer.reached_all().starts_with("post /things http/1.1\r\n"));
    }
}

fn own_answers(site: &Site) {
    let key = site.key(|_| {});
    for status in [204, 401, 403, 404, 429, 500] {
        let answer = site.passes(&get(&format!("/answer/{status}")).key(&key));
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("retry-after"), None);
    }
}

fn question(site: &Site) {
    let key = site.key(|new| new.level = Level::AUTHENTICATE);
    let good = site.key(|new| new.rate_limits = Some(hourly(1)));
    site.refused(403, &get("/?level=0").key(&key));
    site.refused(403, &get("/auth/native?for=traefik&level=0&permission=none").key(&key));
    site.refused(
        403,
        &get("/").key(&key).with("X-Original-URI", "/?level=0").with("X-Forwarded-Uri", "/?level=0"),
    );
    site.passes(&get("/?cost=0").key(&good));
    site.refused(429, &get("/?cost=0&limit=other").key(&good));
}
