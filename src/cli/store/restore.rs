//! `keyward restore`.

use std::io;

use crate::cli::args::{Place, Restore};
use crate::cli::failure::{Exit, Failure};
use crate::cli::store::backup::{open_backup, read};
use crate::cli::store::open;
use crate::cli::store::repair::{exchange, fill, keep_nothing_before};
use crate::cli::terminal::output::{line, note};
use crate::clock::{Clock as _, SystemClock};
use crate::engine::{Engine, Parts, Regained, regained};
use crate::key::{PepperRing, UserId};
use crate::store::backup::Frame;
use crate::store::codec::Record as _;
use crate::store::sled::OpenOptions;
use crate::store::sled::replace::{self, Replacing};
use crate::store::{SledStore, Store as _, StoreError, schema};

/// `keyward restore`.
pub(in crate::cli) fn restore(place: &Place, asked: &Restore) -> Result<Exit, Failure> {
    let backup = open_backup(&asked.file)?;
    keep_nothing_before(place, asked.force)?;
    open::for_us_alone(&place.data)?;
    let peppers = open::secret(place).read()?;
    let there = open::is_anything(&place.data);
    let now = if there { to_compare(place, asked.bring_back)? } else { None };
    let replacing = match &now {
        None => Replacing::directory(&place.data)?,
        Some(_) => Replacing::beside(&place.data)?,
    };
    // What is compared, and how old the new store may think it is, goes by the newest time that is known.
    let known = now.as_ref().and_then(|now| now.newest_time());
    if let Some(known) = known {
        SystemClock.not_before(known);
    }
    let length = backup.metadata().map_or(0, |backup| backup.len());
    fill(&replacing, length, known, |filling| {
        let mut newest = newest_user(now.as_ref());
        let entries = read(&asked.file, backup, |frame| {
            if frame.key == schema::USER_COUNTER {
                newest = newest.max(frame.value.as_deref().and_then(|value| UserId::decode(value).ok()));
            }
            filling.add(frame).map_err(io::Error::other)
        })?;
        // Numbers that were given out since are not given out again: what names such a user would name another one.
        if let Some(newest) = newest {
            filling.add(Frame { key: schema::USER_COUNTER.to_vec(), value: Some(newest.encode()?) })?;
        }
        note(&format!("{entries} entries read"));
        Ok(())
    })?;
    let back = try_out(&replacing, peppers, now.as_ref())?;
    if !back.is_empty() && !asked.bring_back {
        back.iter().try_for_each(|regained| line(&regained.to_string()))?;
        let count = back.len();
        return Err(Failure::new(
            Exit::Failed,
            format!(
                "nothing was restored: what was taken away since would be given back, in {count} records as printed; \
                 --bring-back restores them, too"
            ),
        ));
    }
    replacing.finish()?;
    drop(now);
    exchange(place)?;
    line("restored")?;
    if !back.is_empty() {
        note(&format!("keyward: {} records are what they were before something was taken away", back.len()));
    }
    if there {
        note(&format!("keyward: the store before is in {}", replace::replaced(&place.data).display()));
    }
    Ok(Exit::Done)
}

/// The store as it is now, closed for writes; `None` when it cannot be read and need not be.
fn to_compare(place: &Place, bring_back: bool) -> Result<Option<SledStore>, Failure> {
    match SledStore::open(&place.data, OpenOptions::default()) {
        Ok((store, _)) => {
            store.close()?;
            Ok(Some(store))
        }
        Err(error @ StoreError::Locked { .. }) => Err(error.into()),
        Err(error) if bring_back => {
            note(&format!("keyward: the store that is there cannot be compared ({error})"));
            Ok(None)
        }
        Err(error) => Err(Failure::new(
            Exit::Data,
            format!(
                "the store that is there cannot be compared ({error}); --bring-back restores without that"
            ),
        )),
    }
}

/// The last number that was given to a user.
fn newest_user(now: Option<&SledStore>) -> Option<UserId> {
    let counter = now?.get(schema::USER_COUNTER).ok()??;
    UserId::from_entry(&counter).ok()
}

/// Opens what was restored as a server would, and looks through all of it; who would be better off.
fn try_out(
    replacing: &Replacing,
    peppers: PepperRing,
    now: Option<&SledStore>,
) -> Result<Vec<Regained>, Failure> {
    let (store, _) = SledStore::open(&replacing.place(), OpenOptions::default())?;
    let back = now.map(|now| regained(&store, now, SystemClock.now())).transpose()?.unwrap_or_default();
    let engine = Engine::open(Parts::new(store, peppers))?;
    let report = engine.check()?;
    engine.stop()?;
    match report.findings.first() {
        None => Ok(back),
        Some(finding) => Err(Failure::new(
            Exit::Failed,
            format!("nothing was restored: in the backup, {} {}", finding.place, finding.problem),
        )),
    }
}
