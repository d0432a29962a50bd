//! Keys of another system: what is known of their texts, and how they are told apart.

use std::sync::LazyLock;

use keyward::engine::NewKey;
use keyward::key::{DigestScheme, HmacKey, ImportedSecret, KeyFormat, KeyId, Keyspace};
use zeroize::Zeroizing;

/// Ways in which another system kept its keys.
const KINDS: u8 = 5;
/// So many keys of each kind.
const EACH: u8 = 20;

/// All keys of the other system, with their texts.
static KNOWN: LazyLock<Vec<(String, ImportedSecret)>> = LazyLock::new(|| {
    let pairs = (0..EACH).flat_map(|nth| (0..KINDS).map(move |kind| (kind, nth)));
    pairs.map(|(kind, nth)| made(kind, nth)).collect()
});

fn made(kind: u8, nth: u8) -> (String, ImportedSecret) {
    let digest = |scheme: DigestScheme, text: &str| {
        let digest = scheme.digest(text.as_bytes()).to_vec();
        ImportedSecret::Digest(scheme, digest)
    };
    let text = format!("their{nth:03}-{kind}.key/0123456789+=");
    let secret = match kind {
        0 => ImportedSecret::Text(Zeroizing::new(text.clone())),
        1 => digest(DigestScheme::Sha256, &text),
        2 => digest(DigestScheme::Sha512, &text),
        3 => digest(DigestScheme::HmacSha256(HmacKey::new(b"their secret".to_vec()).unwrap()), &text),
        _ => {
            let hash = bcrypt::hash_with_salt(&text, 4, [nth; 16]).unwrap().to_string();
            ImportedSecret::Salted(text.split_at(8).0.parse().unwrap(), hash.parse().unwrap())
        }
    };
    (text, secret)
}

/// One of the keys of the other system.
pub(crate) fn secret(kind: u8, nth: u8) -> ImportedSecret {
    KNOWN[usize::from(nth % EACH) * usize::from(KINDS) + usize::from(kind % KINDS)].1.clone()
}

/// What tells a secret from every other.
pub(crate) fn identity(secret: &ImportedSecret) -> String {
    hex::encode(secret.identity())
}

/// The text that the other system gave out.
pub(crate) fn text_of(secret: &ImportedSecret) -> &'static str {
    let wanted = secret.identity();
    let found = KNOWN.iter().find(|(_, known)| known.identity() == wanted);
    found.map(|(text, _)| text.as_str()).unwrap()
}

/// Whether the other system gave this text out.
pub(crate) fn is_theirs(text: &str) -> bool {
    KNOWN.iter().any(|(known, _)| known == text)
}

/// The id of a key whose text begins with it.
pub(crate) fn own_id(new: &NewKey, secret: &ImportedSecret) -> Option<KeyId> {
    let ImportedSecret::Text(text) = secret else { return None };
    let keyspace = Keyspace::named(&new.keyspace)?;
    let id = text.split_once(':')?.0.parse().ok()?;
    (keyspace.format() == KeyFormat::FreeSewing).then_some(id)
}
