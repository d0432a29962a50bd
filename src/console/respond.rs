//! Headers of every answer, and redirects.

use crate::http::RawResponse;

/// Content security policy: scripts, styles, images and forms of this site only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// Adds the headers that protect an answer from other sites and from old browsers.
pub(super) fn hardened(answer: RawResponse) -> RawResponse {
    answer
        .with_header("content-security-policy", POLICY)
        .with_header("x-content-type-options", "nosniff")
        .with_header("x-frame-options", "DENY")
        .with_header("referrer-policy", "same-origin")
        .with_header("cross-origin-opener-policy", "same-origin")
        .with_header("cross-origin-resource-policy", "same-origin")
}

/// Redirects the browser to another page.
pub(super) fn see_other(address: &str) -> RawResponse {
    hardened(RawResponse::new(303, "text/html; charset=utf-8", ""))
        .with_header("location", address.to_owned())
}
