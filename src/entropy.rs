//! Randomness as an argument: [`Entropy`], the operating system's generator and a seeded one for tests.

use std::sync::{Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};
use thiserror::Error;

/// The operating system gave no randomness. Nothing was made; refuse the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the operating system's random generator failed")]
pub struct EntropyError;

/// Where secrets, ids and nonces come from.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with randomness.
    ///
    /// # Errors
    /// [`EntropyError`] when there is none to be had; `bytes` must not be used then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The operating system's generator, through `rand`.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        SysRng.try_fill_bytes(bytes).map_err(|_| EntropyError)
    }
}

/// A repeatable generator for tests and fuzzing; never for real keys.
///
/// ```
/// use keyward::entropy::{Entropy, SeededEntropy};
/// let entropy = SeededEntropy::new(7);
/// let (mut a, mut b) = ([0; 8], [0; 8]);
/// entropy.fill(&mut a)?;
/// entropy.fill(&mut b)?;
/// assert_ne!(a, b);
/// # Ok::<(), keyward::entropy::EntropyError>(())
/// ```
#[derive(Debug)]
pub struct SeededEntropy(Mutex<StdRng>);

impl SeededEntropy {
    /// A generator whose whole output is fixed by `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
        Ok(())
    }
}

/// Draws `count` characters of `alphabet`, each equally likely.
///
/// # Errors
/// [`EntropyError`] as [`Entropy::fill`].
pub(crate) fn letters(entropy: &dyn Entropy, alphabet: &[u8], count: usize) -> Result<String, EntropyError> {
    // Bytes at or above the largest multiple of the alphabet's length would favour its first letters.
    let fair = 256 - 256 % alphabet.len().max(1);
    let mut text = String::with_capacity(count);
    let mut pool = zeroize::Zeroizing::new([0_u8; 64]);
    while text.len() < count {
        entropy.fill(pool.as_mut_slice())?;
        let fresh = pool.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
        let drawn = fresh.filter_map(|byte| alphabet.get(byte % alphabet.len()));
        text.extend(drawn.take(count - text.len()).map(|letter| char::from(*letter)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_use_the_whole_alphabet_evenly() {
        let text = letters(&SeededEntropy::new(1), b"0123456789", 100_000).unwrap();
        for digit in '0'..='9' {
            let count = text.chars().filter(|c| *c == digit).count();
            assert!((9_500..10_500).contains(&count), "{digit} came {count} times of 100,000");
        }
    }

    #[test]
    fn letters_gives_exactly_the_length_asked_for() {
        for count in [0, 1, 63, 64, 65, 200] {
            assert_eq!(letters(&OsEntropy, b"ab", count).unwrap().len(), count);
        }
    }
}
