//! How a run ends.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::cli::terminal::output::note;
use crate::command::CommandError;
use crate::config::SecretFileError;
use crate::engine::EngineError;
use crate::entropy::EntropyError;
use crate::store::StoreError;

/// Exit codes; `--help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Denied = 4,
    Data = 5,
    /// As the shell says of a program that wrote to a pipe without a reader.
    Unread = 141,
}

/// The part of `--help` about exit codes.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done; `key verify`: the key is good
  1  refused or failed
  2  wrong usage
  3  no such user or key
  4  `key verify`: the key was denied
  5  the data could not be opened: in use, missing, damaged, or under another secret";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a run ends early: one line for a person, saying what to do.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    message: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// One that nobody need be told of.
    pub(super) const fn quiet(exit: Exit) -> Self {
        Self { exit, message: String::new() }
    }

    /// Says it on standard error, if there is anything to say.
    pub(super) fn tell(&self) {
        if !self.message.is_empty() {
            note(&format!("keyward: {self}"));
        }
    }

    /// What the system could not do.
    pub(super) fn system(what: &str, error: &io::Error) -> Self {
        Self::new(Exit::Failed, format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let advice = match &error {
            StoreError::Locked { .. } => {
                "; stop it, try again if it is just starting, or give another directory with --data"
            }
            StoreError::Missing { .. } => {
                "; restore a backup, make again with `keyward check --repair` what follows from records, or go on with what \
                 is left with `keyward serve --recover`"
            }
            StoreError::NewerFormat { .. } => "; use that version",
            StoreError::Corrupt { .. } | StoreError::UnknownLevel { .. } => {
                "; restore a backup, or see what `keyward check --repair` can make again"
            }
            StoreError::Io { .. } => "; see that the directory is writable and the disk has room",
            StoreError::Refused { .. }
            | StoreError::Conflict { .. }
            | StoreError::Closed { .. }
            | StoreError::NotDurable { .. }
            | StoreError::Forgotten { .. } => "",
        };
        Self::new(Exit::Data, format!("{error}{advice}"))
    }
}

impl From<SecretFileError> for Failure {
    fn from(error: SecretFileError) -> Self {
        Self::new(Exit::Data, error.to_string())
    }
}

impl From<EntropyError> for Failure {
    fn from(error: EntropyError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::WrongSecret { .. } => {
                Self::new(Exit::Data, format!("{error}; give the one it was made with by --secret-file"))
            }
            other => Self::new(Exit::Failed, other.to_string()),
        }
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Engine(error) => error.into(),
            other => Self::new(Exit::Failed, other.to_string()),
        }
    }
}
