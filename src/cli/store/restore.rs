//! `keyward restore`: replaces the store by a backup, unless the backup gives back rights that were removed after it.

use std::io;

use crate::cli::args::data_dir::DataDir;
use crate::cli::args::store::RestoreArgs;
use crate::cli::failure::{CliError, Exit};
use crate::cli::store::backup::{open_backup, read};
use crate::cli::store::new_store::{fill, refuse_kept_store, swap};
use crate::cli::store::open;
use crate::cli::terminal::output::{line, note};
use crate::clock::{Clock as _, SystemClock};
use crate::engine::{Engine, Parts, RegainedAccess, regained_access};
use crate::key::{PepperRing, UserId};
use crate::store::backup::Frame;
use crate::store::codec::Record as _;
use crate::store::sled::OpenOptions;
use crate::store::sled::swap::{self, Replacement};
use crate::store::{SledStore, Store as _, StoreError, schema};

/// Runs `keyward restore`.
pub(in crate::cli) fn restore(data_dir: &DataDir, args: &RestoreArgs) -> Result<Exit, CliError> {
    let backup = open_backup(&args.file)?;
    refuse_kept_store(data_dir, args.force)?;
    open::check_permissions(&data_dir.data)?;
    let peppers = open::secret(data_dir).read()?;
    let existed = open::is_anything(&data_dir.data);
    let present = if existed { open_present(data_dir, args.bring_back)? } else { None };
    let replacing = match &present {
        None => Replacement::directory(&data_dir.data)?,
        Some(_) => Replacement::beside(&data_dir.data)?,
    };
    // The clock is never before the newest known time, in the comparison and in the new store.
    let newest_time = present.as_ref().and_then(|present| present.newest_time());
    if let Some(time) = newest_time {
        SystemClock.not_before(time);
    }
    let length = backup.metadata().map_or(0, |backup| backup.len());
    fill(&replacing, length, newest_time, |new_store| {
        let mut newest = newest_user(present.as_ref());
        let entries = read(&args.file, backup, |frame| {
            if frame.key == schema::USER_COUNTER {
                newest = newest.max(frame.value.as_deref().and_then(|value| UserId::decode(value).ok()));
            }
            new_store.add(frame).map_err(io::Error::other)
        })?;
        // User numbers that were assigned after the backup are not assigned again: records outside that name such a user would
        // name another one.
        if let Some(newest) = newest {
            new_store.add(Frame { key: schema::USER_COUNTER.to_vec(), value: Some(newest.encode()?) })?;
        }
        note(&format!("{entries} entries read"));
        Ok(())
    })?;
    let regained = check_backup(&replacing, peppers, present.as_ref())?;
    if !regained.is_empty() && !args.bring_back {
        regained.iter().try_for_each(|record| line(&record.to_string()))?;
        let count = regained.len();
        return Err(CliError::new(
            Exit::Failed,
            format!(
                "nothing was restored: the backup gives back rights that were removed after it, in {count} records as printed; \
                 --bring-back restores them, too"
            ),
        ));
    }
    replacing.finish()?;
    drop(present);
    swap(data_dir)?;
    line("restored")?;
    if !regained.is_empty() {
        note(&format!(
            "keyward: {} records have rights again that were removed after the backup",
            regained.len()
        ));
    }
    if existed {
        note(&format!("keyward: the old store is in {}", swap::replaced(&data_dir.data).display()));
    }
    Ok(Exit::Done)
}

/// Opens the present store for reading, closed for writes; `None` if it cannot be read and `bring_back` is set.
fn open_present(data_dir: &DataDir, bring_back: bool) -> Result<Option<SledStore>, CliError> {
    match SledStore::open(&data_dir.data, OpenOptions::default()) {
        Ok((store, _)) => {
            store.close()?;
            Ok(Some(store))
        }
        Err(error @ StoreError::Locked { .. }) => Err(error.into()),
        Err(error) if bring_back => {
            note(&format!("keyward: the present store cannot be compared ({error})"));
            Ok(None)
        }
        Err(error) => Err(CliError::new(
            Exit::Data,
            format!(
                "the present store cannot be compared ({error}); --bring-back restores without comparing"
            ),
        )),
    }
}

/// Newest user number of the present store.
fn newest_user(present: Option<&SledStore>) -> Option<UserId> {
    let counter = present?.get(schema::USER_COUNTER).ok()??;
    UserId::from_entry(&counter).ok()
}

/// Opens the new store as a server would and checks all of it. Returns the records that have more rights than in the
/// present store.
fn check_backup(
    replacing: &Replacement,
    peppers: PepperRing,
    present: Option<&SledStore>,
) -> Result<Vec<RegainedAccess>, CliError> {
    let (store, _) = SledStore::open(&replacing.place(), OpenOptions::default())?;
    let regained = present
        .map(|present| regained_access(&store, present, SystemClock.now()))
        .transpose()?
        .unwrap_or_default();
    let engine = Engine::open(Parts::new(store, peppers))?;
    let report = engine.check()?;
    engine.stop()?;
    match report.findings.first() {
        None => Ok(regained),
        Some(finding) => Err(CliError::new(
            Exit::Failed,
            format!("nothing was restored: in the backup, {} {}", finding.place, finding.problem),
        )),
    }
}
