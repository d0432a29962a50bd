//! What kind of failure an engine's error is, for those who have few words for it.

use std::borrow::Cow;

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
    /// The caller may not give or undo that much.
    Forbidden,
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

/// What a client may read about `error`: its own text, or, where that is about the store or the system, what follows
/// for the client.
pub fn told(error: &EngineError) -> Cow<'static, str> {
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
        | EngineError::NothingProposed
        | EngineError::HasText
        | EngineError::TooManySchemes
        | EngineError::RepeatedOtherwise
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
            | EngineError::BotNameTaken
            | EngineError::HasKey
            | EngineError::NothingProposed
            | EngineError::HasText
            | EngineError::TooManySchemes
            | EngineError::RepeatedOtherwise
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
            let told = told(&EngineError::Store(error)).into_owned();
            assert!(!told.contains("os error") && !told.contains("/var"), "{told}");
        }
        assert_eq!(told(&EngineError::UsernameTaken), "the user name is taken");
    }
}
