//! JSON Web Tokens under HS256 (RFC 7515, RFC 7519), and under no other algorithm.
//!
//! Tokens have one header, byte for byte, and a token with another header is refused before its signature is computed:
//! `alg: none` and every other algorithm have no code to reach. A JWT library chooses the algorithm from the header and
//! the implementation from a provider of the whole process, which an embedding program may have set to another one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The field order is that of all tokens issued so far.
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

/// Returns the token with these claims, which are JSON.
pub(super) fn sign(key: &[u8; 32], claims: &[u8]) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
    let signature = mac(key).chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Returns the claims of `token` if `key` signed it. Says nothing about their time, issuer or audience.
pub(super) fn verified(key: &[u8; 32], token: &str) -> Option<Vec<u8>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    if header != URL_SAFE_NO_PAD.encode(HEADER) {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    // Compares in constant time.
    mac(key).chain_update(signed).verify_slice(&signature).ok()?;
    URL_SAFE_NO_PAD.decode(claims).ok()
}

/// A key shorter than a block of SHA-256 counts as filled with zeros (RFC 2104, section 2).
fn mac(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    Hmac::new((&*block).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of tokens issued so far: clients hold them. Computed with another implementation of HMAC.
    #[test]
    fn a_token_has_the_same_bytes_for_good() {
        let token = concat!(
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.",
            "eyJfaWQiOjEsInVzZXJuYW1lIjoiZmxvIn0.",
            "qdk-AmlNKjHczi780iG534J1Ez4OxcEKXIAQ1-S4Z1w"
        );
        assert_eq!(sign(&[7; 32], br#"{"_id":1,"username":"flo"}"#), token);
    }

    #[test]
    fn a_signature_is_checked_over_header_and_claims() {
        let (key, claims) = ([7; 32], br#"{"_id":1}"#);
        let token = sign(&key, claims);
        assert_eq!(verified(&key, &token).as_deref(), Some(&claims[..]));
        assert_eq!(verified(&[8; 32], &token), None, "under another key");
        let parts: Vec<_> = token.split('.').collect();
        let other = URL_SAFE_NO_PAD.encode(br#"{"_id":2}"#);
        for forged in [
            format!("{}.{other}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{token}.{}", parts[2]),
            format!("{token}="),
        ] {
            assert_eq!(verified(&key, &forged), None, "{forged}");
        }
    }

    #[test]
    fn another_header_is_refused_even_under_a_right_signature() {
        let key = [7; 32];
        for header in
            [r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"alg":"none"}"#, r#"{"typ":"JWT","alg":"HS512"}"#, ""]
        {
            let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"));
            let signature = mac(&key).chain_update(&signed).finalize().into_bytes();
            let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
            assert_eq!(verified(&key, &token), None, "{header}");
        }
    }
}
