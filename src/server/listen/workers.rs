//! Worker threads: per processor two single-threaded runtimes, one for connections that only verify, one at lower
//! priority for all others.
//!
//! The thread that reads a request also answers it, so that no other processor is woken.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::limits;

/// Worker threads, which run until this is dropped. Without any, connections are served where they are accepted. Work
/// on blocking threads goes on after the drop, until it ends.
#[derive(Default)]
pub(in crate::server) struct Workers {
    verify: Vec<Worker>,
    general: Vec<Worker>,
}

/// Class of a connection, and of the worker that serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum WorkerClass {
    /// The connection's requests have inline answers, from memory.
    Verify,
    /// Any other connection, new ones included.
    General,
}

struct Worker {
    runtime: Handle,
    /// Connections that the worker serves.
    connections: Arc<AtomicUsize>,
    /// Ends the thread when dropped.
    _running: oneshot::Sender<()>,
}

/// Seat of one connection on a worker, until it is dropped.
pub(in crate::server) struct Seat {
    pub(in crate::server) runtime: Handle,
    connections: Arc<AtomicUsize>,
}

impl Workers {
    /// Starts the workers, or none where the system has no thread for one.
    pub(in crate::server) fn start() -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let start = |class| (0..count).map(|_| Worker::start(class)).collect::<io::Result<_>>();
        let started = start(WorkerClass::Verify)
            .and_then(|verify| Ok(Self { verify, general: start(WorkerClass::General)? }));
        started.unwrap_or_else(|failure| {
            tracing::warn!(%failure, "no threads of their own serve connections");
            Self::default()
        })
    }

    /// Seat on the worker of this class that has the fewest connections.
    pub(in crate::server) fn seat(&self, class: WorkerClass) -> Seat {
        let workers = match class {
            WorkerClass::Verify => &self.verify,
            WorkerClass::General => &self.general,
        };
        let least = workers.iter().min_by_key(|worker| worker.connections.load(Ordering::Relaxed));
        let (runtime, connections) = least.map_or_else(
            || (Handle::current(), Arc::default()),
            |worker| (worker.runtime.clone(), Arc::clone(&worker.connections)),
        );
        connections.fetch_add(1, Ordering::Relaxed);
        Seat { runtime, connections }
    }
}

impl Worker {
    fn start(class: WorkerClass) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let run = move || {
            if class == WorkerClass::General {
                lower_priority();
            }
            // Ends with an error, when the sender is dropped.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        let name = match class {
            WorkerClass::Verify => "verifying",
            WorkerClass::General => "connections",
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { runtime: handle, connections: Arc::default(), _running: running })
    }
}

/// Lowers the priority of this thread, and of the blocking threads that it starts, below that of verify workers. Those
/// have the niceness of the process, so this thread gets a higher one, at most the system's maximum.
fn lower_priority() {
    let own = rustix::process::getpriority_process(None);
    let set = own.and_then(|own| {
        let nicer = own.saturating_add(limits::GENERAL_WORKER_NICENESS).min(limits::NICENESS_MAX);
        rustix::process::setpriority_process(None, nicer)
    });
    if let Err(failure) = set {
        tracing::warn!(%failure, "all connections are served at the same priority");
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{GENERAL_WORKER_NICENESS, NICENESS_MAX};

    fn general(count: usize) -> Workers {
        let general = (0..count).map(|_| Worker::start(WorkerClass::General).unwrap()).collect();
        Workers { general, ..Workers::default() }
    }

    /// Niceness of the threads of each class that this thread starts, and of the blocking threads that they start.
    async fn started_niceness() -> [(i32, i32); 2] {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let workers = Workers::start();
        let of = async |class| {
            let seat = workers.seat(class);
            let there = async move { (niceness(), tokio::task::spawn_blocking(niceness).await.unwrap()) };
            seat.runtime.spawn(there).await.unwrap()
        };
        [of(WorkerClass::Verify).await, of(WorkerClass::General).await]
    }

    #[tokio::test]
    async fn general_workers_are_nicer_than_verify_workers_however_nice_the_process_is() {
        let usual = rustix::process::getpriority_process(None).unwrap();
        for own in (usual..NICENESS_MAX).step_by(3).chain([NICENESS_MAX]) {
            // Of this test's thread and the threads that it starts.
            rustix::process::setpriority_process(None, own).unwrap();
            let back = NICENESS_MAX.min(own + GENERAL_WORKER_NICENESS);
            assert_eq!(started_niceness().await, [(own, own), (back, back)]);
        }
    }

    #[tokio::test]
    async fn connections_spread_evenly_whichever_end() {
        let workers = general(3);
        let load = || {
            let each = workers.general.iter().map(|worker| worker.connections.load(Ordering::Relaxed));
            let mut each: Vec<_> = each.collect();
            each.sort_unstable();
            each
        };
        let mut seats: Vec<_> = (0..7).map(|_| workers.seat(WorkerClass::General)).collect();
        assert_eq!(load(), [2, 2, 3]);
        seats.retain(|seat| seat.runtime.id() != workers.general[0].runtime.id());
        seats.extend((0..2).map(|_| workers.seat(WorkerClass::General)));
        assert_eq!(load().iter().sum::<usize>(), seats.len());
        assert!(load()[2] - load()[0] <= 1, "{:?}", load());
    }

    #[tokio::test]
    async fn threads_end_with_the_server_though_one_waits() {
        let workers = general(1);
        let seat = workers.seat(WorkerClass::General);
        let (began, beginning) = oneshot::channel();
        let (_go, gone) = std::sync::mpsc::channel::<()>();
        let waiting = seat.runtime.spawn(async move {
            let wait = move || {
                began.send(()).unwrap();
                gone.recv().ok();
            };
            tokio::task::spawn_blocking(wait).await.unwrap();
        });
        beginning.await.unwrap();
        drop(workers);
        assert!(waiting.await.unwrap_err().is_cancelled());
    }
}
