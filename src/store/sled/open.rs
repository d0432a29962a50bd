//! Open of a data directory: proves that everything acknowledged is stored before anything is served.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sled::Db;

use crate::limits;
use crate::store::{Revision, SledStore, StoreError, envelope, schema};

use super::lock::{lock, retry_while_busy};
use super::scrub::Scrub;
use super::scrub_totals::ScrubTotals;
use super::store_digest::StoreDigest;
use super::watermark::{Mark, State, Watermark, WatermarkWriter};
use super::{ASIDE, PARTIAL, Writer, durable_fs, guarded, io, read, snapshots, swap, sync_file_range};

/// Options for opening a store.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Whether to open without the acknowledged data that is missing.
    pub recover: bool,
    /// So many entries are counted before the store opens, even if it was stopped in good order. Where there are more,
    /// [`scrub`](crate::store::Store::scrub) counts them while it is open.
    pub counted_max: u64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { recover: false, counted_max: limits::COUNTED_AT_START_MAX }
    }
}

/// State in which the last process left the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastStop {
    /// There was no store; a new one was created.
    Never,
    /// In good order.
    Clean,
    /// By a crash; everything was counted again.
    Unclean,
}

/// Result of an open.
#[derive(Clone, Debug)]
pub struct Opened {
    /// State in which the store was left.
    pub last_stop: LastStop,
    /// Directory of the damaged files, if any were moved.
    pub set_aside: Option<PathBuf>,
    /// Report of what is missing, when the store was opened without it.
    pub recovered: Option<String>,
}

/// Paths in a data directory.
struct DataDir {
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
    sync_file_range::check()?;
    let dir = &std::path::absolute(dir).map_err(io("finding the data directory"))?;
    durable_fs::create(dir).map_err(io("creating the data directory"))?;
    let lock = lock(dir)?;
    swap::finish(dir).map_err(io("putting the new store in its place"))?;
    let watermark = dir.join("watermark");
    let (file, mark) = Watermark::open(&watermark).map_err(io("reading the watermark"))?;
    let data_dir = DataDir {
        database: dir.join(super::DATABASE),
        aside: dir.join(ASIDE),
        partial: dir.join(PARTIAL),
        set_aside: dir.join("set-aside").join(file.sequence().to_string()),
        watermark,
    };
    durable_fs::remove_tree(&data_dir.partial).map_err(io("removing a leftover copy"))?;
    let nothing_yet = match mark {
        None => !data_dir.database.exists() && !data_dir.aside.exists(),
        Some(mark) => mark.state == State::Creating,
    };
    let started =
        if nothing_yet { create(&data_dir, file)? } else { reopen(&data_dir, file, mark, options)? };
    let Started { database, watermark, digest, uncounted, opened } = started;
    let time = watermark.time();
    let watermark =
        WatermarkWriter::start(watermark, digest).map_err(io("starting the watermark's thread"))?;
    let writer = Writer { watermark, scrub: uncounted.then(Scrub::default) };
    Ok((SledStore::new(dir.to_owned(), database, writer, (digest, time), lock), opened))
}

/// Opened database with its watermark and digest.
struct Started {
    database: Db,
    watermark: Watermark,
    digest: StoreDigest,
    /// Whether the digest was taken over without counting entries.
    uncounted: bool,
    opened: Opened,
}

/// Makes a new store. A crash on the way leaves the state `Creating`, and the next open begins again.
fn create(data_dir: &DataDir, mut watermark: Watermark) -> Result<Started, StoreError> {
    let digest = StoreDigest::default();
    let files = "creating the store";
    watermark.write(State::Creating, digest).map_err(io(files))?;
    data_dir.sync_names().map_err(io(files))?;
    durable_fs::remove_tree(&data_dir.database).map_err(io(files))?;
    let database = data_dir.start_sled()?;
    write_own_entries(&database, digest)?;
    data_dir.sync().map_err(io(files))?;
    // Into both slots: were one left at `Creating`, damage to the other would make the store look unused.
    for _ in 0..2 {
        watermark.write(State::Running, digest).map_err(io(files))?;
    }
    let opened = Opened { last_stop: LastStop::Never, set_aside: None, recovered: None };
    Ok(Started { database, watermark, digest, uncounted: false, opened })
}

