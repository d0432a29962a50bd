//! Peppers: secrets of the server that key the hashes, numbered so that they can be rotated.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use crate::entropy::{Entropy, EntropyError};
use crate::key::IssuedKey;
use crate::key::{KeyedHash, ParseError, PresentedKey};

/// Number of the pepper that a hash or sealed copy was made under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PepperNumber(pub u8);

/// Pepper: a secret of the server, 256 bits. Wiped when dropped; `Debug` prints the type name only.
#[derive(Clone)]
pub struct Pepper(Zeroizing<[u8; 32]>);

impl Pepper {
    /// Returns a fresh pepper.
    ///
    /// # Errors
    /// [`EntropyError`] when the system has no randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// Returns the pepper of these bytes, as read from a secret file.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Bytes, for the secret file alone.
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the keyed hash of a presented key.
    pub fn hash(&self, key: &PresentedKey<'_>) -> KeyedHash {
        self.keyed(key.bytes())
    }

    /// Returns the keyed hash of an issued key.
    pub fn hash_issued(&self, key: &IssuedKey) -> KeyedHash {
        self.keyed(key.bytes())
    }

    /// Returns the keyed hash of another system's digest of a key. Never equal to the keyed hash of a text.
    pub(crate) fn hash_digest(&self, scheme: &str, digest: &[u8]) -> KeyedHash {
        let key = self.derive("keyward 2026-11-28 digests of other systems");
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(scheme.as_bytes()).update(&[0]).update(digest);
        KeyedHash::from_bytes(*hasher.finalize().as_bytes())
    }

    /// Returns the key id that follows from an imported secret, so that importing it again finds the same key.
    pub(crate) fn import_id(&self, identity: &[u8]) -> [u8; 16] {
        let key = self.derive("keyward 2026-11-28 ids of imported keys");
        let hash = blake3::keyed_hash(&key, identity);
        let id = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        *uuid::Builder::from_random_bytes(id).as_uuid().as_bytes()
    }

    fn keyed(&self, text: &[u8]) -> KeyedHash {
        KeyedHash::from_bytes(*blake3::keyed_hash(&self.0, text).as_bytes())
    }

    /// Derives a secret for another purpose. The pepper cannot be computed from it.
    pub(in crate::key) fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(purpose, self.0.as_slice()))
    }

    /// Secret that signs tokens of logins.
    pub(crate) fn token_key(&self) -> Zeroizing<[u8; 32]> {
        self.derive("keyward 2026-11-28 signatures of tokens")
    }

    /// Returns a text that differs for different inputs and reveals nothing else of them.
    pub(crate) fn fingerprint(&self, text: &str) -> String {
        let key = self.derive("keyward 2026-11-28 fingerprints of password hashes");
        let hash = blake3::keyed_hash(&key, text.as_bytes());
        hash.to_hex().chars().take(16).collect()
    }

    /// Value that a store keeps to recognize the pepper again. Useless for guessing keys.
    pub fn check_value(&self) -> [u8; 16] {
        let derived = self.derive("keyward 2026-11-23 check value of a pepper");
        derived.first_chunk().copied().unwrap_or_default()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper")
    }
}

/// Peppers of a server: the current one makes new hashes, the older ones still verify.
#[derive(Clone, Debug)]
pub struct PepperRing {
    current: PepperNumber,
    newest: Pepper,
    peppers: BTreeMap<PepperNumber, Pepper>,
}

impl PepperRing {
    /// Returns the ring of these peppers; the highest number is current.
    ///
    /// # Errors
    /// [`ParseError`] without any pepper.
    pub fn new(peppers: BTreeMap<PepperNumber, Pepper>) -> Result<Self, ParseError> {
        let (current, newest) = peppers.last_key_value().ok_or(ParseError::new("secret", "has no pepper"))?;
        Ok(Self { current: *current, newest: newest.clone(), peppers })
    }

    /// Peppers by number.
    pub fn into_peppers(self) -> BTreeMap<PepperNumber, Pepper> {
        self.peppers
    }

