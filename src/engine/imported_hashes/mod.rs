//! Keys of other systems of which a hash was imported.

mod checker;
mod lookup;
mod queue;
mod schemes;

pub use checker::WaitPolicy;

pub(in crate::engine) use checker::SaltedHashChecker;
pub(in crate::engine) use schemes::{ImportedHashes, Schemes};
