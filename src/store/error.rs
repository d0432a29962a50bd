//! Errors of the store.

use std::path::PathBuf;

use thiserror::Error;

use super::Revision;

/// The store could not answer. No variant ever means "absent".
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system or sled failed. Restart; if it persists, look at the disk.
    #[error("{what}: {source}")]
    Io {
        /// Action that failed.
        what: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Stored bytes are damaged. Nothing was accepted from them; run `keyward check`.
    #[error("corrupt data at {place}")]
    Corrupt {
        /// The key or file, in printable form.
        place: String,
    },
    /// A key's level is none of 0 to 8.
    #[error("unknown level stored at {place}")]
    UnknownLevel {
        /// The key, in printable form.
        place: String,
    },
    /// A newer keyward wrote this. Use that version.
    #[error("{place} has format {found}, written by a newer keyward; this one knows up to {known}")]
    NewerFormat {
        /// The key or file, in printable form.
        place: String,
        /// Format number found.
        found: u8,
        /// Newest format number understood.
        known: u8,
    },
    /// The batch writes something that the store never takes. Nothing was changed; do not retry.
    #[error("the write at {place} is refused: {why}")]
    Refused {
        /// The key, in printable form.
        place: String,
        /// Problem of the entry.
        why: &'static str,
    },
    /// An expectation of the batch does not hold. Nothing was changed; read again and retry.
    #[error("another change came first at {place}")]
    Conflict {
        /// The key, in printable form.
        place: String,
    },
    /// An earlier failure, or a stop, closed the store for writes. Reads go on; restart to write again.
    #[error("the store takes no writes: {why}")]
    Closed {
        /// Failure that closed the store.
        why: String,
    },
    /// Another process has the directory open.
    #[error("{} is in use by another keyward process", dir.display())]
    Locked {
        /// The data directory.
        dir: PathBuf,
    },
    /// Acknowledged data is missing. Opening refused; `--recover` opens with the rest.
    #[error("acknowledged data is missing: {report}")]
    Missing {
        /// Expected and found state.
        report: String,
    },
    /// The process cannot promise durability, so it does not start.
    #[error("cannot promise durability: {why}")]
    NotDurable {
        /// Problem, in words.
        why: &'static str,
    },
    /// Commits after `after` are no longer remembered. Read everything again.
    #[error("changes after revision {} are no longer remembered", after.0)]
    Forgotten {
        /// The revision asked for.
        after: Revision,
    },
}
