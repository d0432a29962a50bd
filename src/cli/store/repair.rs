//! Rebuilding of a store: `keyward compact` and `keyward check --repair`.

use super::new_store::{NewStore, fill, refuse_kept_store, swap};
use crate::cli::args::data_dir::DataDir;
use crate::cli::failure::{CliError, Exit};
use crate::cli::store::open;
use crate::cli::terminal::output::{line, note};
use crate::engine::Repair;
use crate::store::backup::Frame;
use crate::store::sled::durable_fs;
use crate::store::sled::swap::{self, Replacement};
use crate::store::sled::{OpenOptions, Opened};
use crate::store::{SledStore, Store as _, paged};

/// Runs `keyward compact`.
pub(in crate::cli) fn compact(data_dir: &DataDir) -> Result<Exit, CliError> {
    let (store, _) = open_store(data_dir, OpenOptions::default())?;
    let before = durable_fs::size(&data_dir.data.join("db"));
    let replacing = rebuild(data_dir, &store, |new_store| {
        for entry in paged(None, |after, limit| store.scan(b"", after, limit)) {
            let entry = entry?;
            new_store.add(Frame { key: entry.key, value: Some(entry.value) })?;
        }
        Ok(())
    })?;
    replacing.finish_with_same_content()?;
    drop(store);
    swap(data_dir)?;
    let after = durable_fs::size(&data_dir.data.join("db"));
    line(&format!("{} kB before, {} kB after", before / 1024, after / 1024))?;
    Ok(Exit::Done)
}

/// Runs `keyward check --repair`.
pub(in crate::cli) fn repair(data_dir: &DataDir) -> Result<Exit, CliError> {
    refuse_kept_store(data_dir, false)?;
    let (store, found) = open_store(data_dir, OpenOptions { recover: true, ..OpenOptions::default() })?;
    if let Some(report) = found.recovered {
        note(&format!("keyward: {report}"));
    }
    let mut repair = Repair::default();
    let replacing = rebuild(data_dir, &store, |new_store| {
        store.salvage(|found| new_store.add_all(repair.entries(found)?))?;
        Ok(new_store.add_all(repair.rest()?)?)
    })?;
    replacing.finish()?;
    drop(store);
    swap(data_dir)?;
    for place in &repair.lost {
        line(&format!("{place} could not be read"))?;
    }
    let Repair { made, dropped, lost, .. } = &repair;
    line(&format!("{made} entries written, {dropped} index entries rebuilt, {} lost", lost.len()))?;
    note(&format!("keyward: the old store is in {}", swap::replaced(&data_dir.data).display()));
    Ok(if repair.lost.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Opens the store of a directory that has one.
fn open_store(data_dir: &DataDir, options: OpenOptions) -> Result<(SledStore, Opened), CliError> {
    open::check_permissions(&data_dir.data)?;
    if open::is_store(&data_dir.data) {
        Ok(SledStore::open(&data_dir.data, options)?)
    } else {
        Err(open::no_store(data_dir))
    }
}

/// Builds the replacement of `store`, and closes `store` for writes.
fn rebuild(
    data_dir: &DataDir,
    store: &SledStore,
    with: impl FnOnce(&mut NewStore) -> Result<(), CliError>,
) -> Result<Replacement, CliError> {
    store.close()?;
    let replacing = Replacement::beside(&data_dir.data)?;
    fill(&replacing, durable_fs::size(&data_dir.data.join("db")), store.newest_time(), with)?;
    Ok(replacing)
}