fn reopen(
    data_dir: &DataDir,
    mut watermark: Watermark,
    mark: Option<Mark>,
    options: OpenOptions,
) -> Result<Started, StoreError> {
    let clean = mark.is_some_and(|mark| mark.state == State::Stopped);
    data_dir.have_room().map_err(io("opening the database"))?;
    let copying = io("copying the database aside");
    if data_dir.aside.exists() {
        // An earlier open did not come to its end; it may have changed the database, but not this copy.
        data_dir.restore(|_| false).map_err(&copying)?;
    } else if !clean || options.recover {
        data_dir.copy_aside().map_err(&copying)?;
    }
    if let Some(mark) = mark {
        watermark.write(State::Running, mark.digest).map_err(io("writing the watermark"))?;
    }
    let (database, mut set_aside) = data_dir.start()?;
    data_dir.sync().map_err(io("syncing the database"))?;

    // After a stop in good order, damage to the log may take back what was written last, and nothing else would tell.
    let quick = mark.is_some_and(|mark| mark.digest.count <= options.counted_max);
    let thorough = !clean || quick || set_aside.is_some() || options.recover;
    let found = Found::of(&database, thorough)?;
    let mut digest = found.digest.unwrap_or_default();
    let mut recovered = None;
    if let Some(mut report) = found.missing(mark, clean) {
        if data_dir.aside.exists() {
            report = format!("{report}; an untouched copy is in {}", data_dir.aside.display());
        }
        if !options.recover {
            return Err(StoreError::Missing { report });
        }
        set_aside = Some(data_dir.keep_copy().map_err(&copying)?);
        tracing::warn!(report, "recovered without everything that was acknowledged");
        recovered = Some(report);
    }
    if recovered.is_some() || found.layout != Some(schema::LAYOUT) {
        let earlier = found.layout.is_some_and(|layout| layout < schema::LAYOUT);
        let counted = if earlier { count(&database, schema::LAYOUT)?.digest } else { found.counted.digest };
        let least = mark.map_or(Revision(0), |mark| mark.digest.revision);
        // Never below a revision that is there: readers take what is above for not durable yet. And a new one, so that
        // nothing that was made of what is lost counts as made of this, and a crash from here on tells the new digest.
        let newest = digest.revision.max(least).max(counted.revision).next();
        digest = StoreDigest { revision: newest, ..counted };
        write_own_entries(&database, digest)?;
    }
    data_dir.drop_copy().map_err(io("removing the copy of the database"))?;
    watermark.write(State::Running, digest).map_err(io("writing the watermark"))?;
    let last_stop = if clean { LastStop::Clean } else { LastStop::Unclean };
    let opened = Opened { last_stop, set_aside, recovered };
    Ok(Started { database, watermark, digest, uncounted: !found.thorough, opened })
}

/// Writes the store's own entries.
fn write_own_entries(database: &Db, digest: StoreDigest) -> Result<(), StoreError> {
    let mut own = sled::Batch::default();
    for (key, body) in [(schema::FORMAT, &[schema::LAYOUT][..]), (schema::DIGEST, &digest.encode())] {
        own.insert(key, envelope::seal(key, digest.revision, body).0);
    }
    guarded("writing the digest", || {
        database.apply_batch(own)?;
        database.flush().map(drop)
    })
}

/// Content of an opened database, compared with the watermark by [`Found::missing`].
struct Found {
    digest: Option<StoreDigest>,
    /// Layout number, if it is stored.
    layout: Option<u8>,
    /// Whether everything was counted.
    thorough: bool,
    /// Totals of its entries; the digest when they were not counted.
    counted: ScrubTotals,
}

impl Found {
    fn of(database: &Db, thorough: bool) -> Result<Self, StoreError> {
        let layout = read(database, schema::FORMAT)?;
        let layout = layout.map(|sealed| layout_of(&sealed)).transpose()?;
        let digest = read(database, schema::DIGEST)?;
        let digest =
            digest.and_then(|sealed| StoreDigest::decode(envelope::open(schema::DIGEST, &sealed).ok()?.body));
        let thorough = thorough || layout != Some(schema::LAYOUT);
        let counted = if thorough {
            count(database, layout.unwrap_or(schema::LAYOUT))?
        } else {
            ScrubTotals::believed(digest.unwrap_or_default())
        };
        Ok(Self { digest, layout, thorough, counted })
    }

