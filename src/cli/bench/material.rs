//! What is presented: keys that are there, keys that nobody has, and keys with the wrong secret.

use zeroize::Zeroizing;

use super::creates::Issued;
use crate::cli::failure::Failure;
use crate::entropy::OsEntropy;
use crate::key::{KeyId, Keyspace};

/// Texts of each kind.
pub(super) struct Material {
    pub(super) good: Vec<Zeroizing<String>>,
    pub(super) unknown: Vec<Zeroizing<String>>,
    /// The ids of keys that are there, with other secrets.
    pub(super) wrong: Vec<Zeroizing<String>>,
}

/// Bad keys of each kind. They find nothing, so more would cost no more.
const BAD_MAX: usize = 200_000;

impl Material {
    pub(super) fn new(issued: Vec<Issued>) -> Result<Self, Failure> {
        let ids: Vec<KeyId> = issued.iter().take(BAD_MAX).map(|(id, _)| *id).collect();
        let text = |id: KeyId| Ok(Keyspace::NATIVE.format().issue(id, &OsEntropy)?.0.reveal());
        let unknown = ids.iter().map(|_| text(KeyId::generate(&OsEntropy)?));
        let unknown = unknown.collect::<Result<_, Failure>>()?;
        let wrong = ids.iter().map(|id| text(*id)).collect::<Result<_, Failure>>()?;
        Ok(Self { good: issued.into_iter().map(|(_, text)| text).collect(), unknown, wrong })
    }
}
