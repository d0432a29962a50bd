//! Envelope of every stored value: format number, revision of its commit, and a checksum bound to its key.
//!
//! ```text
//! format 1 | revision 8, big-endian | body | checksum 8
//! ```
//!
//! The checksum is the start of BLAKE3 over the key's length (8, big-endian), the key and everything before the
//! checksum, so that a value found under another key is as damaged as one with a flipped bit.

use crate::limits;

use super::{Revision, StoreError, schema};

/// Newest envelope this keyward reads and writes.
const FORMAT: u8 = 1;
/// Bytes around a body.
const ENVELOPE_BYTES: usize = 1 + 8 + CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 8;

/// A value out of its envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened<'a> {
    /// The commit that wrote it.
    pub(super) version: Revision,
    /// The value itself.
    pub(super) body: &'a [u8],
    /// Checksum as a number, for the store digest.
    pub(super) sum: u64,
}

/// Puts `body` into the envelope it is stored in at `key`; with it its checksum as a number.
pub(super) fn seal(key: &[u8], version: Revision, body: &[u8]) -> (Vec<u8>, u64) {
    let mut sealed = Vec::with_capacity(body.len() + ENVELOPE_BYTES);
    sealed.push(FORMAT);
    sealed.extend_from_slice(&version.0.to_be_bytes());
    sealed.extend_from_slice(body);
    let checksum = checksum(key, &sealed);
    sealed.extend_from_slice(&checksum);
    (sealed, u64::from_be_bytes(checksum))
}

/// Takes the value stored at `key` out of its envelope.
///
/// # Errors
/// [`StoreError::NewerFormat`] when the format is above the known one, looked at before the checksum because a
/// newer format may have another one. [`StoreError::Corrupt`] when anything else is wrong.
pub(super) fn open<'a>(key: &[u8], sealed: &'a [u8]) -> Result<Opened<'a>, StoreError> {
    if let Some(found) = sealed.first().copied().filter(|format| *format > FORMAT) {
        return Err(StoreError::NewerFormat { place: schema::printable(key), found, known: FORMAT });
    }
    checked(key, sealed).ok_or_else(|| StoreError::Corrupt { place: schema::printable(key) })
}

fn checked<'a>(key: &[u8], sealed: &'a [u8]) -> Option<Opened<'a>> {
    let (content, stored) = sealed.split_last_chunk::<CHECKSUM_BYTES>()?;
    let (format, rest) = content.split_first()?;
    let (version, body) = rest.split_first_chunk::<8>()?;
    let sound =
        *format == FORMAT && body.len() <= limits::STORE_VALUE_BYTES_MAX && *stored == checksum(key, content);
    let version = Revision(u64::from_be_bytes(*version));
    sound.then_some(Opened { version, body, sum: u64::from_be_bytes(*stored) })
}

fn checksum(key: &[u8], content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(key.len() as u64).to_be_bytes());
    hasher.update(key);
    hasher.update(content);
    hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"k/0123456789abcdef";

    #[test]
    fn a_sealed_value_comes_back_whole() {
        for body in [&b""[..], b"x", &[7; limits::STORE_VALUE_BYTES_MAX]] {
            let (sealed, sum) = seal(KEY, Revision(9), body);
            assert_eq!(open(KEY, &sealed).unwrap(), Opened { version: Revision(9), body, sum });
        }
    }

    #[test]
    fn any_flipped_bit_cut_or_addition_is_refused() {
        let (sealed, _) = seal(KEY, Revision(9), b"some body");
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(KEY, &damaged).is_err(), "bit {bit} was accepted");
        }
        for length in 0..sealed.len() {
            assert!(open(KEY, &sealed[..length]).is_err(), "{length} bytes were accepted");
        }
        assert!(open(KEY, &[&sealed[..], b"\0"].concat()).is_err(), "trailing garbage was accepted");
    }

    #[test]
    fn a_value_under_another_key_is_corrupt_and_keys_do_not_run_into_bodies() {
        let (sealed, _) = seal(KEY, Revision(9), b"some body");
        assert!(matches!(open(b"k/0123456789abcdeF", &sealed), Err(StoreError::Corrupt { .. })));
        assert_ne!(checksum(b"ab", b"c"), checksum(b"a", b"bc"));
    }

    #[test]
    fn a_newer_format_is_named_before_the_checksum_is_looked_at() {
        assert!(matches!(open(KEY, &[2]), Err(StoreError::NewerFormat { found: 2, known: 1, .. })));
        assert!(matches!(open(KEY, &[0]), Err(StoreError::Corrupt { .. })));
        assert!(matches!(open(KEY, &[]), Err(StoreError::Corrupt { .. })));
    }
}
