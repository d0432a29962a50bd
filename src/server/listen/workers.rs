//! The threads that serve connections: for each processor one for those that bring verifies, and one that stands back
//! behind it for all others. A request is answered by the thread that reads it, so that it wakes no other processor.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::limits;

/// Threads that run until this is dropped. What they wait for on blocking threads then ends by itself. Without any,
/// connections are served where they are accepted.
#[derive(Default)]
pub(in crate::server) struct Workers {
    proven: Vec<Worker>,
    others: Vec<Worker>,
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum WorkerClass {
    /// It brings requests that are answered at once, from memory.
    Verify,
    /// Nothing, or that it brings others.
    General,
}

struct Worker {
    runtime: Handle,
    /// Connections that it serves.
    connections: Arc<AtomicUsize>,
    /// Ends the thread when dropped.
    _running: oneshot::Sender<()>,
}

/// One connection's place on a thread, for as long as it is served.
pub(in crate::server) struct Seat {
    pub(in crate::server) runtime: Handle,
    connections: Arc<AtomicUsize>,
}

impl Workers {
    /// Starts the threads, or none where the system gives none.
    pub(in crate::server) fn start() -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let start = |standing| (0..count).map(|_| Worker::start(standing)).collect::<io::Result<_>>();
        let started = start(WorkerClass::Verify)
            .and_then(|proven| Ok(Self { proven, others: start(WorkerClass::General)? }));
        started.unwrap_or_else(|failure| {
            tracing::warn!(%failure, "no threads of their own serve connections");
            Self::default()
        })
    }

    /// A place on the thread that has the fewest connections, among those for connections of this standing.
    pub(in crate::server) fn seat(&self, standing: WorkerClass) -> Seat {
        let workers = match standing {
            WorkerClass::Verify => &self.proven,
            WorkerClass::General => &self.others,
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
    fn start(standing: WorkerClass) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let run = move || {
            if standing == WorkerClass::General {
                stand_back();
            }
            // An error is the end: nobody holds the other side any more.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        let name = match standing {
            WorkerClass::Verify => "verifying",
            WorkerClass::General => "connections",
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { runtime: handle, connections: Arc::default(), _running: running })
    }
}

/// Has this thread, and the blocking ones that it starts, leave the processor to those for proven connections. Those are
/// as nice as whoever started the process said, so this one is so much nicer than it is, up to the system's most.
fn stand_back() {
    let own = rustix::process::getpriority_process(None);
    let set = own.and_then(|own| {
        let nicer = own.saturating_add(limits::OTHERS_NICENESS).min(limits::NICENESS_MAX);
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
    use crate::limits::{NICENESS_MAX, OTHERS_NICENESS};

    fn of_others(count: usize) -> Workers {
        let others = (0..count).map(|_| Worker::start(WorkerClass::General).unwrap()).collect();
        Workers { others, ..Workers::default() }
    }

    /// How nice threads of each standing are that this thread starts, and the blocking ones that they start.
    async fn started_niceness() -> [(i32, i32); 2] {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let workers = Workers::start();
        let of = async |standing| {
            let seat = workers.seat(standing);
            let there = async move { (niceness(), tokio::task::spawn_blocking(niceness).await.unwrap()) };
            seat.runtime.spawn(there).await.unwrap()
        };
        [of(WorkerClass::Verify).await, of(WorkerClass::General).await]
    }

    #[tokio::test]
    async fn whoever_is_not_proven_stands_back_however_nice_the_process_is() {
        let usual = rustix::process::getpriority_process(None).unwrap();
        for own in (usual..NICENESS_MAX).step_by(3).chain([NICENESS_MAX]) {
            // Of this test's thread alone, and of those that it starts.
            rustix::process::setpriority_process(None, own).unwrap();
            let back = NICENESS_MAX.min(own + OTHERS_NICENESS);
            assert_eq!(started_niceness().await, [(own, own), (back, back)]);
        }
    }

    #[tokio::test]
    async fn connections_spread_evenly_whichever_end() {
        let workers = of_others(3);
        let load = || {
            let each = workers.others.iter().map(|worker| worker.connections.load(Ordering::Relaxed));
            let mut each: Vec<_> = each.collect();
            each.sort_unstable();
            each
        };
        let mut seats: Vec<_> = (0..7).map(|_| workers.seat(WorkerClass::General)).collect();
        assert_eq!(load(), [2, 2, 3]);
        seats.retain(|seat| seat.runtime.id() != workers.others[0].runtime.id());
        seats.extend((0..2).map(|_| workers.seat(WorkerClass::General)));
        assert_eq!(load().iter().sum::<usize>(), seats.len());
        assert!(load()[2] - load()[0] <= 1, "{:?}", load());
    }

    #[tokio::test]
    async fn threads_end_with_the_server_though_one_waits() {
        let workers = of_others(1);
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
