//! Shutdown: the signals that request a stop, and the wait for it.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Handles SIGTERM and SIGINT from now on. The future ends at the first of them.
///
/// # Errors
/// Those of the system, when it takes no handler. Do not serve then, since the process could not be stopped cleanly.
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

/// Ends when the server begins to stop, or is dropped.
pub(super) async fn stopping(mut stop: watch::Receiver<bool>) {
    // Fails only when the sender is dropped, which is a stop, too.
    let _ = stop.wait_for(|stop| *stop).await;
}
