//! PBKDF2 over SHA-256 and SHA-512, as passlib, Django and Werkzeug write it.

use std::time::Duration;

use hmac::Hmac;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::base64_forms::unpadded;
use crate::limits;

#[derive(Clone)]
pub(super) struct Pbkdf2 {
    long: bool,
    rounds: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Pbkdf2 {
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split('$').collect();
        let (long, rounds, salt, hash) = match *parts.as_slice() {
            ["pbkdf2_sha256", rounds, salt, hash] => (false, rounds, bare(salt), unpadded(hash)?),
            ["", name @ ("pbkdf2-sha256" | "pbkdf2-sha512"), rounds, salt, hash] => {
                let named = rounds.split(',').find_map(|part| part.strip_prefix("i="));
                // Some systems write the salt without base64 here, and the hash with its padding.
                let is_bare = hash.ends_with('=') || hash.len() % 4 == 0 && named.is_none();
                let salt = if is_bare { bare(salt) } else { unpadded(salt)? };
                (name == "pbkdf2-sha512", named.unwrap_or(rounds), salt, unpadded(hash)?)
            }
            [named, salt, hash] => {
                let (name, rounds) = named.strip_prefix("pbkdf2:")?.split_once(':')?;
                let long = match name {
                    "sha256" => false,
                    "sha512" => true,
                    _ => return None,
                };
                (long, rounds, bare(salt), hex::decode(hash).ok()?)
            }
            _ => return None,
        };
        let rounds = rounds.parse().ok().filter(|rounds| *rounds > 0)?;
        (16..=64).contains(&hash.len()).then_some(Self { long, rounds, salt, hash })
    }

    pub(super) const fn is_affordable(&self) -> bool {
        self.rounds <= limits::PBKDF2_ROUNDS_MAX
    }

    pub(super) fn is_of(&self, text: &str) -> bool {
        let mut hash = vec![0; self.hash.len()];
        let done = if self.long {
            pbkdf2::pbkdf2::<Hmac<Sha512>>(text.as_bytes(), &self.salt, self.rounds, &mut hash)
        } else {
            pbkdf2::pbkdf2::<Hmac<Sha256>>(text.as_bytes(), &self.salt, self.rounds, &mut hash)
        };
        done.is_ok() && hash.ct_eq(&self.hash).into()
    }

    /// About 0.5 microseconds for each round of each block of the hash.
    pub(super) fn takes(&self) -> Duration {
        let pieces = self.hash.len().div_ceil(if self.long { 64 } else { 32 });
        Duration::from_nanos(500 * u64::from(self.rounds) * pieces as u64)
    }
}

/// Salt that is written without an encoding.
fn bare(salt: &str) -> Vec<u8> {
    salt.as_bytes().to_vec()
}
