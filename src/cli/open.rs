//! Opens a data directory: the store, the secret file, the engine.

use std::path::Path;

use super::args::Place;
use super::failure::{Exit, Failure};
use super::screen::note;
use crate::command::Service;
use crate::config::SecretFile;
use crate::engine::{Engine, Parts};
use crate::entropy::OsEntropy;
use crate::store::sled::OpenOptions;
use crate::store::{Revision, SledStore, Store as _};

/// An engine at work, and the door to it.
pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) service: Service,
}

/// Opens the directory, making it when there is none.
pub(super) fn open(place: &Place, options: OpenOptions) -> Result<Opened, Failure> {
    let (store, found) = SledStore::open(&place.data, options)?;
    if let Some(report) = &found.recovered {
        note(&format!("keyward: went on without what is missing: {report}"));
    }
    if let Some(files) = &found.set_aside {
        note(&format!("keyward: damaged files were put into {}", files.display()));
    }
    let secret = secret(place);
    let peppers = secret.read_or_create(store.revision() == Revision(0), &OsEntropy)?;
    let engine = Engine::open(Parts::new(store, peppers))?;
    Ok(Opened { service: Service::new(engine.clone()), engine })
}

/// Opens a directory that a server was started on before; a mistyped name makes none.
pub(super) fn existing(place: &Place) -> Result<Opened, Failure> {
    if !is_store(&place.data) {
        return Err(no_store(place));
    }
    open(place, OpenOptions::default())
}

/// Whether there is a store in this directory.
pub(super) fn is_store(data: &Path) -> bool {
    data.join("watermark").exists()
}

/// Whether there is a store in this directory, or what is left of one.
pub(super) fn is_anything(data: &Path) -> bool {
    ["watermark", "db", "aside", "replacement"].iter().any(|name| data.join(name).exists())
}

/// There is none.
pub(super) fn no_store(place: &Place) -> Failure {
    let advice = "check --data, or begin with `keyward serve`";
    Failure::new(Exit::Data, format!("there is no store in {}; {advice}", place.data.display()))
}

/// The secret file of a data directory.
pub(super) fn secret(place: &Place) -> SecretFile {
    SecretFile::at(place.secret_file.clone().unwrap_or_else(|| place.data.join("secret")))
}
