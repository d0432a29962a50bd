//! Imported hashes: keys of which a hash of another system was imported.

mod checker;
mod lookup;
mod queue;
mod schemes;

pub use checker::WaitPolicy;

pub(in crate::engine) use checker::SaltedHashChecker;
pub(in crate::engine) use schemes::{ImportedHashes, Schemes};
