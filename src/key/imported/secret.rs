//! Secrets of imported keys.

use zeroize::Zeroizing;

use crate::key::{DigestScheme, PartScheme, Prefix, SaltedHash};

/// Secret of an imported key, as far as it is known.
#[derive(Clone, Debug)]
pub enum ImportedSecret {
    /// Key text.
    Text(Zeroizing<String>),
    /// Digest of the text.
    Digest(DigestScheme, Vec<u8>),
    /// Digest of a part of the text, and the text before that part, if known.
    PartDigest(PartScheme, Option<Prefix>, Vec<u8>),
    /// Beginning of the text, and a salted hash of the whole text.
    Salted(Prefix, SaltedHash),
}

impl ImportedSecret {
    /// Returns bytes that are equal for equal secrets only.
    pub fn identity(&self) -> Zeroizing<Vec<u8>> {
        let part_name;
        let parts: [&[u8]; 3] = match self {
            Self::Text(text) => [b"text", text.as_bytes(), b""],
            Self::Digest(scheme, digest) => [scheme.name().as_bytes(), digest, scheme.secret()],
            Self::PartDigest(part, before, digest) => {
                part_name = part.name(before.as_ref());
                [part_name.as_bytes(), digest, part.scheme.secret()]
            }
            Self::Salted(prefix, hash) => [b"slow", hash.as_str().as_bytes(), prefix.as_str().as_bytes()],
        };
        let framed = parts
            .into_iter()
            .flat_map(|part| (part.len() as u64).to_be_bytes().into_iter().chain(part.iter().copied()));
        Zeroizing::new(framed.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::HmacKey;

    fn hmac() -> DigestScheme {
        DigestScheme::HmacSha256(HmacKey::new(b"Jefe".to_vec()).unwrap())
    }

    #[test]
    fn every_secret_has_an_identity_of_its_own() {
        let slow: SaltedHash =
            "pbkdf2_sha256$2000$saltsalt$keFajzns916jW6y5rLC0WMlC7+7lDrdDXKbInA6p6cI=".parse().unwrap();
        let other_key = HmacKey::new(b"other".to_vec()).unwrap();
        let part = |part: &str, before: Option<&str>| {
            let part = PartScheme { scheme: DigestScheme::Sha256, part: part.parse().unwrap() };
            ImportedSecret::PartDigest(part, before.map(|before| before.parse().unwrap()), b"ab".to_vec())
        };
        let secrets = [
            ImportedSecret::Text("ab".to_owned().into()),
            ImportedSecret::Text("b".to_owned().into()),
            ImportedSecret::Digest(DigestScheme::Sha256, b"ab".to_vec()),
            ImportedSecret::Digest(DigestScheme::Sha512, b"ab".to_vec()),
            ImportedSecret::Digest(hmac(), b"ab".to_vec()),
            ImportedSecret::Digest(DigestScheme::HmacSha256(other_key), b"ab".to_vec()),
            part("after:|", None),
            part("after:|", Some("ab")),
            part("last:|", None),
            ImportedSecret::Salted("ab".parse().unwrap(), slow.clone()),
            ImportedSecret::Salted("cd".parse().unwrap(), slow),
        ];
        for (at, secret) in secrets.iter().enumerate() {
            let same = secrets.iter().filter(|other| other.identity() == secret.identity());
            assert_eq!(same.count(), 1, "number {at}");
            assert_eq!(secret.clone().identity(), secret.identity());
        }
    }
}
