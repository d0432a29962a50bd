//! Key texts to verify: valid keys, unknown keys, and keys with the wrong secret.

use zeroize::Zeroizing;

use super::creates::Issued;
use crate::cli::failure::CliError;
use crate::entropy::OsEntropy;
use crate::key::{KeyId, Keyspace};

/// Texts of each kind.
pub(super) struct Material {
    pub(super) good: Vec<Zeroizing<String>>,
    pub(super) unknown: Vec<Zeroizing<String>>,
    /// Ids of existing keys, with other secrets.
    pub(super) wrong: Vec<Zeroizing<String>>,
}

/// Bad keys of each kind. More of them would cost no more, since they find no record.
const BAD_MAX: usize = 200_000;

impl Material {
    pub(super) fn new(issued: Vec<Issued>) -> Result<Self, CliError> {
        let ids: Vec<KeyId> = issued.iter().take(BAD_MAX).map(|(id, _)| *id).collect();
        let text = |id: KeyId| Ok(Keyspace::NATIVE.format().issue(id, &OsEntropy)?.0.reveal());
        let unknown = ids.iter().map(|_| text(KeyId::generate(&OsEntropy)?));
        let unknown = unknown.collect::<Result<_, CliError>>()?;
        let wrong = ids.iter().map(|id| text(*id)).collect::<Result<_, CliError>>()?;
        Ok(Self { good: issued.into_iter().map(|(_, text)| text).collect(), unknown, wrong })
    }
}
