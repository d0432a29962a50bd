//! Store digest: newest revision, number of entries and sum of their checksums.

use std::fmt;

use crate::store::Revision;

/// Revision, count and sum over all entries; an order-free fingerprint of the whole store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StoreDigest {
    pub(super) revision: Revision,
    /// Number of entries, without the store's own.
    pub(super) count: u64,
    /// Wrapping sum of the checksums in their envelopes.
    pub(super) sum: u64,
}

impl fmt::Display for StoreDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, count, sum } = self;
        write!(f, "revision {} with {count} entries (sum {sum:016x})", revision.0)
    }
}

impl StoreDigest {
    /// Bytes of [`StoreDigest::encode`].
    pub(super) const BYTES: usize = 24;

    /// Replaces the checksum of one entry; `None` is no entry.
    pub(super) fn replace(&mut self, before: Option<u64>, after: Option<u64>) {
        if let Some(before) = before {
            self.count = self.count.wrapping_sub(1);
            self.sum = self.sum.wrapping_sub(before);
        }
        if let Some(after) = after {
            self.count = self.count.wrapping_add(1);
            self.sum = self.sum.wrapping_add(after);
        }
    }

    /// Revision, count and sum, each 8 bytes big-endian.
    pub(super) fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let fields = [self.revision.0, self.count, self.sum];
        for (place, field) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(fields) {
            *place = field.to_be_bytes();
        }
        bytes
    }

    /// Reads a digest from exactly these bytes.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let ([revision, count, sum], []) = bytes.as_chunks::<8>() else { return None };
        let [revision, count, sum] = [revision, count, sum].map(|field| u64::from_be_bytes(*field));
        Some(Self { revision: Revision(revision), count, sum })
    }
}
