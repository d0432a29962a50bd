//! Opens a data directory: the store, the secret file, the engine.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::cli::args::data_dir::DataDir;
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::note;
use crate::command::Service;
use crate::config::SecretFile;
use crate::engine::{Engine, Parts};
use crate::entropy::OsEntropy;
use crate::store::sled::OpenOptions;
use crate::store::{Revision, SledStore, Store as _};

/// Running engine and its command service.
pub(in crate::cli) struct OpenedStore {
    pub(in crate::cli) engine: Engine,
    pub(in crate::cli) service: Service,
}

/// Opens a data directory, and creates one that does not exist.
pub(in crate::cli) fn open(data_dir: &DataDir, options: OpenOptions) -> Result<OpenedStore, CliError> {
    check_permissions(&data_dir.data)?;
    let secret = secret(data_dir);
    // A secret file outside the directory is made first: if that fails, no directory is left behind.
    let apart = data_dir.secret_file.as_ref().filter(|file| file.parent() != Some(&data_dir.data));
    let first = apart.filter(|_| !is_anything(&data_dir.data));
    let made = first.filter(|file| !file.exists());
    first.map(|_| secret.read_or_create(true, &OsEntropy)).transpose()?;
    let opened = open_store(data_dir, options);
    if let (Some(made), Err(_)) = (made, &opened) {
        // No key was hashed under the new pepper.
        let _ = std::fs::remove_file(made);
    }
    let store = opened?;
    let peppers = secret.read_or_create(store.revision() == Revision(0), &OsEntropy)?;
    let engine = Engine::open(Parts::new(store, peppers))?;
    Ok(OpenedStore { service: Service::new(engine.clone()), engine })
}

fn open_store(data_dir: &DataDir, options: OpenOptions) -> Result<SledStore, CliError> {
    let (store, found) = SledStore::open(&data_dir.data, options)?;
    if let Some(report) = &found.recovered {
        note(&format!("keyward: started without missing data: {report}"));
    }
    if let Some(files) = &found.set_aside {
        note(&format!("keyward: damaged files were moved to {}", files.display()));
    }
    Ok(store)
}

/// Refuses a data directory that other users may write to.
///
/// # Security
/// The store trusts every file in its directory. A group of this process may write, as with a volume that is mounted for
/// the process.
pub(in crate::cli) fn check_permissions(data: &Path) -> Result<(), CliError> {
    let Ok(metadata) = std::fs::metadata(data) else { return Ok(()) };
    let groups = rustix::process::getgroups().unwrap_or_default();
    let own =
        groups.into_iter().chain([rustix::process::getegid()]).any(|group| group.as_raw() == metadata.gid());
    let mode = metadata.mode() & 0o7777;
    let by = match mode {
        _ if mode & 0o002 != 0 => "every user",
        _ if mode & 0o020 != 0 && !own => "another group",
        _ => return Ok(()),
    };
    let shown = data.display();
    Err(CliError::new(
        Exit::Data,
        format!(
            "the data directory {shown} can be written to by {by} (mode {mode:03o}): use a subdirectory of it, as with \
             --data {}, or close it with chmod go-w",
            data.join("keyward").display()
        ),
    ))
}

/// Opens a directory that has a store. Creates no directory, since its name may be mistyped.
pub(in crate::cli) fn existing(data_dir: &DataDir) -> Result<OpenedStore, CliError> {
    if !is_store(&data_dir.data) {
        return Err(no_store(data_dir));
    }
    open(data_dir, OpenOptions::default())
}

/// Whether this directory has a store.
pub(in crate::cli) fn is_store(data: &Path) -> bool {
    data.join("watermark").exists()
}

/// Whether this directory has a store, or files of one.
pub(in crate::cli) fn is_anything(data: &Path) -> bool {
    ["watermark", "db", "aside", "replacement"].iter().any(|name| data.join(name).exists())
}

/// Error for a directory without a store.
pub(in crate::cli) fn no_store(data_dir: &DataDir) -> CliError {
    let advice = "check --data, or create one with `keyward serve`";
    CliError::new(Exit::Data, format!("there is no store in {}; {advice}", data_dir.data.display()))
}

/// The secret file of a data directory.
pub(in crate::cli) fn secret(data_dir: &DataDir) -> SecretFile {
    SecretFile::at(data_dir.secret_file.clone().unwrap_or_else(|| data_dir.data.join("secret")))
}
