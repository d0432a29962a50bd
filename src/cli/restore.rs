//! `keyward restore`.

use std::io;

use super::args::{Place, Restore};
use super::backup::read;
use super::failure::{Exit, Failure};
use super::open;
use super::rebuild::{exchange, fill};
use super::screen::{line, note};
use crate::clock::{Clock as _, SystemClock};
use crate::engine::{ComingBack, Engine, Parts, coming_back};
use crate::store::sled::OpenOptions;
use crate::store::sled::replace::{self, Replacing};
use crate::store::{SledStore, Store as _, StoreError};

/// `keyward restore`.
pub(super) fn restore(place: &Place, asked: &Restore) -> Result<Exit, Failure> {
    let there = open::is_store(&place.data);
    let now = if there && !asked.bring_back { Some(to_compare(place)?) } else { None };
    let replacing = match &now {
        None => Replacing::directory(&place.data)?,
        Some(_) => Replacing::beside(&place.data)?,
    };
    fill(&replacing, |filling| {
        let entries = read(&asked.file, |frame| filling.add(frame).map_err(io::Error::other))?;
        note(&format!("{entries} entries read"));
        Ok(())
    })?;
    let back = try_out(place, &replacing, now.as_ref())?;
    if !back.is_empty() {
        for ComingBack { key, prefix, owner, because } in &back {
            line(&format!("{key} {prefix} of {owner}: {because} since"))?;
        }
        let count = back.len();
        return Err(Failure::new(
            Exit::Failed,
            format!(
                "nothing was restored: {count} keys that are no good any more would be good again; --bring-back restores them, too"
            ),
        ));
    }
    replacing.finish()?;
    drop(now);
    exchange(place)?;
    line("restored")?;
    if there {
        note(&format!("keyward: the store before is in {}", replace::replaced(&place.data).display()));
    }
    Ok(Exit::Done)
}

/// The store as it is now, closed for writes.
fn to_compare(place: &Place) -> Result<SledStore, Failure> {
    match SledStore::open(&place.data, OpenOptions::default()) {
        Ok((store, _)) => {
            store.close()?;
            Ok(store)
        }
        Err(error @ StoreError::Locked { .. }) => Err(error.into()),
        Err(error) => Err(Failure::new(
            Exit::Data,
            format!(
                "the store that is there cannot be compared ({error}); --bring-back restores without that"
            ),
        )),
    }
}

/// Opens what was restored as a server would, and looks through all of it; the keys that would come back.
fn try_out(
    place: &Place,
    replacing: &Replacing,
    now: Option<&SledStore>,
) -> Result<Vec<ComingBack>, Failure> {
    let peppers = open::secret(place).read()?;
    let (store, _) = SledStore::open(&replacing.place(), OpenOptions::default())?;
    let back = now.map(|now| coming_back(&store, now, SystemClock.now())).transpose()?.unwrap_or_default();
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
