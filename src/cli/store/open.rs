//! Opens a data directory: the store, the secret file, the engine.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::cli::args::Place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal::output::note;
use crate::command::Service;
use crate::config::SecretFile;
use crate::engine::{Engine, Parts};
use crate::entropy::OsEntropy;
use crate::store::sled::OpenOptions;
use crate::store::{Revision, SledStore, Store as _};

/// An engine at work, and the door to it.
pub(in crate::cli) struct Opened {
    pub(in crate::cli) engine: Engine,
    pub(in crate::cli) service: Service,
}

/// Opens the directory, making it when there is none.
pub(in crate::cli) fn open(place: &Place, options: OpenOptions) -> Result<Opened, Failure> {
    for_us_alone(&place.data)?;
    let secret = secret(place);
    // A secret file that cannot be made is known before there is a directory; inside of that one, it can be.
    let apart = place.secret_file.as_ref().filter(|file| file.parent() != Some(&place.data));
    let first = apart.filter(|_| !is_anything(&place.data));
    let made = first.filter(|file| !file.exists());
    first.map(|_| secret.read_or_create(true, &OsEntropy)).transpose()?;
    let opened = open_store(place, options);
    if let (Some(made), Err(_)) = (made, &opened) {
        // Nothing was made under it.
        let _ = std::fs::remove_file(made);
    }
    let store = opened?;
    let peppers = secret.read_or_create(store.revision() == Revision(0), &OsEntropy)?;
    let engine = Engine::open(Parts::new(store, peppers))?;
    Ok(Opened { service: Service::new(engine.clone()), engine })
}

fn open_store(place: &Place, options: OpenOptions) -> Result<SledStore, Failure> {
    let (store, found) = SledStore::open(&place.data, options)?;
    if let Some(report) = &found.recovered {
        note(&format!("keyward: went on without what is missing: {report}"));
    }
    if let Some(files) = &found.set_aside {
        note(&format!("keyward: damaged files were put into {}", files.display()));
    }
    Ok(store)
}

/// Refuses a data directory that others may write to: what they put there would be taken for ours. The group of this
/// process may, as where a volume is mounted for it.
pub(in crate::cli) fn for_us_alone(data: &Path) -> Result<(), Failure> {
    let Ok(metadata) = std::fs::metadata(data) else { return Ok(()) };
    let groups = rustix::process::getgroups().unwrap_or_default();
    let own =
        groups.into_iter().chain([rustix::process::getegid()]).any(|group| group.as_raw() == metadata.gid());
    let mode = metadata.mode() & 0o7777;
    let by = match mode {
        _ if mode & 0o002 != 0 => "everybody",
        _ if mode & 0o020 != 0 && !own => "another group",
        _ => return Ok(()),
    };
    let shown = data.display();
    Err(Failure::new(
        Exit::Data,
        format!(
            "the data directory {shown} can be written to by {by} (mode {mode:03o}): use a subdirectory of it, as with \
             --data {}, or close it with chmod go-w",
            data.join("keyward").display()
        ),
    ))
}

/// Opens a directory that a server was started on before; a mistyped name makes none.
pub(in crate::cli) fn existing(place: &Place) -> Result<Opened, Failure> {
    if !is_store(&place.data) {
        return Err(no_store(place));
    }
    open(place, OpenOptions::default())
}

/// Whether there is a store in this directory.
pub(in crate::cli) fn is_store(data: &Path) -> bool {
    data.join("watermark").exists()
}

/// Whether there is a store in this directory, or what is left of one.
pub(in crate::cli) fn is_anything(data: &Path) -> bool {
    ["watermark", "db", "aside", "replacement"].iter().any(|name| data.join(name).exists())
}

/// There is none.
pub(in crate::cli) fn no_store(place: &Place) -> Failure {
    let advice = "check --data, or begin with `keyward serve`";
    Failure::new(Exit::Data, format!("there is no store in {}; {advice}", place.data.display()))
}

/// The secret file of a data directory.
pub(in crate::cli) fn secret(place: &Place) -> SecretFile {
    SecretFile::at(place.secret_file.clone().unwrap_or_else(|| place.data.join("secret")))
}