    /// Describes what is missing of what `mark` promises; `None` when everything is stored.
    fn missing(&self, mark: Option<Mark>, clean: bool) -> Option<String> {
        let Some(Mark { digest: expected, .. }) = mark else {
            return Some("the watermark is missing or damaged".to_owned());
        };
        let Some(found) = self.digest.filter(|_| self.layout.is_some()) else {
            return Some(format!("expected {expected}, found an empty database"));
        };
        let whole = found == expected || (!clean && found.revision > expected.revision);
        if !whole {
            return Some(format!("expected {expected}, found {found}"));
        }
        // After a stop in good order a damaged entry left by a recovery does not prevent opening: a reader of the entry gets
        // `Corrupt`.
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

/// Counts every entry, by the rules of this layout.
fn count(database: &Db, layout: u8) -> Result<ScrubTotals, StoreError> {
    let mut counted = ScrubTotals::default();
    let mut entries = guarded("counting", || Ok(database.iter()))?;
    while let Some((key, sealed)) = guarded("counting", || entries.next().transpose())? {
        counted.add(layout, &key, &sealed)?;
    }
    Ok(counted)
}

impl DataDir {
    /// Starts sled; if it finds damage, once more without the files it can make again.
    fn start(&self) -> Result<(Db, Option<PathBuf>), StoreError> {
        durable_fs::create(&self.database).map_err(io("creating the database"))?;
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
        durable_fs::create(&self.database).map_err(io("creating the database"))?;
        let config = sled::Config::new()
            .path(&self.database)
            .cache_capacity(limits::STORE_CACHE_BYTES)
            .segment_size(limits::STORE_SEGMENT_BYTES)
            .flush_every_ms(None);
        let busy = |error: &StoreError| matches!(error, StoreError::Io { source, .. } if source.to_string().starts_with(SLED_LOCKED));
        retry_while_busy(|| guarded("opening the database", || config.open()), busy)
    }

    /// Asks for the room that opening takes before anything is touched: out of room half-way, the next open would have to
    /// check everything as after a crash.
    fn have_room(&self) -> io::Result<()> {
        // Growth of the log, and another snapshot.
        let segments = u64::try_from(2 * limits::STORE_SEGMENT_BYTES).unwrap_or(u64::MAX);
        let needed = segments + snapshots::size(&self.database);
        let dir = self.watermark.parent().unwrap_or(&self.database);
        match durable_fs::free(dir) {
            Some(free) if free < needed => {
                Err(durable_fs::room(dir, needed, Some(free), io::ErrorKind::StorageFull.into()))
            }
            _ => Ok(()),
        }
    }

    /// Copies the database aside, whole or not at all.
    fn copy_aside(&self) -> io::Result<()> {
        if !self.database.exists() {
            return Ok(());
        }
        let copied = durable_fs::copy_tree(&self.database, &self.partial, |_| false)
            .and_then(|()| durable_fs::sync_tree(&self.partial));
        if let Err(error) = copied {
            // Half a copy would only take the room that others need.
            durable_fs::remove_tree(&self.partial)?;
            let dir = self.watermark.parent().unwrap_or(&self.database);
            return Err(durable_fs::room(
                dir,
                durable_fs::size(&self.database),
                durable_fs::free(dir),
                error,
            ));
        }
        durable_fs::rename(&self.partial, &self.aside)
    }

    /// Makes the database from its copy, without the names that `skip` picks.
    fn restore(&self, skip: fn(&str) -> bool) -> io::Result<()> {
        durable_fs::remove_tree(&self.database)?;
        durable_fs::copy_tree(&self.aside, &self.database, skip)
    }

    /// Keeps the copy for good.
    fn keep_copy(&self) -> io::Result<PathBuf> {
        durable_fs::create(&self.set_aside)?;
        if self.aside.exists() {
            fs::rename(&self.aside, self.set_aside.join(super::DATABASE))?;
            durable_fs::sync(&self.set_aside)?;
            self.sync_names()?;
        }
        Ok(self.set_aside.clone())
    }

    /// Removes the copy, which is not needed any more.
    fn drop_copy(&self) -> io::Result<()> {
        if self.aside.exists() {
            durable_fs::rename(&self.aside, &self.partial)?;
        }
        durable_fs::remove_tree(&self.partial)
    }

    /// Makes everything below the data directory durable as it is.
    fn sync(&self) -> io::Result<()> {
        durable_fs::sync_tree(&self.database)?;
        self.sync_names()
    }

    /// Makes the names in the data directory durable, and its own.
    fn sync_names(&self) -> io::Result<()> {
        let dir = self.watermark.parent();
        dir.into_iter().chain(dir.and_then(Path::parent)).try_for_each(durable_fs::sync)
    }
}

/// First words of sled's error when its own lock is held. keyward's lock is held by then, so the holder is not another
/// keyward.
const SLED_LOCKED: &str = "could not acquire lock";
