//! Sealed copies of key texts, for keyspaces that document showing a text again.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::entropy::{Entropy, EntropyError};
use crate::key::{IssuedKey, KeyId, PepperNumber, PepperRing};

/// A sealed copy was not made or not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The system has no randomness for the nonce.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The pepper of the copy is not in the ring: the secret file is another one, or incomplete.
    #[error("the pepper of the sealed copy is missing")]
    NoPepper,
    /// The copy is damaged, or belongs to another key.
    #[error("the sealed copy is damaged")]
    Damaged,
}

/// Sealed copy of a key text: XChaCha20-Poly1305 under a key derived from a pepper, bound to the key id.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedCopy(Vec<u8>);

const NONCE: usize = 24;
const PURPOSE: &str = "keyward 2026-11-23 sealed copies of key texts";

impl SealedCopy {
    /// Returns the sealed copy of these bytes, as read from the store.
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Bytes for the store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Seals the text of key `id` under the current pepper.
    ///
    /// # Errors
    /// [`SealError::Entropy`]. [`SealError::Damaged`] for a text of 256 GiB, which no key has.
    pub fn seal(
        key: &IssuedKey,
        id: KeyId,
        ring: &PepperRing,
        entropy: &dyn Entropy,
    ) -> Result<Self, SealError> {
        Self::seal_bytes(key.bytes(), &id.to_bytes(), ring, entropy)
    }

    /// Opens the copy.
    ///
    /// # Errors
    /// [`SealError::NoPepper`] or [`SealError::Damaged`]. The key still verifies; only its text cannot be shown.
    pub fn open(&self, id: KeyId, under: PepperNumber, ring: &PepperRing) -> Result<IssuedKey, SealError> {
        let text = self.open_bytes(&id.to_bytes(), under, ring)?;
        let text = std::str::from_utf8(&text).map_err(|_| SealError::Damaged)?;
        Ok(IssuedKey::new(Zeroizing::new(text.to_owned())))
    }

    /// Seals bytes that are opened with the same `place` only.
    pub(crate) fn seal_bytes(
        bytes: &[u8],
        place: &[u8],
        ring: &PepperRing,
        entropy: &dyn Entropy,
    ) -> Result<Self, SealError> {
        let (_, pepper) = ring.current();
        let mut whole = vec![0; NONCE];
        entropy.fill(&mut whole)?;
        let nonce = nonce(&whole).ok_or(SealError::Damaged)?;
        let cipher = XChaCha20Poly1305::new(&(*pepper.derive(PURPOSE)).into());
        let payload = Payload { msg: bytes, aad: place };
        whole.extend(cipher.encrypt(&nonce, payload).map_err(|_| SealError::Damaged)?);
        Ok(Self(whole))
    }

    /// Opens bytes that were sealed with this `place`.
    pub(crate) fn open_bytes(
        &self,
        place: &[u8],
        under: PepperNumber,
        ring: &PepperRing,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let pepper = ring.get(under).ok_or(SealError::NoPepper)?;
        let nonce = nonce(&self.0).ok_or(SealError::Damaged)?;
        let sealed = self.0.get(NONCE..).ok_or(SealError::Damaged)?;
        let cipher = XChaCha20Poly1305::new(&(*pepper.derive(PURPOSE)).into());
        let payload = Payload { msg: sealed, aad: place };
        cipher.decrypt(&nonce, payload).map(Zeroizing::new).map_err(|_| SealError::Damaged)
    }
}

fn nonce(bytes: &[u8]) -> Option<XNonce> {
    bytes.first_chunk::<NONCE>().map(|nonce| XNonce::from(*nonce))
}

impl fmt::Debug for SealedCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedCopy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;
    use crate::key::KeyFormat;

    #[test]
    fn a_sealed_copy_opens_only_whole_for_its_key_under_its_pepper() {
        let ring = PepperRing::generate(&OsEntropy).unwrap();
        let (number, _) = ring.current();
        let id = KeyId::generate(&OsEntropy).unwrap();
        let (issued, _) = KeyFormat::Filebin.issue(id, &OsEntropy).unwrap();
        let sealed = SealedCopy::seal(&issued, id, &ring, &OsEntropy).unwrap();
        let text = issued.reveal();
        assert!(!sealed.as_bytes().windows(8).any(|part| text.as_bytes().starts_with(part)));
        assert_eq!(*sealed.open(id, number, &ring).unwrap().reveal(), *text);

        let other_id = KeyId::generate(&OsEntropy).unwrap();
        let other_ring = PepperRing::generate(&OsEntropy).unwrap();
        assert_eq!(sealed.open(other_id, number, &ring).err(), Some(SealError::Damaged));
        assert_eq!(sealed.open(id, number, &other_ring).err(), Some(SealError::Damaged));
        assert_eq!(sealed.open(id, PepperNumber(9), &ring).err(), Some(SealError::NoPepper));
        for at in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[at] ^= 1;
            assert!(SealedCopy::from_bytes(bytes).open(id, number, &ring).is_err(), "flipped at {at}");
        }
        assert!(SealedCopy::from_bytes(vec![0; 10]).open(id, number, &ring).is_err());
    }

    #[test]
    fn a_sealed_copy_is_its_bytes_and_nothing_secret_is_printed() {
        let ring = PepperRing::generate(&OsEntropy).unwrap();
        let id = KeyId::generate(&OsEntropy).unwrap();
        let (issued, _) = KeyFormat::Filebin.issue(id, &OsEntropy).unwrap();
        assert_eq!((format!("{issued:?}").as_str(), issued.bytes().len()), ("IssuedKey", 32));
        let sealed = SealedCopy::seal(&issued, id, &ring, &OsEntropy).unwrap();
        assert_eq!(sealed.as_bytes().len(), NONCE + 32 + 16);
        assert_eq!(SealedCopy::from_bytes(sealed.as_bytes().to_vec()), sealed);
        assert_eq!(format!("{sealed:?}"), "SealedCopy");
    }
}
