//! Hashes that other systems made of their keys: digests of whole texts and of parts, and salted hashes.

mod digest;
mod part;
mod salted_hash;
mod secret;

pub use digest::{DigestName, DigestScheme, HmacKey};
pub use part::{Part, PartScheme};
pub use salted_hash::SaltedHash;
pub use secret::ImportedSecret;
