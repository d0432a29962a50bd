//! Kinds of engine errors, for dialects that document few errors.

use std::borrow::Cow;

use crate::engine::EngineError;
use crate::store::StoreError;

/// Kind of an engine error: what dialects and the console distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no such user.
    NoSuchUser,
    /// There is no such key.
    NoSuchKey,
    /// There is no such company.
    NoSuchCompany,
    /// Conflicts with the current state.
    Conflict,
    /// The request can never succeed.
    Invalid,
    /// The caller's rights do not suffice.
    Forbidden,
    /// Too many operations wait; the client tries again later.
    Busy {
        /// Seconds to wait.
        retry_after_seconds: u32,
    },
    /// The engine takes no changes, or the disk failed.
    Unavailable,
    /// The server failed.
    Broken,
}

/// Returns the text about `error` for a client: its own text, or for errors of the store or the system what they mean for
/// the client.
///
/// # Security
/// Contains no paths and no messages of the operating system.
pub fn client_message(error: &EngineError) -> Cow<'static, str> {
    let text = match error {
        EngineError::Store(StoreError::Conflict { .. }) => "another change came first",
        EngineError::Store(StoreError::Refused { .. }) => "this cannot be stored",
        EngineError::Store(StoreError::Closed { .. }) => "the server takes no changes",
        EngineError::Store(_)
        | EngineError::Seal(_)
        | EngineError::WrongSecret { .. }
        | EngineError::Entropy(_)
        | EngineError::Stopped => "the server failed",
        EngineError::NoSuchUser
        | EngineError::NoSuchKey
        | EngineError::NoSuchCompany
        | EngineError::CompanyExists
        | EngineError::CompanyNotEmpty
        | EngineError::CompanyAccount
        | EngineError::UsernameTaken
        | EngineError::EmailTaken
        | EngineError::BotNameTaken
        | EngineError::HasKey
        | EngineError::NoStagedRotation
        | EngineError::HasText
        | EngineError::TooManySchemes
        | EngineError::IdempotencyKeyReused
        | EngineError::LastAdministrator
        | EngineError::KeyRevoked
        | EngineError::Beyond { .. }
        | EngineError::Withheld { .. }
        | EngineError::IssuedFrom { .. }
        | EngineError::NoLongerGood
        | EngineError::NoAccess
        | EngineError::LostByDemotion
        | EngineError::TooManyLimits
        | EngineError::NoSuchKeyspace
        | EngineError::BotPassword
        | EngineError::ForBotsOnly
        | EngineError::ExpiryOutOfRange
        | EngineError::GraceTooLong
        | EngineError::Parse(_)
        | EngineError::Allowlist(_)
        | EngineError::OtherList
        | EngineError::Undecided { .. }
        | EngineError::Busy { .. } => return error.to_string().into(),
    };
    text.into()
}

impl ErrorKind {
    /// Returns the kind of `error`.
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
            | EngineError::BotNameTaken
            | EngineError::HasKey
            | EngineError::NoStagedRotation
            | EngineError::HasText
            | EngineError::TooManySchemes
            | EngineError::IdempotencyKeyReused
            | EngineError::LastAdministrator
            | EngineError::NoAccess
            | EngineError::LostByDemotion
            | EngineError::TooManyLimits
            | EngineError::KeyRevoked => Self::Conflict,
            EngineError::Beyond { .. }
            | EngineError::Withheld { .. }
            | EngineError::IssuedFrom { .. }
            | EngineError::NoLongerGood => Self::Forbidden,
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
            EngineError::Entropy(_) | EngineError::Stopped | EngineError::Undecided { .. } => {
                Self::Unavailable
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_read_what_is_about_their_request_and_nothing_of_the_store_or_the_system() {
        let why = || "/var/lib/keyward: os error 28".to_owned();
        for error in [
            StoreError::Io { what: "reading", source: std::io::Error::from_raw_os_error(28) },
            StoreError::Closed { why: why() },
            StoreError::Refused { place: why(), why: "too large" },
            StoreError::Conflict { place: why() },
            StoreError::Corrupt { place: why() },
        ] {
            let told = client_message(&EngineError::Store(error)).into_owned();
            assert!(!told.contains("os error") && !told.contains("/var"), "{told}");
        }
        assert_eq!(client_message(&EngineError::UsernameTaken), "the user name is taken");
    }
}
