//! `keyward backup`, `keyward restore` and `keyward compact`.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::args::{Place, Restore};
use super::door::Door;
use super::failure::{Exit, Failure};
use super::open;
use super::screen::{line, note};
use crate::clock::{Clock as _, SystemClock};
use crate::engine::{ComingBack, Engine, Parts, coming_back};
use crate::limits;
use crate::store::backup::{self, BackupWriter, Frame};
use crate::store::sled::OpenOptions;
use crate::store::sled::replace::{self, Replacing};
use crate::store::{Batch, SledStore, Store, StoreError, paged};

/// `keyward backup`: into a file that appears when it is whole, or to standard output.
pub(super) fn back_up(door: &mut Door, to: &Path) -> Result<Exit, Failure> {
    let wrote = |error: io::Error| Failure::system("the backup could not be written", &error);
    if to == Path::new("-") {
        if io::stdout().is_terminal() {
            return Err(Failure::new(
                Exit::Usage,
                "a backup is not text: give a file, or pipe it into something",
            ));
        }
        let revision = copy(door, &mut io::stdout().lock())?;
        note(&format!("backup at revision {revision}"));
        return Ok(Exit::Done);
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial).map_err(wrote)?;
    let mut file = BufWriter::new(file);
    let revision = copy(door, &mut file)?;
    file.into_inner().map_err(|error| wrote(error.into_error()))?.sync_all().map_err(wrote)?;
    // What cannot be read again is no backup.
    let entries = read(Path::new(&partial), |_| Ok(()))?;
    fs::rename(&partial, to).map_err(wrote)?;
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(wrote)?;
    line(&format!(
        "{} holds {entries} entries, at revision {revision}; the secret file is not in it",
        to.display()
    ))?;
    Ok(Exit::Done)
}

/// Writes a whole backup; its revision.
fn copy(door: &mut Door, to: &mut impl Write) -> Result<u64, Failure> {
    let wrote = |error: io::Error| Failure::system("the backup could not be written", &error);
    let mut writer = BackupWriter::begin(to).map_err(wrote)?;
    let mut target = "/v1/backup".to_owned();
    loop {
        let piece = door.ask("POST", &target, None)?;
        let frames = piece.get("frames").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
        let frames =
            frames.ok_or_else(|| Failure::new(Exit::Failed, "the server answered something else"))?;
        writer.write(&frames).map_err(wrote)?;
        match piece.get("next").and_then(Value::as_str) {
            Some(next) => target = format!("/v1/backup?from={next}"),
            None => {
                writer.end().map_err(wrote)?;
                return Ok(piece.get("revision").and_then(Value::as_u64).unwrap_or_default());
            }
        }
    }
}

fn read(file: &Path, each: impl FnMut(Frame) -> io::Result<()>) -> Result<u64, Failure> {
    let failed = |error| Failure::system(&format!("the backup {}", file.display()), &error);
    let opened = File::open(file).map_err(failed)?;
    backup::read(BufReader::new(opened), each).map_err(failed)
}

/// `keyward restore`.
pub(super) fn restore(place: &Place, asked: &Restore) -> Result<Exit, Failure> {
    let there = open::is_store(&place.data);
    let now = if there && !asked.bring_back { Some(to_compare(place)?) } else { None };
    let replacing = match &now {
        None => Replacing::directory(&place.data)?,
        Some(_) => Replacing::beside(&place.data)?,
    };
    let restored = fill(&replacing, |filling| {
        let entries = read(&asked.file, |frame| filling.add(frame).map_err(io::Error::other))?;
        note(&format!("{entries} entries read"));
        Ok(())
    })
    .and_then(|()| try_out(place, &replacing, now.as_ref()));
    let back = match restored {
        Ok(back) => back,
        Err(failure) => {
            replacing.give_up()?;
            return Err(failure);
        }
    };
    if !back.is_empty() {
        replacing.give_up()?;
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
    SledStore::open(&place.data, OpenOptions::default())?.0.close()?;
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

/// `keyward compact`.
pub(super) fn compact(place: &Place) -> Result<Exit, Failure> {
    if !open::is_store(&place.data) {
        return Err(open::no_store(place));
    }
    let (store, _) = SledStore::open(&place.data, OpenOptions::default())?;
    store.close()?;
    let replacing = Replacing::beside(&place.data)?;
    let before = size(&place.data.join("db"));
    let copied = fill(&replacing, |filling| {
        for entry in paged(None, |after, limit| store.scan(b"", after, limit)) {
            let entry = entry?;
            filling.add(Frame { key: entry.key, value: Some(entry.value) })?;
        }
        Ok(())
    });
    if let Err(failure) = copied {
        replacing.give_up()?;
        return Err(failure);
    }
    replacing.finish()?;
    drop(store);
    SledStore::open(&place.data, OpenOptions::default())?.0.close()?;
    replace::forget_replaced(&place.data)?;
    let after = size(&place.data.join("db"));
    line(&format!("{} kB before, {} kB after", before / 1024, after / 1024))?;
    Ok(Exit::Done)
}

/// A new store that is being filled.
struct Filling {
    store: SledStore,
    batch: Batch,
    waiting: usize,
}

impl Filling {
    fn add(&mut self, frame: Frame) -> Result<(), StoreError> {
        match frame.value {
            Some(value) => self.batch.put(frame.key, value),
            None => self.batch.delete(frame.key),
        }
        self.waiting += 1;
        if self.waiting >= limits::FILL_BATCH { self.commit() } else { Ok(()) }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.waiting = 0;
        self.store.commit(std::mem::take(&mut self.batch)).map(drop)
    }
}

/// Builds the new store, and closes it in good order.
fn fill(
    replacing: &Replacing,
    with: impl FnOnce(&mut Filling) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (store, _) = SledStore::open(&replacing.place(), OpenOptions::default())?;
    let mut filling = Filling { store, batch: Batch::default(), waiting: 0 };
    with(&mut filling)?;
    filling.commit()?;
    Ok(filling.store.close()?)
}

/// Bytes of the files below a directory.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}
