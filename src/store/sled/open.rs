//! Opens the directory: nothing is served before it is proved that everything acknowledged is there.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sled::Db;

use crate::limits;
use crate::store::{Revision, SledStore, StoreError, envelope, schema};

use super::counted::Counted;
use super::recount::Recount;
use super::tally::Tally;
use super::watermark::{Keeper, Mark, State, Watermark};
use super::{Writer, barrier, durable, guarded, io, read, replace, snapshots};

/// How to open a store.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Go on with what is there when acknowledged data is missing.
    pub recover: bool,
    /// So many entries are counted before the store opens, even if it was stopped in good order. Where there are more,
    /// [`recount`](crate::store::Store::recount) counts them while it is open.
    pub counted_max: u64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { recover: false, counted_max: limits::COUNTED_AT_START_MAX }
    }
}

/// How the store was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastStop {
    /// It was not: there was no store, and a new one was made.
    Never,
    /// In good order.
    Clean,
    /// By a crash; everything was counted again.
    Unclean,
}

/// What an open found and did.
#[derive(Clone, Debug)]
pub struct Opened {
    /// How the store was left.
    pub last_stop: LastStop,
    /// Where damaged files were put, if there were any.
    pub set_aside: Option<PathBuf>,
    /// What is missing, when it was asked to go on without.
    pub recovered: Option<String>,
}

/// The data directory's parts.
struct Places {
    database: PathBuf,
    /// The database as a crash left it, until everything was checked.
    aside: PathBuf,
    /// A copy that is not complete, or not needed any more.
    partial: PathBuf,
    /// Damaged files, for good.
    set_aside: PathBuf,
    watermark: PathBuf,
}

pub(super) fn open(dir: &Path, options: OpenOptions) -> Result<(SledStore, Opened), StoreError> {
    durable::check()?;
    let dir = &std::path::absolute(dir).map_err(io("finding the data directory"))?;
    barrier::create(dir).map_err(io("creating the data directory"))?;
    let lock = lock(dir)?;
    replace::finish(dir).map_err(io("putting the new store in its place"))?;
    let watermark = dir.join("watermark");
    let (file, mark) = Watermark::open(&watermark).map_err(io("reading the watermark"))?;
    let places = Places {
        database: dir.join(super::DATABASE),
        aside: dir.join(ASIDE),
        partial: dir.join(PARTIAL),
        set_aside: dir.join("set-aside").join(file.sequence().to_string()),
        watermark,
    };
    barrier::remove_tree(&places.partial).map_err(io("removing a leftover copy"))?;
    let nothing_yet = match mark {
        None => !places.database.exists() && !places.aside.exists(),
        Some(mark) => mark.state == State::Creating,
    };
    let started = if nothing_yet { create(&places, file)? } else { reopen(&places, file, mark, options)? };
    let Started { database, watermark, tally, uncounted, opened } = started;
    let time = watermark.time();
    let keeper = Keeper::start(watermark, tally).map_err(io("starting the watermark's thread"))?;
    let writer = Writer { keeper, recount: uncounted.then(Recount::default) };
    Ok((SledStore::new(dir.to_owned(), database, writer, (tally, time), lock), opened))
}

/// Holds the directory for this process.
pub(super) fn lock(dir: &Path) -> Result<File, StoreError> {
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(dir.join(LOCK));
    let file = file.map_err(io("opening the lock file"))?;
    let locked = patiently(|| file.try_lock(), |error| matches!(error, TryLockError::WouldBlock));
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreError::Io { what: "locking", source }),
    }
}

/// Tries again for a moment while `busy`: a lock outlives its holder shortly, in a thread that is still ending or
/// in a child process that was just forked.
fn patiently<T, E>(mut attempt: impl FnMut() -> Result<T, E>, busy: impl Fn(&E) -> bool) -> Result<T, E> {
    for _ in 0..50 {
        match attempt() {
            Err(error) if busy(&error) => std::thread::sleep(Duration::from_millis(10)),
            other => return other,
        }
    }
    attempt()
}

