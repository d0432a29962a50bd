//! Errors of commands.

use thiserror::Error;

use crate::engine::EngineError;
use crate::key::Level;

/// A command was not carried out. Nothing was changed, unless the engine's error says that it may have been.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The caller's level is too low for the command on any target.
    #[error("level {need} is needed; have {have}")]
    LevelTooLow {
        /// Level that the command needs.
        need: Level,
        /// Level of the caller.
        have: Level,
    },
    /// A key would get a level above the caller's.
    #[error("level {asked} is above {cap}, the highest you may give")]
    LevelAboveOwn {
        /// Requested level.
        asked: Level,
        /// Highest level that the caller may give.
        cap: Level,
    },
    /// The key exists, but the caller may not act on it. Dialects answer as for [`EngineError::NoSuchKey`], except those that
    /// document the difference, as FreeSewing does; the text of the error is the same.
    #[error("no such key")]
    NotYours,
    /// The caller is a bot of a company, and the target is outside that company.
    #[error("a bot of a company reaches nothing outside it")]
    OutsideCompany,
    /// A session or a token cannot set its own person's password: the current password must come with the request.
    #[error("the current password is needed")]
    PasswordNeeded,
    /// The presented key has an expiry, an allowlist or rate limits, so a password would allow more than the key does.
    #[error("a key with an end, an allowlist or rate limits sets no passwords")]
    KeyTooNarrow,
    /// The engine refused the operation or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
