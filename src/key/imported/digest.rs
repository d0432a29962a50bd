//! Digests that other systems made of their keys: fast, without a salt.
//!
//! Of an imported key only our own keyed hash is stored: of its text, or of the digest of its text. It is in the same index
//! as all other keys, under a made-up prefix, so the hot path knows nothing of imports. Only a text that no key has is
//! digested and looked up again, and only in stores with imported digests.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::key::{ParseError, Pepper, Prefix, StoredLookupKey};
use crate::limits;

/// Scheme that another system computed digests of key texts with. Without a salt, so a key is found by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestScheme {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// HMAC-SHA-256 under a secret of that system.
    HmacSha256(HmacKey),
}

/// HMAC secret of another system. Wiped when dropped; `Debug` prints the type name only.
#[derive(Clone, PartialEq, Eq)]
pub struct HmacKey(Zeroizing<Vec<u8>>);

impl HmacKey {
    /// Returns the secret of these bytes.
    ///
    /// # Errors
    /// [`ParseError`] when empty or above 256 bytes.
    pub fn new(bytes: Vec<u8>) -> Result<Self, ParseError> {
        let bytes = Zeroizing::new(bytes);
        if (1..=limits::HMAC_KEY_BYTES_MAX).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(ParseError::new("hmac_key", "must be 1 to 256 bytes"))
        }
    }

    /// Bytes, to be sealed.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HmacKey")
    }
}

impl DigestScheme {
    /// Returns the digest of a key text.
    pub fn digest(&self, text: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Sha256 => Sha256::digest(text).to_vec(),
            Self::Sha512 => Sha512::digest(text).to_vec(),
            Self::HmacSha256(key) => match Hmac::<Sha256>::new_from_slice(key.reveal()) {
                Ok(mac) => mac.chain_update(text).finalize().into_bytes().to_vec(),
                // HMAC takes secrets of every length.
                Err(_) => Vec::new(),
            },
        })
    }

    /// Reads a digest in hexadecimal digits, also as PostgreSQL shows them, or in base64.
    ///
    /// # Errors
    /// [`ParseError`] for another length or encoding.
    pub fn parse(&self, text: &str) -> Result<Vec<u8>, ParseError> {
        let length = match self {
            Self::Sha256 | Self::HmacSha256(_) => 32,
            Self::Sha512 => 64,
        };
        let encodings = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
        let decoded = hex::decode(text.strip_prefix("\\x").unwrap_or(text)).ok().into_iter();
        let mut decoded =
            decoded.chain(encodings.into_iter().filter_map(|encoding| encoding.decode(text).ok()));
        decoded
            .find(|bytes| bytes.len() == length)
            .ok_or(ParseError::new("hash", "has the wrong length or encoding"))
    }

    /// Returns the lookup key of a key of which only the digest is known. Its prefix is made up: the scheme and 48 bits of
    /// the keyed hash.
    ///
    /// # Errors
    /// Never: the made-up prefix is always valid.
    pub fn lookup_key(&self, digest: &[u8], pepper: &Pepper) -> Result<StoredLookupKey, ParseError> {
        self.named_lookup_key(self.name(), digest, pepper)
    }

    /// As [`DigestScheme::lookup_key`], of a digest of the text that `of` names.
    pub(in crate::key) fn named_lookup_key(
        &self,
        of: &str,
        digest: &[u8],
        pepper: &Pepper,
    ) -> Result<StoredLookupKey, ParseError> {
        let hash = pepper.hash_digest(of, digest);
        let start = hash.as_bytes().first_chunk::<6>().copied().unwrap_or_default();
        let prefix: Prefix = format!("-{}-{}", self.name(), hex::encode(start)).parse()?;
        Ok(StoredLookupKey { prefix, hash })
    }

    pub(in crate::key) const fn name(&self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::HmacSha256(_) => "hmac-sha256",
        }
    }

    pub(in crate::key) fn secret(&self) -> &[u8] {
        match self {
            Self::Sha256 | Self::Sha512 => b"",
            Self::HmacSha256(key) => key.reveal(),
        }
    }

    /// Reads a digest that names its own scheme and has an empty salt, as Django writes it: `sha256$$…` or `sha512$$…`.
    /// Returns `None` for another kind of hash.
    ///
    /// # Errors
    /// [`ParseError`] when the digest does not fit its scheme.
    pub fn parse_named(text: &str) -> Option<Result<(Self, Vec<u8>), ParseError>> {
        let (scheme, digest) = match (text.strip_prefix("sha256$$"), text.strip_prefix("sha512$$")) {
            (Some(digest), _) => (Self::Sha256, digest),
            (None, Some(digest)) => (Self::Sha512, digest),
            (None, None) => return None,
        };
        Some(scheme.parse(digest).map(|digest| (scheme, digest)))
    }
}

