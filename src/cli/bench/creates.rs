//! Durable creates.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use super::latency::{Latencies, now, rate};
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::progress::Progress;
use crate::engine::{Engine, EngineError, NewKey};
use crate::key::{Actor, KeyId, Keyspace, Level, UserId};

/// Enough to fill whole commits.
const WRITERS_MANY: usize = 256;
const WRITERS: [usize; 2] = [1, WRITERS_MANY];
/// Steps of the progress that [`measure`] takes.
pub(super) const STEPS: u64 = WRITERS.len() as u64;
/// Keys whose texts are kept to verify them: more than fit into any processor's caches.
const KEPT_MAX: u64 = 1_000_000;

/// Measured rate and latencies of creates.
pub(super) struct Creates {
    pub(super) writers: usize,
    pub(super) per_second: f64,
    pub(super) latencies: Latencies,
}

/// A key that was created, and its text.
pub(super) type Issued = (KeyId, Zeroizing<String>);

/// Creates so many keys and keeps texts of some.
pub(super) fn fill(
    engine: &Engine,
    owner: UserId,
    keys: u64,
    progress: &Progress,
) -> Result<(Creates, Vec<Issued>), CliError> {
    let next = AtomicU64::new(0);
    create(engine, owner, WRITERS_MANY, || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number > 0 && number <= keys {
            progress.step();
        }
        (number < keys).then_some(number < KEPT_MAX)
    })
}

/// Creates keys for this long, with one writer and with many, each time once the disk has all from before: its syncs
/// would wait for that.
pub(super) fn measure(
    engine: &Engine,
    owner: UserId,
    data: &Path,
    length: Duration,
    progress: &Progress,
) -> Result<Vec<Creates>, CliError> {
    let measured = WRITERS.into_iter().map(|writers| {
        written_back(data).map_err(|error| CliError::system("the disk could not be waited for", &error))?;
        let start = now();
        let (creates, _) = create(engine, owner, writers, || (start.elapsed() < length).then_some(false))?;
        progress.step();
        Ok(creates)
    });
    measured.collect()
}

/// Waits until everything on the file system of this directory is on its disk.
fn written_back(data: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(File::open(data)?)?;
    #[cfg(not(target_os = "linux"))]
    rustix::fs::sync();
    Ok(())
}

/// Creates keys in `writers` threads until `next` returns `None`. `next` decides whether the text of the key is kept.
fn create(
    engine: &Engine,
    owner: UserId,
    writers: usize,
    next: impl Fn() -> Option<bool> + Sync,
) -> Result<(Creates, Vec<Issued>), CliError> {
    let new = NewKey::new(*Keyspace::NATIVE.name(), owner, Level::OWN);
    let write = || -> Result<(Latencies, Vec<Issued>), CliError> {
        let (mut latencies, mut kept) = (Latencies::new()?, Vec::new());
        while let Some(keep) = next() {
            let start = now();
            let created: Result<_, EngineError> = engine.create_key(Actor::Operator, new.clone());
            let (key, text) = created?;
            latencies.note(start.elapsed());
            if keep {
                kept.push((key.id, text.reveal()));
            }
        }
        Ok((latencies, kept))
    };
    let start = now();
    let done = by_threads(writers, |_| write())?;
    let took = start.elapsed();
    let (mut latencies, mut kept) = (Latencies::new()?, Vec::new());
    for (more, texts) in done {
        latencies.absorb(&more)?;
        kept.extend(texts);
    }
    Ok((Creates { writers, per_second: rate(latencies.count(), took), latencies }, kept))
}

/// Runs `work` in `count` threads, each with its number, and returns their results.
pub(super) fn by_threads<T: Send>(
    count: usize,
    work: impl Fn(usize) -> Result<T, CliError> + Sync,
) -> Result<Vec<T>, CliError> {
    let work = &work;
    std::thread::scope(|scope| {
        let spawn = |number| std::thread::Builder::new().spawn_scoped(scope, move || work(number));
        let threads: Vec<_> = (0..count).map(spawn).collect();
        let joined = threads.into_iter().map(|thread| {
            let thread = thread.map_err(|error| CliError::system("a thread could not be started", &error))?;
            thread
                .join()
                .unwrap_or_else(|_| Err(CliError::new(Exit::Failed, "a thread of the bench panicked")))
        });
        joined.collect()
    })
}
