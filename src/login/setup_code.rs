//! The setup code that still counts.

use std::sync::Mutex;

use zeroize::Zeroizing;

use crate::store::Revision;

/// Letters and digits, without those that look like others.
pub(super) const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
pub(super) const CODE_LENGTH: usize = 24;

#[derive(Default)]
pub(super) struct Setup(pub(super) Mutex<Option<SetupCode>>);

/// Setup code that still counts.
pub(super) struct SetupCode {
    pub(super) code: Zeroizing<String>,
    /// Newest commit that was searched for an administrator without finding one. Until the next commit, asking costs no
    /// search.
    pub(super) looked: Revision,
}