/// A database at work, and what is known of it.
struct Started {
    database: Db,
    watermark: Watermark,
    tally: Tally,
    /// Whether the tally was believed without counting.
    uncounted: bool,
    opened: Opened,
}

/// Makes a new store. A crash on the way leaves the state `Creating`, and the next open begins again.
fn create(places: &Places, mut watermark: Watermark) -> Result<Started, StoreError> {
    let tally = Tally::default();
    let files = "creating the store";
    watermark.write(State::Creating, tally).map_err(io(files))?;
    places.sync_names().map_err(io(files))?;
    barrier::remove_tree(&places.database).map_err(io(files))?;
    let database = places.start_sled()?;
    settle(&database, tally)?;
    places.sync().map_err(io(files))?;
    // Into both slots: were one left at `Creating`, damage to the other would make the store look unused.
    for _ in 0..2 {
        watermark.write(State::Running, tally).map_err(io(files))?;
    }
    let opened = Opened { last_stop: LastStop::Never, set_aside: None, recovered: None };
    Ok(Started { database, watermark, tally, uncounted: false, opened })
}

fn reopen(
    places: &Places,
    mut watermark: Watermark,
    mark: Option<Mark>,
    options: OpenOptions,
) -> Result<Started, StoreError> {
    let clean = mark.is_some_and(|mark| mark.state == State::Stopped);
    places.have_room().map_err(io("opening the database"))?;
    let copying = io("copying the database aside");
    if places.aside.exists() {
        // An earlier open did not come to its end; it may have changed the database, but not this copy.
        places.restore(|_| false).map_err(&copying)?;
    } else if !clean || options.recover {
        places.copy_aside().map_err(&copying)?;
    }
    if let Some(mark) = mark {
        watermark.write(State::Running, mark.tally).map_err(io("writing the watermark"))?;
    }
    let (database, mut set_aside) = places.start()?;
    places.sync().map_err(io("syncing the database"))?;

    // After a stop in good order, damage to the log may take back what was written last, and nothing else would tell.
    let quick = mark.is_some_and(|mark| mark.tally.count <= options.counted_max);
    let thorough = !clean || quick || set_aside.is_some() || options.recover;
    let found = Found::of(&database, thorough)?;
    let mut tally = found.tally.unwrap_or_default();
    let mut recovered = None;
    if let Some(mut report) = found.missing(mark, clean) {
        if places.aside.exists() {
            report = format!("{report}; an untouched copy is in {}", places.aside.display());
        }
        if !options.recover {
            return Err(StoreError::Missing { report });
        }
        set_aside = Some(places.keep_copy().map_err(&copying)?);
        tracing::warn!(report, "recovered without everything that was acknowledged");
        recovered = Some(report);
    }
    if recovered.is_some() || found.layout != Some(schema::LAYOUT) {
        let earlier = found.layout.is_some_and(|layout| layout < schema::LAYOUT);
        let counted = if earlier { count(&database, schema::LAYOUT)?.tally } else { found.counted.tally };
        let least = mark.map_or(Revision(0), |mark| mark.tally.revision);
        // Never below a revision that is there: readers take what is above for not durable yet. And a new one, so that
        // nothing that was made of what is lost counts as made of this, and a crash from here on tells the new tally.
        let newest = tally.revision.max(least).max(counted.revision).next();
        tally = Tally { revision: newest, ..counted };
        settle(&database, tally)?;
    }
    places.drop_copy().map_err(io("removing the copy of the database"))?;
    watermark.write(State::Running, tally).map_err(io("writing the watermark"))?;
    let last_stop = if clean { LastStop::Clean } else { LastStop::Unclean };
    let opened = Opened { last_stop, set_aside, recovered };
    Ok(Started { database, watermark, tally, uncounted: !found.thorough, opened })
}

