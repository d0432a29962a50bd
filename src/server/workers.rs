//! The threads that serve connections: one for each processor. A connection stays with its thread, so that no request
//! wakes another processor than the one that answers it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Threads that run until this is dropped. What they wait for on blocking threads then ends by itself. Without any,
/// connections are served where they are accepted.
#[derive(Default)]
pub(super) struct Workers(Vec<Worker>);

struct Worker {
    runtime: Handle,
    /// Connections that it serves.
    connections: Arc<AtomicUsize>,
    /// Ends the thread when dropped.
    _running: oneshot::Sender<()>,
}

/// One connection's place on a thread, for as long as it is served.
pub(super) struct Place {
    pub(super) runtime: Handle,
    connections: Arc<AtomicUsize>,
}

impl Workers {
    /// Starts the threads, or none where the system gives none.
    pub(super) fn start() -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let started = (0..count).map(|_| Worker::start()).collect::<io::Result<_>>();
        started.map(Self).unwrap_or_else(|failure| {
            tracing::warn!(%failure, "no threads of their own serve connections");
            Self::default()
        })
    }

    /// A place on the thread that has the fewest connections.
    pub(super) fn place(&self) -> Place {
        let least = self.0.iter().min_by_key(|worker| worker.connections.load(Ordering::Relaxed));
        let (runtime, connections) = least.map_or_else(
            || (Handle::current(), Arc::default()),
            |worker| (worker.runtime.clone(), Arc::clone(&worker.connections)),
        );
        connections.fetch_add(1, Ordering::Relaxed);
        Place { runtime, connections }
    }
}

impl Worker {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let run = move || {
            // An error is the end: nobody holds the other side any more.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("connections".to_owned()).spawn(run)?;
        Ok(Self { runtime: handle, connections: Arc::default(), _running: running })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_spread_evenly_whichever_end() {
        let workers = Workers((0..3).map(|_| Worker::start().unwrap()).collect());
        let load = || {
            let each = workers.0.iter().map(|worker| worker.connections.load(Ordering::Relaxed));
            let mut each: Vec<_> = each.collect();
            each.sort_unstable();
            each
        };
        let mut places: Vec<_> = (0..7).map(|_| workers.place()).collect();
        assert_eq!(load(), [2, 2, 3]);
        places.retain(|place| place.runtime.id() != workers.0[0].runtime.id());
        places.extend((0..2).map(|_| workers.place()));
        assert_eq!(load().iter().sum::<usize>(), places.len());
        assert!(load()[2] - load()[0] <= 1, "{:?}", load());
    }

    #[tokio::test]
    async fn threads_end_with_the_server_though_one_waits() {
        let workers = Workers(vec![Worker::start().unwrap()]);
        let place = workers.place();
        let (began, beginning) = oneshot::channel();
        let (_go, gone) = std::sync::mpsc::channel::<()>();
        let waiting = place.runtime.spawn(async move {
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
