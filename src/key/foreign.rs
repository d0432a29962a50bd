//! Hashes that other systems made of their keys, so that customers keep the keys they hold.

use std::ops::RangeInclusive;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

use super::{ParseError, PartScheme, Pepper, Prefix, SlowHash, StoredTrace};
use crate::limits;

/// How another system computed digests of key texts: fast, without a salt, so that a key is found by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestScheme {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// HMAC-SHA-256 under that system's secret.
    HmacSha256(HmacKey),
}

/// A secret of another system. Wiped when dropped, printed as its type name only.
#[derive(Clone, PartialEq, Eq)]
pub struct HmacKey(Zeroizing<Vec<u8>>);

impl HmacKey {
    /// The secret of these bytes.
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

    /// The bytes, to be sealed.
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
    /// The digest of a key text.
    pub fn digest(&self, text: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Sha256 => Sha256::digest(text).to_vec(),
            Self::Sha512 => Sha512::digest(text).to_vec(),
            Self::HmacSha256(key) => match Hmac::<Sha256>::new_from_slice(key.reveal()) {
                Ok(mac) => mac.chain_update(text).finalize().into_bytes().to_vec(),
                // A secret of any length will do.
                Err(_) => Vec::new(),
            },
        })
    }

    /// Reads a digest in hexadecimal digits, also as PostgreSQL shows them, or in base64.
    ///
    /// # Errors
    /// [`ParseError`] when it is none of this scheme.
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

    /// The trace of a key known by its digest alone. Its prefix stands in for the one that nobody knows yet.
    ///
    /// # Errors
    /// Never, since that prefix is one.
    pub fn trace(&self, digest: &[u8], pepper: &Pepper) -> Result<StoredTrace, ParseError> {
        self.trace_named(self.name(), digest, pepper)
    }

    /// The same of a digest of something else, which this names.
    pub(super) fn trace_named(
        &self,
        of: &str,
        digest: &[u8],
        pepper: &Pepper,
    ) -> Result<StoredTrace, ParseError> {
        let hash = pepper.hash_digest(of, digest);
        let start = hash.as_bytes().first_chunk::<6>().copied().unwrap_or_default();
        let prefix: Prefix = format!("-{}-{}", self.name(), hex::encode(start)).parse()?;
        Ok(StoredTrace { prefix, hash })
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::HmacSha256(_) => "hmac-sha256",
        }
    }

    fn secret(&self) -> &[u8] {
        match self {
            Self::Sha256 | Self::Sha512 => b"",
            Self::HmacSha256(key) => key.reveal(),
        }
    }

    /// Reads a digest that names its own scheme, with nothing where the salt would be: `sha256$$…` or `sha512$$…`, as
    /// Django writes it. `None` when it is another kind of hash.
    ///
    /// # Errors
    /// [`ParseError`] when the digest is none of that scheme.
    pub fn parse_named(text: &str) -> Option<Result<(Self, Vec<u8>), ParseError>> {
        let (scheme, digest) = match (text.strip_prefix("sha256$$"), text.strip_prefix("sha512$$")) {
            (Some(digest), _) => (Self::Sha256, digest),
            (None, Some(digest)) => (Self::Sha512, digest),
            (None, None) => return None,
        };
        Some(scheme.parse(digest).map(|digest| (scheme, digest)))
    }
}

/// What is known of a key that another system made.
#[derive(Clone, Debug)]
pub enum ForeignSecret {
    /// Its text.
    Text(Zeroizing<String>),
    /// A digest of its text.
    Digest(DigestScheme, Vec<u8>),
    /// A digest of a part of its text, and what stands before that part, if that is known.
    PartDigest(PartScheme, Option<Prefix>, Vec<u8>),
    /// A salted hash of its text, and what its text begins with.
    Slow(Prefix, SlowHash),
}

impl ForeignSecret {
    /// Bytes that are the same for the same secret, and different for every other.
    pub fn identity(&self) -> Zeroizing<Vec<u8>> {
        let part_name;
        let parts: [&[u8]; 3] = match self {
            Self::Text(text) => [b"text", text.as_bytes(), b""],
            Self::Digest(scheme, digest) => [scheme.name().as_bytes(), digest, scheme.secret()],
            Self::PartDigest(part, before, digest) => {
                part_name = part.name(before.as_ref());
                [part_name.as_bytes(), digest, part.scheme.secret()]
            }
            Self::Slow(prefix, hash) => [b"slow", hash.as_str().as_bytes(), prefix.as_str().as_bytes()],
        };
        let framed = parts
            .into_iter()
            .flat_map(|part| (part.len() as u64).to_be_bytes().into_iter().chain(part.iter().copied()));
        Zeroizing::new(framed.collect())
    }
}