/// Writes the store's own entries.
fn settle(database: &Db, tally: Tally) -> Result<(), StoreError> {
    let mut own = sled::Batch::default();
    for (key, body) in [(schema::FORMAT, &[schema::LAYOUT][..]), (schema::TALLY, &tally.encode())] {
        own.insert(key, envelope::seal(key, tally.revision, body).0);
    }
    guarded("writing the tally", || {
        database.apply_batch(own)?;
        database.flush().map(drop)
    })
}

/// What an opened database holds.
struct Found {
    tally: Option<Tally>,
    /// Its layout, if that is there.
    layout: Option<u8>,
    /// Whether everything was counted.
    thorough: bool,
    /// What its entries come to; the tally when they were not counted.
    counted: Counted,
}

impl Found {
    fn of(database: &Db, thorough: bool) -> Result<Self, StoreError> {
        let layout = read(database, schema::FORMAT)?;
        let layout = layout.map(|sealed| layout_of(&sealed)).transpose()?;
        let tally = read(database, schema::TALLY)?;
        let tally = tally.and_then(|sealed| Tally::decode(envelope::open(schema::TALLY, &sealed).ok()?.body));
        let thorough = thorough || layout != Some(schema::LAYOUT);
        let counted = if thorough {
            count(database, layout.unwrap_or(schema::LAYOUT))?
        } else {
            Counted::believed(tally.unwrap_or_default())
        };
        Ok(Self { tally, layout, thorough, counted })
    }

    /// What is missing of what `mark` promises, in words; `None` when all of it is there.
    fn missing(&self, mark: Option<Mark>, clean: bool) -> Option<String> {
        let Some(Mark { tally: expected, .. }) = mark else {
            return Some("the watermark is missing or damaged".to_owned());
        };
        let Some(found) = self.tally.filter(|_| self.layout.is_some()) else {
            return Some(format!("expected {expected}, found an empty database"));
        };
        let whole = found == expected || (!clean && found.revision > expected.revision);
        if !whole {
            return Some(format!("expected {expected}, found {found}"));
        }
        // After a stop in good order a damaged entry that was recovered from stops nobody: whoever reads it is told.
        let sound = self.counted.is_sound() || clean;
        (!sound || !self.counted.agrees(found)).then(|| self.counted.report(found))
    }
}

/// The layout number in a sealed value, if this keyward can read that layout.
fn layout_of(sealed: &[u8]) -> Result<u8, StoreError> {
    let place = || schema::printable(schema::FORMAT);
    match envelope::open(schema::FORMAT, sealed)?.body {
        [found] if *found > schema::LAYOUT => {
            Err(StoreError::NewerFormat { place: place(), found: *found, known: schema::LAYOUT })
        }
        [layout] => Ok(*layout),
        _ => Err(StoreError::Corrupt { place: place() }),
    }
}

/// Counts everything, as a store of this layout does.
fn count(database: &Db, layout: u8) -> Result<Counted, StoreError> {
    let mut counted = Counted::default();
    let mut entries = guarded("counting", || Ok(database.iter()))?;
    while let Some((key, sealed)) = guarded("counting", || entries.next().transpose())? {
        counted.add(layout, &key, &sealed)?;
    }
    Ok(counted)
}

impl Places {
    /// Starts sled; if it finds damage, once more without the files it can make again.
    fn start(&self) -> Result<(Db, Option<PathBuf>), StoreError> {
        barrier::create(&self.database).map_err(io("creating the database"))?;
        snapshots::remove_unfinished(&self.database).map_err(io("removing an unfinished snapshot"))?;
        let failed = match self.start_sled() {
            Ok(database) => return Ok((database, None)),
            Err(failed) => failed,
        };
        let derived = snapshots::are_in(&self.database).map_err(io("looking for snapshots"))?;
        if !derived || !matches!(failed, StoreError::Corrupt { .. }) {
            return Err(failed);
        }
        let setting_aside = io("setting snapshots aside");
        if !self.aside.exists() {
            self.copy_aside().map_err(&setting_aside)?;
        }
        snapshots::copy(&self.aside, &self.set_aside).map_err(&setting_aside)?;
        self.restore(snapshots::is_derived).map_err(&setting_aside)?;
        tracing::warn!(to = %self.set_aside.display(), "sled found damage: trying without its snapshots");
        Ok((self.start_sled()?, Some(self.set_aside.clone())))
    }

