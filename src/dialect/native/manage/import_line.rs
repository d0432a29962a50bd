//! Parts of a line of an import: the secret, and the past of the key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::dialect::native::refusal::Refusal;
use crate::engine::Past;
use crate::key::{
    DigestName, DigestScheme, HmacKey, ImportedSecret, Part, PartScheme, Prefix, key_text_lengths,
};

/// What a line says of the secret.
pub(crate) struct SecretFields {
    pub(super) key: Option<Zeroizing<String>>,
    pub(super) hash: Option<String>,
    pub(super) algorithm: Option<DigestName>,
    pub(super) hmac_key: Option<Zeroizing<String>>,
    pub(super) prefix: Option<Prefix>,
    pub(super) of: Option<Part>,
    pub(super) length: Option<usize>,
}

impl SecretFields {
    pub(super) fn read(self) -> Result<ImportedSecret, Refusal> {
        let Self { key, hash, algorithm, hmac_key, prefix, of, length } = self;
        if length.is_some_and(|length| !key_text_lengths().contains(&length)) {
            let (least, most) = key_text_lengths().into_inner();
            return Err(Refusal::invalid(format!("length must be {least} to {most}: no other key is taken")));
        }
        let (scheme, digest) = match (key, hash, algorithm, hmac_key) {
            (Some(text), None, None, None) if of.is_none() => return Ok(ImportedSecret::Text(text)),
            (None, Some(hash), None, None) => match DigestScheme::parse_named(&hash) {
                Some(named) => named?,
                None => return salted(&hash, prefix, of.as_ref()),
            },
            (None, Some(hash), Some(name), hmac_key) => {
                let scheme = scheme(name, hmac_key.as_ref().map(|key| key.as_str()))?;
                let digest = scheme.parse(&hash)?;
                (scheme, digest)
            }
            _ => return Err(Refusal::invalid("give key, or hash with algorithm, or hash with prefix")),
        };
        Ok(match of {
            None => ImportedSecret::Digest(scheme, digest),
            Some(part) => ImportedSecret::PartDigest(PartScheme { scheme, part }, prefix, digest),
        })
    }
}

fn salted(hash: &str, prefix: Option<Prefix>, of: Option<&Part>) -> Result<ImportedSecret, Refusal> {
    if of.is_some() {
        return Err(Refusal::invalid("only a digest has of"));
    }
    let hash = hash.parse()?;
    let prefix =
        prefix.ok_or_else(|| Refusal::invalid("a salted hash needs prefix: what the key begins with"))?;
    Ok(ImportedSecret::Salted(prefix, hash))
}

fn scheme(name: DigestName, hmac_key: Option<&str>) -> Result<DigestScheme, Refusal> {
    match (name, hmac_key) {
        (DigestName::Sha256, None) => Ok(DigestScheme::Sha256),
        (DigestName::Sha512, None) => Ok(DigestScheme::Sha512),
        (DigestName::HmacSha256, Some(key)) => Ok(DigestScheme::HmacSha256(bytes(key)?)),
        (DigestName::HmacSha256, None) => Err(Refusal::invalid("hmac-sha256 needs hmac_key")),
        (DigestName::Sha256 | DigestName::Sha512, Some(_)) => {
            Err(Refusal::invalid("only hmac-sha256 has hmac_key"))
        }
    }
}

/// What a line says of what the key went through.
pub(crate) struct PastFields {
    pub(super) created_at: Option<String>,
    pub(super) last_used_at: Option<String>,
    pub(super) revoked: Option<bool>,
    pub(super) revoked_at: Option<String>,
}

impl PastFields {
    pub(super) fn read(&self, now: Timestamp) -> Result<Past, Refusal> {
        let moment = |name: &str, text: &Option<String>| {
            let wrong = || Refusal::invalid(format!("{name} must be like 2030-01-31T12:00:00Z"));
            text.as_ref().map(|text| Timestamp::parse(text).ok_or_else(wrong)).transpose()
        };
        let revoked = match (self.revoked, moment("revoked_at", &self.revoked_at)?) {
            (Some(false), Some(_)) => return Err(Refusal::invalid("a key with revoked_at is revoked")),
            (Some(true), None) => Some(now),
            (_, at) => at,
        };
        Ok(Past {
            created: moment("created_at", &self.created_at)?,
            last_used: moment("last_used_at", &self.last_used_at)?,
            revoked,
        })
    }
}

/// A secret as text, or as `hex:…` or `base64:…`.
fn bytes(text: &str) -> Result<HmacKey, Refusal> {
    let bytes = if let Some(digits) = text.strip_prefix("hex:") {
        hex::decode(digits).ok()
    } else if let Some(encoded) = text.strip_prefix("base64:") {
        STANDARD.decode(encoded).ok()
    } else {
        Some(text.as_bytes().to_vec())
    };
    let bytes = bytes.ok_or_else(|| Refusal::invalid("hmac_key has the wrong encoding"))?;
    Ok(HmacKey::new(bytes)?)
}

/// A JSON string that is wiped.
pub(crate) struct Wiped(pub(super) Zeroizing<String>);

impl<'de> Deserialize<'de> for Wiped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}