/// What may be shown of a key text of no known form: a quarter of it, at most 8 characters.
pub fn shown_of(text: &str) -> Result<Prefix, ParseError> {
    let shown = (text.chars().count() / 4).clamp(1, 8);
    // A dash at the beginning says that it is no beginning of a text.
    let plain = |(at, c): (usize, char)| {
        if c.is_ascii_alphanumeric() || (c == '-' && at > 0) { c } else { '_' }
    };
    text.chars().take(shown).enumerate().map(plain).collect::<String>().parse()
}

/// How many bytes a key text of no known form has: what is longer or shorter is nowhere taken for a key.
pub const fn key_lengths() -> RangeInclusive<usize> {
    limits::KEY_TEXT_BYTES_MIN..=limits::KEY_TEXT_BYTES_MAX
}

/// A key text of no known form: 8 to 512 visible ASCII characters.
///
/// # Errors
/// [`ParseError`], which never repeats the text.
pub fn check_text(text: &str) -> Result<(), ParseError> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && key_lengths().contains(&text.len()) {
        Ok(())
    } else {
        Err(ParseError::new("key", "must be 8 to 512 visible ASCII characters"))
    }
}

/// The name of a digest scheme without a secret, as imports have it.
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
            let trace = scheme.trace(&digest, &pepper).unwrap();
            let rest = trace.prefix.as_str().strip_prefix(name).unwrap();
            assert_eq!(rest, hex::encode(&trace.hash.as_bytes()[..6]));
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
    fn every_secret_has_an_identity_of_its_own() {
        let slow: SlowHash =
            "pbkdf2_sha256$2000$saltsalt$keFajzns916jW6y5rLC0WMlC7+7lDrdDXKbInA6p6cI=".parse().unwrap();
        let other_key = HmacKey::new(b"other".to_vec()).unwrap();
        let part = |part: &str, before: Option<&str>| {
            let part = PartScheme { scheme: DigestScheme::Sha256, part: part.parse().unwrap() };
            ForeignSecret::PartDigest(part, before.map(|before| before.parse().unwrap()), b"ab".to_vec())
        };
        let secrets = [
            ForeignSecret::Text("ab".to_owned().into()),
            ForeignSecret::Text("b".to_owned().into()),
            ForeignSecret::Digest(DigestScheme::Sha256, b"ab".to_vec()),
            ForeignSecret::Digest(DigestScheme::Sha512, b"ab".to_vec()),
            ForeignSecret::Digest(hmac(), b"ab".to_vec()),
            ForeignSecret::Digest(DigestScheme::HmacSha256(other_key), b"ab".to_vec()),
            part("after:|", None),
            part("after:|", Some("ab")),
            part("last:|", None),
            ForeignSecret::Slow("ab".parse().unwrap(), slow.clone()),
            ForeignSecret::Slow("cd".parse().unwrap(), slow),
        ];
        for (at, secret) in secrets.iter().enumerate() {
            let same = secrets.iter().filter(|other| other.identity() == secret.identity());
            assert_eq!(same.count(), 1, "number {at}");
            assert_eq!(secret.clone().identity(), secret.identity());
        }
    }

    #[test]
    fn a_quarter_of_a_text_is_shown_and_what_is_not_plain_is_not() {
        for (text, shown) in [
            ("abc", "a"),
            ("abcdefgh", "ab"),
            ("abcdefghijklmnopqrstuvwxyzabcdefghijklmn", "abcdefgh"),
            ("-a.-bcdefghijklmnopqrs", "_a_-b"),
            ("--------", "_-"),
            ("éééééééé", "__"),
        ] {
            assert_eq!(shown_of(text).unwrap().as_str(), shown, "{text}");
        }
        assert!(shown_of("").is_err());
    }

    #[test]
    fn a_text_of_no_known_form_has_8_to_512_visible_letters() {
        for (text, is_one) in [
            ("a".repeat(7), false),
            ("a".repeat(8), true),
            ("~".repeat(512), true),
            ("a".repeat(513), false),
            ("abcd efgh".to_owned(), false),
            ("abcdefgé".to_owned(), false),
        ] {
            assert_eq!(check_text(&text).is_ok(), is_one, "{text}");
        }
    }

    #[test]
    fn schemes_go_by_their_names() {
        assert_eq!("sha256".parse(), Ok(DigestName::Sha256));
        assert_eq!("sha512".parse(), Ok(DigestName::Sha512));
        assert_eq!("hmac-sha256".parse(), Ok(DigestName::HmacSha256));
        assert!("md5".parse::<DigestName>().is_err());
    }
}