    fn start_sled(&self) -> Result<Db, StoreError> {
        barrier::create(&self.database).map_err(io("creating the database"))?;
        let config = sled::Config::new()
            .path(&self.database)
            .cache_capacity(limits::STORE_CACHE_BYTES)
            .segment_size(limits::STORE_SEGMENT_BYTES)
            .flush_every_ms(None);
        let busy = |error: &StoreError| matches!(error, StoreError::Io { source, .. } if source.to_string().starts_with(SLED_LOCKED));
        patiently(|| guarded("opening the database", || config.open()), busy)
    }

    /// Asks for the room that opening takes before anything is touched: out of room half-way, the next open would have to
    /// check everything as after a crash.
    fn have_room(&self) -> io::Result<()> {
        // What the log grows by, and another snapshot.
        let segments = u64::try_from(2 * limits::STORE_SEGMENT_BYTES).unwrap_or(u64::MAX);
        let needed = segments + snapshots::size(&self.database);
        let dir = self.watermark.parent().unwrap_or(&self.database);
        match barrier::free(dir) {
            Some(free) if free < needed => {
                Err(barrier::room(dir, needed, Some(free), io::ErrorKind::StorageFull.into()))
            }
            _ => Ok(()),
        }
    }

    /// Copies the database aside, whole or not at all.
    fn copy_aside(&self) -> io::Result<()> {
        if !self.database.exists() {
            return Ok(());
        }
        let copied = barrier::copy_tree(&self.database, &self.partial, |_| false)
            .and_then(|()| barrier::sync_tree(&self.partial));
        if let Err(error) = copied {
            // Half a copy would only take the room that others need.
            barrier::remove_tree(&self.partial)?;
            let dir = self.watermark.parent().unwrap_or(&self.database);
            return Err(barrier::room(dir, barrier::size(&self.database), barrier::free(dir), error));
        }
        barrier::rename(&self.partial, &self.aside)
    }

    /// Makes the database from its copy, without the names that `skip` picks.
    fn restore(&self, skip: fn(&str) -> bool) -> io::Result<()> {
        barrier::remove_tree(&self.database)?;
        barrier::copy_tree(&self.aside, &self.database, skip)
    }

    /// Keeps the copy for good.
    fn keep_copy(&self) -> io::Result<PathBuf> {
        barrier::create(&self.set_aside)?;
        if self.aside.exists() {
            fs::rename(&self.aside, self.set_aside.join(super::DATABASE))?;
            barrier::sync(&self.set_aside)?;
            self.sync_names()?;
        }
        Ok(self.set_aside.clone())
    }

    /// Removes the copy, which is not needed any more.
    fn drop_copy(&self) -> io::Result<()> {
        if self.aside.exists() {
            barrier::rename(&self.aside, &self.partial)?;
        }
        barrier::remove_tree(&self.partial)
    }

    /// Makes everything below the data directory durable as it is.
    fn sync(&self) -> io::Result<()> {
        barrier::sync_tree(&self.database)?;
        self.sync_names()
    }

    /// Makes the names in the data directory durable, and its own.
    fn sync_names(&self) -> io::Result<()> {
        let dir = self.watermark.parent();
        dir.into_iter().chain(dir.and_then(Path::parent)).try_for_each(barrier::sync)
    }
}

/// Locked while the directory is open.
pub(super) const LOCK: &str = "lock";
/// The copy of the database as a crash left it.
pub(super) const ASIDE: &str = "aside";
/// A copy that is not complete, or not needed any more.
pub(super) const PARTIAL: &str = "aside.partial";
/// How sled begins to say that its own lock is held; ours is held by then, so it cannot be another keyward.
const SLED_LOCKED: &str = "could not acquire lock";
