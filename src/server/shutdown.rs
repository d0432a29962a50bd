//! Stopping: the signals that ask for it, and how it reaches every connection.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Listens for SIGTERM and SIGINT from now on; the future ends at the first of them.
///
/// # Errors
/// The system's, when it takes no handler: do not start then, since the process could not be stopped cleanly.
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends when the server begins to stop, or is gone.
pub(super) async fn stopping(mut stop: watch::Receiver<bool>) {
    // The only failure is that nobody is left who could ask for a stop.
    let _ = stop.wait_for(|stop| *stop).await;
}
