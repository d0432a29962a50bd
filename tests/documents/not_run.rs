//! The printed lines that cannot run in a test.

/// Page, how the line begins, and why it is not run.
pub(crate) const NOT_RUN: &[(&str, &str, &str)] = &[
    ("README.md", "cargo test", "it is this test, among the others"),
    ("docs/operate.md", "cargo install", "it builds the release and puts it into the user's programs"),
    (
        "docs/operate.md",
        "keyward serve --data /var/lib/keyward --listen 0.0.0.0:443",
        "it needs a certificate and a port of root",
    ),
    (
        "docs/verify.md",
        "curl -s https://keys.example.org",
        "it needs a server with that name on another machine",
    ),
    ("docs/gateways.md", "python3 -m http.server", "nginx-try.conf brings an API of its own"),
];
