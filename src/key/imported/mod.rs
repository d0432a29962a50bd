//! Hashes that other systems made of their keys: digests of whole texts and of parts, and salted hashes.
//!
//! A digest is found like a keyed hash, so a store keeps our own keyed hash of it (`digest.rs`). A salted hash cannot be
//! looked up, so a store keeps it as it is until the first use of the key shows the text. A text waits for salted hashes
//! only if it begins like such a key and no other key has it.

mod digest;
mod part;
mod salted_hash;
mod secret;

pub use digest::{DigestName, DigestScheme, HmacKey};
pub use part::{Part, PartScheme};
pub use salted_hash::SaltedHash;
pub use secret::ImportedSecret;
