//! What kind of failure an engine's error is, for those who have few words for it.

use crate::engine::EngineError;
use crate::store::StoreError;

/// The kinds of failure that dialects and the console tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such user.
    NoSuchUser,
    /// There is no such key.
    NoSuchKey,
    /// There is no such company.
    NoSuchCompany,
    /// It does not go with what there is.
    Conflict,
    /// What was asked for can never be.
    Invalid,
    /// Too much is waiting. Come back later.
    Busy {
        /// When.
        retry_after_seconds: u32,
    },
    /// No changes are taken, or the disk failed.
    Unavailable,
    /// The server is at fault.
    Broken,
}

impl Fault {
    /// The kind of `error`.
    pub const fn of(error: &EngineError) -> Self {
        match error {
            EngineError::NoSuchUser => Self::NoSuchUser,
            EngineError::NoSuchKey => Self::NoSuchKey,
            EngineError::NoSuchCompany => Self::NoSuchCompany,
            EngineError::CompanyExists
            | EngineError::CompanyNotEmpty
            | EngineError::CompanyAccount
            | EngineError::UsernameTaken
            | EngineError::EmailTaken
            | EngineError::HasKey
            | EngineError::NothingProposed
            | EngineError::HasText
            | EngineError::TooManySchemes
            | EngineError::RepeatedOtherwise
            | EngineError::LastAdministrator
            | EngineError::KeyRevoked => Self::Conflict,
            EngineError::NoSuchKeyspace
            | EngineError::BotPassword
            | EngineError::ForBotsOnly
            | EngineError::ExpiryOutOfRange
            | EngineError::GraceTooLong
            | EngineError::OtherList
            | EngineError::Parse(_)
            | EngineError::Allowlist(_) => Self::Invalid,
            EngineError::Busy { retry_after_seconds } => {
                Self::Busy { retry_after_seconds: *retry_after_seconds }
            }
            EngineError::Seal(_) | EngineError::WrongSecret { .. } => Self::Broken,
            EngineError::Entropy(_) | EngineError::Stopped => Self::Unavailable,
            EngineError::Store(error) => Self::of_store(error),
        }
    }

    const fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::Io { .. } | StoreError::Closed { .. } | StoreError::Locked { .. } => {
                Self::Unavailable
            }
            StoreError::Conflict { .. } => Self::Conflict,
            StoreError::Refused { .. } => Self::Invalid,
            StoreError::UnknownLevel { .. }
            | StoreError::Corrupt { .. }
            | StoreError::NewerFormat { .. }
            | StoreError::Missing { .. }
            | StoreError::NotDurable { .. }
            | StoreError::Forgotten { .. } => Self::Broken,
        }
    }
}
