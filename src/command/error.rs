//! Why a command was not carried out.

use thiserror::Error;

use crate::engine::EngineError;
use crate::key::Level;

/// A command was not carried out; nothing was changed, unless the engine's error says it may have been.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The caller's level is too low, whatever the command is about.
    #[error("level {need} is needed; have {have}")]
    LevelTooLow {
        /// The level the command needs.
        need: Level,
        /// The caller's level.
        have: Level,
    },
    /// A key would get a level above its creator's.
    #[error("level {asked} is above {cap}, the highest you may give")]
    LevelAboveOwn {
        /// The level asked for.
        asked: Level,
        /// The highest the caller may give.
        cap: Level,
    },
    /// The key is there, but the caller may not act on it. Told apart from [`EngineError::NoSuchKey`] for the dialects
    /// that document it; its words are the same.
    #[error("no such key")]
    NotYours,
    /// The caller is a bot of a company, which reaches nothing outside it.
    #[error("a bot of a company reaches nothing outside it")]
    OutsideCompany,
    /// A session or a token sets no password of its own person: the present password has to come with the request.
    #[error("the current password is needed")]
    PasswordNeeded,
    /// A password would outlive the key that sets it, or be good from more places or more often.
    #[error("a key with an end, an allowlist or rate limits sets no passwords")]
    KeyTooNarrow,
    /// The engine refused or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
