//! Exit codes and errors of the command line.

use std::fmt;
use std::io;
use std::process::ExitCode;

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
    /// Code that shells give for SIGPIPE: the output had no reader any more.
    Unread = 141,
}

/// The part of `--help` about exit codes.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done; `key verify`: the key is valid
  1  refused or failed
  2  wrong usage
  3  no such user or key
  4  `key verify`: the key was denied
  5  the data could not be opened: in use, missing, damaged, or made with another secret file";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Error of a command: an exit code, and one line that tells the caller what to do.
#[derive(Debug)]
pub(super) struct CliError {
    pub(super) exit: Exit,
    message: String,
}

impl CliError {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Error without a message.
    pub(super) const fn quiet(exit: Exit) -> Self {
        Self { exit, message: String::new() }
    }

    /// Whether there is no message to print.
    pub(super) const fn is_quiet(&self) -> bool {
        self.message.is_empty()
    }

    /// Wrong usage, as `error` describes it.
    pub(super) fn usage(error: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }

    /// Error of the operating system.
    pub(super) fn system(what: &str, error: &io::Error) -> Self {
        Self::new(Exit::Failed, format!("{what}: {error}"))
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let advice = match &error {
            StoreError::Locked { .. } => {
                "; stop it, try again if it is just starting, or give another directory with --data"
            }
            StoreError::Missing { .. } => {
                "; restore a backup, rebuild the store from its records with `keyward check --repair`, or start without the missing \
                 data with `keyward serve --recover`"
            }
            StoreError::NewerFormat { .. } => "; use that version",
            StoreError::Corrupt { .. } | StoreError::UnknownLevel { .. } => {
                "; restore a backup, or rebuild the store with `keyward check --repair`"
            }
            StoreError::Io { .. } => "; check that the directory is writable and the disk has free space",
            StoreError::Refused { .. }
            | StoreError::Conflict { .. }
            | StoreError::Closed { .. }
            | StoreError::NotDurable { .. }
            | StoreError::Forgotten { .. } => "",
        };
        Self::new(Exit::Data, format!("{error}{advice}"))
    }
}

impl From<SecretFileError> for CliError {
    fn from(error: SecretFileError) -> Self {
        Self::new(Exit::Data, error.to_string())
    }
}

impl From<EntropyError> for CliError {
    fn from(error: EntropyError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::WrongSecret { .. } => Self::new(
                Exit::Data,
                format!("{error}; name the secret file of this store with --secret-file"),
            ),
            other => Self::new(Exit::Failed, other.to_string()),
        }
    }
}

impl From<CommandError> for CliError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Engine(error) => error.into(),
            other => Self::new(Exit::Failed, other.to_string()),
        }
    }
}
