//! Traefik is seldom installed where the tests run, so what keeps identities apart is looked for in its file.

use std::fs;

#[test]
fn the_file_for_traefik_removes_every_spelling_and_what_would_remove_an_identity() {
    let text =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/traefik-routes.yml")).unwrap();
    let removed = |name: &str| text.contains(&format!("          {name}: \"\"\n"));
    for field in ["Id", "User", "Level", "Keyspace", "Expires", "Remaining", "Status"] {
        for name in ["X-Key-", "X_Key-", "X-Key_", "X_Key_"].map(|start| format!("{start}{field}")) {
            assert!(removed(&name), "{name}");
        }
    }
    for name in ["Connection", "Upgrade", "Authorization", "X-API-Key", "apikey"] {
        assert!(removed(name), "{name}");
    }
    // Traefik removes what matches from the request before it takes what matches from the answer.
    assert!(text.contains(r#"authResponseHeadersRegex: "(?i)^x[^0-9a-z]key[^0-9a-z]""#));
    assert!(text.contains("middlewares: [plain, keyward, keyless]"), "in this order");
}