/// Name of a digest scheme in imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestName {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// HMAC-SHA-256.
    HmacSha256,
}

impl FromStr for DigestName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Ok(match text {
            "sha256" => Self::Sha256,
            "sha512" => Self::Sha512,
            "hmac-sha256" => Self::HmacSha256,
            _ => return Err(ParseError::new("algorithm", "must be sha256, sha512 or hmac-sha256")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hmac() -> DigestScheme {
        DigestScheme::HmacSha256(HmacKey::new(b"Jefe".to_vec()).unwrap())
    }

    #[test]
    fn digests_are_those_of_fips_180_and_rfc_4231() {
        let hex = |scheme: DigestScheme, text: &[u8]| hex::encode(&*scheme.digest(text));
        assert_eq!(
            hex(DigestScheme::Sha256, b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hex(DigestScheme::Sha512, b"abc"),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        );
        assert_eq!(
            hex(hmac(), b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_digest_is_read_in_every_encoding_and_only_in_its_length() {
        for (scheme, length) in [(DigestScheme::Sha256, 32), (hmac(), 32), (DigestScheme::Sha512, 64)] {
            // With bytes that the two alphabets of base64 spell differently.
            let bytes: Vec<u8> = (0..length).map(|at| 0xfb_u8.wrapping_sub(at)).collect();
            for text in [
                hex::encode(&bytes),
                hex::encode_upper(&bytes),
                STANDARD.encode(&bytes),
                STANDARD_NO_PAD.encode(&bytes),
                URL_SAFE.encode(&bytes),
                URL_SAFE_NO_PAD.encode(&bytes),
                format!("\\x{}", hex::encode(&bytes)),
            ] {
                assert_eq!(scheme.parse(&text).as_ref(), Ok(&bytes), "{text}");
            }
            for other in [&bytes[1..], &[bytes.clone(), vec![0]].concat(), &[]] {
                assert!(
                    scheme.parse(&hex::encode(other)).is_err()
                        && scheme.parse(&STANDARD.encode(other)).is_err()
                );
            }
        }
    }

    #[test]
    fn a_digest_may_name_its_scheme_where_the_salt_would_be() {
        let read = |text: &str| DigestScheme::parse_named(text);
        for scheme in [DigestScheme::Sha256, DigestScheme::Sha512] {
            let digest = scheme.digest(b"abc").to_vec();
            let named = |name: &str| read(&format!("{name}$${}", hex::encode(&digest)));
            let (own, other) = match scheme.name() {
                "sha256" => ("sha256", "sha512"),
                _ => ("sha512", "sha256"),
            };
            assert_eq!(named(own), Some(Ok((scheme, digest.clone()))));
            assert!(named(other).unwrap().is_err(), "of another length");
            assert_eq!(named("sha1"), None);
        }
        assert_eq!(read("sha256$salt$00"), None);
        assert!(read("sha512$$").unwrap().is_err());
    }

    #[test]
    fn what_stands_in_for_a_prefix_is_no_beginning_of_a_text() {
        let pepper = Pepper::from_bytes([7; 32]);
        let digest = DigestScheme::Sha256.digest(b"text");
        for (scheme, name) in [
            (DigestScheme::Sha256, "-sha256-"),
            (DigestScheme::Sha512, "-sha512-"),
            (hmac(), "-hmac-sha256-"),
        ] {
            let found = scheme.lookup_key(&digest, &pepper).unwrap();
            let rest = found.prefix.as_str().strip_prefix(name).unwrap();
            assert_eq!(rest, hex::encode(&found.hash.as_bytes()[..6]));
        }
    }

    #[test]
    fn a_secret_of_another_system_has_1_to_256_bytes_and_is_not_printed() {
        for (length, is_one) in [(0, false), (1, true), (256, true), (257, false)] {
            assert_eq!(HmacKey::new(vec![3; length]).is_ok(), is_one, "{length}");
        }
        let key = HmacKey::new(b"Jefe".to_vec()).unwrap();
        assert_eq!((format!("{key:?}").as_str(), key.reveal()), ("HmacKey", &b"Jefe"[..]));
    }

    #[test]
    fn schemes_go_by_their_names() {
        assert_eq!("sha256".parse(), Ok(DigestName::Sha256));
        assert_eq!("sha512".parse(), Ok(DigestName::Sha512));
        assert_eq!("hmac-sha256".parse(), Ok(DigestName::HmacSha256));
        assert!("md5".parse::<DigestName>().is_err());
    }
}