    /// Returns a ring of one fresh pepper, number 1.
    ///
    /// # Errors
    /// [`EntropyError`] when the system has no randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let pepper = Pepper::generate(entropy)?;
        let number = PepperNumber(1);
        Ok(Self { current: number, newest: pepper.clone(), peppers: BTreeMap::from([(number, pepper)]) })
    }

    /// Pepper for new hashes.
    pub const fn current(&self) -> (PepperNumber, &Pepper) {
        (self.current, &self.newest)
    }

    /// Returns the pepper of this number, if the ring still has it.
    pub fn get(&self, number: PepperNumber) -> Option<&Pepper> {
        self.peppers.get(&number)
    }

    /// Whether the ring has one pepper only.
    pub fn is_single(&self) -> bool {
        self.peppers.len() == 1
    }

    /// All peppers, the current one first.
    pub fn all(&self) -> impl Iterator<Item = (PepperNumber, &Pepper)> {
        self.peppers.iter().rev().map(|(number, pepper)| (*number, pepper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::key::KeyFormat;

    #[test]
    fn a_hash_depends_on_the_pepper_and_on_every_byte_of_the_key() {
        let entropy = SeededEntropy::new(1);
        let (one, two) = (Pepper::generate(&entropy).unwrap(), Pepper::generate(&entropy).unwrap());
        let key = KeyFormat::TelVue.parse("7e14204fcce1e00152b4").unwrap();
        let near = KeyFormat::TelVue.parse("7e14204fcce1e00152b5").unwrap();
        assert!(one.hash(&key) == one.hash(&key));
        assert!(one.hash(&key) != two.hash(&key));
        assert!(one.hash(&key) != one.hash(&near));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let pepper = Pepper::from_bytes([0xAB; 32]);
        let key = KeyFormat::TelVue.parse("7e14204fcce1e00152b4").unwrap();
        let printed = format!("{pepper:?} {key:?} {:?}", pepper.hash(&key));
        assert_eq!(printed, "Pepper PresentedKey KeyedHash");
    }

    #[test]
    fn what_follows_from_a_pepper_is_the_same_for_good() {
        let pepper = Pepper::from_bytes([7; 32]);
        assert_eq!(pepper.reveal(), &[7; 32]);
        assert_eq!(hex::encode(pepper.check_value()), "ec14fd0a4c1cf7fc77a61b0cf0bdbfb1");
        assert_eq!(
            hex::encode(*pepper.token_key()),
            "62a4dbe600a1de8d2a0c0c50cf2c1b28c0a14020a6718cd3d0cfa6cc6b22c192"
        );
        assert_eq!(pepper.fingerprint("a hash"), "604dccc4222a1e45");
        assert_eq!(hex::encode(pepper.import_id(b"a key")), "adf57d12cdfa46cebc66040639e7ba85");
        assert_eq!(
            hex::encode(pepper.hash_digest("sha256", b"a digest").as_bytes()),
            "59d4035663d5f81a51f1201aa6f6e62287de3c7ac019fc58827f67b04a57c146"
        );
    }

    #[test]
    fn a_ring_has_its_peppers_and_the_newest_counts() {
        let [old, new] = [PepperNumber(1), PepperNumber(4)];
        let peppers =
            BTreeMap::from([(old, Pepper::from_bytes([1; 32])), (new, Pepper::from_bytes([4; 32]))]);
        let ring = PepperRing::new(peppers).unwrap();
        assert_eq!((ring.current().0, ring.current().1.reveal()), (new, &[4; 32]));
        assert_eq!(ring.all().map(|(number, _)| number).collect::<Vec<_>>(), [new, old]);
        assert!(!ring.is_single() && PepperRing::generate(&SeededEntropy::new(1)).unwrap().is_single());
        assert!(ring.get(old).is_some() && ring.get(PepperNumber(2)).is_none());
        assert_eq!(ring.into_peppers().into_keys().collect::<Vec<_>>(), [old, new]);
        assert!(PepperRing::new(BTreeMap::new()).is_err());
    }
}
