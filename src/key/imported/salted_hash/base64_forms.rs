//! Base64 as other systems write it in salted hashes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// Decodes base64 with or without padding, and with `.` for `+` as passlib writes it.
pub(super) fn unpadded(text: &str) -> Option<Vec<u8>> {
    let text = text.replace('.', "+");
    STANDARD.decode(&text).or_else(|_| STANDARD_NO_PAD.decode(&text)).ok()
}
