//! Refusals, with the names and messages that clients know.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::command::{AuthenticateError, CommandError, ErrorKind};
use crate::dialect::denial::log_undecided;
use crate::engine::EngineError;
use crate::http::{Field, Index};
use crate::key::AccessLevel;
use crate::limits;
use crate::store::StoreError;
use crate::verify::DenyReason;

/// Why a request was not carried out. Printed as its stable name: an array that came may hold a key.
#[derive(Clone, PartialEq)]
pub enum Refusal {
    /// The path is next to the API.
    NoSuchPage,
    /// The path has a character that no address here has.
    DisallowedCharacter,
    /// The version has no version's form.
    InvalidVersion,
    /// Group or function is missing or has no name's form.
    InvalidEndpoint,
    /// The version is not served.
    VersionNotSupported,
    /// There is no such group or function.
    UnknownEndpoint,
    /// A field that is one value came as an array.
    ArrayField {
        /// The field.
        name: &'static str,
        /// What came; empty when it was large.
        array: Value,
    },
    /// Neither key nor login was given.
    NotAuthenticated,
    /// The key was denied, for whatever reason.
    KeyDenied,
    /// The login was refused.
    LoginFailed,
    /// The caller may not do this.
    LevelTooLow {
        /// What it takes.
        need: AccessLevel,
        /// What the caller has.
        have: AccessLevel,
    },
    /// A stored level is none of the known ones.
    UnknownStoredLevel,
    /// The level asked for is none of the three.
    InvalidAccessLevel,
    /// The comment is above 255 bytes.
    CommentTooLong,
    /// The comment is not text.
    CommentNotUtf8,
    /// No key of the caller has the text to delete.
    DeletionFailed,
    /// Too many logins are being checked.
    Busy {
        /// Seconds until the client may try again.
        retry_after_seconds: u32,
    },
    /// The key is used too often.
    RateLimited {
        /// Seconds until the client may try again.
        retry_after_seconds: u32,
    },
    /// No method of HTTP that a page may be asked with.
    MethodNotAllowed,
    /// The store takes no changes.
    Unavailable,
    /// The request could not be decided.
    Undecided,
}

impl Refusal {
    /// The HTTP status: filebin knows 400 only; the others are for what its clients have no word for.
    pub const fn status(&self) -> u16 {
        match self {
            Self::NoSuchPage => 404,
            Self::Busy { .. } | Self::RateLimited { .. } => 429,
            Self::Unavailable => 503,
            Self::MethodNotAllowed => 405,
            Self::DisallowedCharacter
            | Self::InvalidVersion
            | Self::InvalidEndpoint
            | Self::VersionNotSupported
            | Self::UnknownEndpoint
            | Self::ArrayField { .. }
            | Self::NotAuthenticated
            | Self::KeyDenied
            | Self::LoginFailed
            | Self::LevelTooLow { .. }
            | Self::UnknownStoredLevel
            | Self::InvalidAccessLevel
            | Self::CommentTooLong
            | Self::CommentNotUtf8
            | Self::DeletionFailed
            | Self::Undecided => 400,
        }
    }

    /// The stable name and the message. `site_url` ends in a slash.
    pub fn describe(&self, site_url: &str) -> (&'static str, Cow<'static, str>) {
        let (id, message) = match self {
            Self::NoSuchPage => ("page-not-found", "There is no such page."),
            Self::DisallowedCharacter => {
                ("disallowed-character", "The address has a character that is not allowed.")
            }
            Self::InvalidVersion => ("api/invalid-version", "Invalid API version requested"),
            Self::InvalidEndpoint => ("api/invalid-endpoint", "Invalid endpoint requested"),
            Self::VersionNotSupported => {
                ("api/version-not-supported", "Requested API version is not supported")
            }
            Self::UnknownEndpoint => ("api/unknown-endpoint", "Unknown endpoint requested"),
            Self::ArrayField { name, .. } => {
                return ("input/invalid-form-field", format!("Invalid input in field {name}").into());
            }
            Self::NotAuthenticated => {
                let message = format!(
                    "Not authenticated. FileBin requires you to have an account, please go to the homepage at \
                     {site_url} for more information."
                );
                return ("api/not-authenticated", message.into());
            }
            Self::KeyDenied => ("user/api-login-failed", "API key login failed"),
            Self::LoginFailed => ("user/login-failed", "Login failed"),
            Self::LevelTooLow { need, have } => {
                let message = format!("Access denied: Access level too low. Required: {need}; Have: {have}");
                return ("api/insufficient-permissions", message.into());
            }
            Self::UnknownStoredLevel => ("api/invalid-accesslevel", "Failed to determine access level"),
            Self::InvalidAccessLevel => {
                ("user/validation/access_level/invalid", "Invalid access levels requested.")
            }
            Self::CommentTooLong => {
                ("user/validation/comment/too-long", "Comment may only be 255 chars long.")
            }
            Self::CommentNotUtf8 => ("user/validation/comment/invalid-utf8", "Comment has to be UTF-8 text."),
            Self::DeletionFailed => {
                ("user/delete_apikey/failed", "Apikey deletion failed. Possibly wrong owner.")
            }
            Self::Busy { .. } => ("api/too-many-logins", "Too many logins at once, please try again soon."),
            Self::RateLimited { .. } => {
                ("api/rate-limited", "The key is used too often, please try again later.")
            }
            Self::MethodNotAllowed => ("api/method-not-allowed", "The address does not take this method"),
            Self::Unavailable | Self::Undecided => {
                ("internal-error", "An unhandled internal server error occured")
            }
        };
        (id, message.into())
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, _) = self.describe("");
        f.debug_tuple("Refusal").field(&id).finish()
    }
}

impl Refusal {
    /// Why a key was not taken. That too many wait for their turn is no login's matter here.
    pub(super) fn of_key(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Undecided(error @ EngineError::Busy { .. }) => {
                log_undecided("filebin", &error);
                Self::Unavailable
            }
            error @ (AuthenticateError::Key(_)
            | AuthenticateError::Password
            | AuthenticateError::NotActive(_)
            | AuthenticateError::Undecided(_)) => Self::from(error),
        }
    }
}

impl From<AuthenticateError> for Refusal {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Key(reason) => Self::from(reason),
            AuthenticateError::Password | AuthenticateError::NotActive(_) => Self::LoginFailed,
            AuthenticateError::Undecided(error) => Self::from(error),
        }
    }
}

impl From<DenyReason> for Refusal {
    fn from(reason: DenyReason) -> Self {
        tracing::debug!(reason = reason.code(), "filebin: key denied");
        match reason {
            DenyReason::Malformed
            | DenyReason::Unknown
            | DenyReason::WrongKeyspace
            | DenyReason::Suspended
            | DenyReason::Revoked
            | DenyReason::RotatedOut
            | DenyReason::OwnerGone
            | DenyReason::OwnerNotActive
            | DenyReason::Expired
            | DenyReason::AddressNotAllowed
            | DenyReason::NoSuchLimit => Self::KeyDenied,
            DenyReason::LevelTooLow { have } => {
                Self::LevelTooLow { need: AccessLevel::Full, have: AccessLevel::of(have) }
            }
            DenyReason::RateLimited { retry_ms, .. } => {
                let seconds = retry_ms.map_or(u64::MAX, |ms| ms.div_ceil(1_000));
                Self::RateLimited { retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
            }
        }
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::LevelTooLow { need, have }
            | CommandError::LevelAboveOwn { asked: need, cap: have } => {
                Self::LevelTooLow { need: AccessLevel::of(need), have: AccessLevel::of(have) }
            }
            // No call adds users or sets passwords, and the dialect does not find keys of other companies.
            CommandError::OutsideCompany | CommandError::PasswordNeeded | CommandError::KeyTooNarrow => {
                Self::KeyDenied
            }
            CommandError::NotYours => Self::DeletionFailed,
            CommandError::Engine(error) => Self::from(error),
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let refusal = match ErrorKind::of(&error) {
            // Only a deletion names a key.
            ErrorKind::NoSuchKey => return Self::DeletionFailed,
            // The only user that is named is the caller, removed a moment ago with all keys.
            ErrorKind::NoSuchUser => return Self::KeyDenied,
            ErrorKind::Forbidden if matches!(error, EngineError::NoLongerGood) => return Self::KeyDenied,
            ErrorKind::Forbidden => return Self::DeletionFailed,
            ErrorKind::Busy { retry_after_seconds } => return Self::Busy { retry_after_seconds },
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Broken if matches!(error, EngineError::Store(StoreError::UnknownLevel { .. })) => {
                Self::UnknownStoredLevel
            }
            ErrorKind::Broken | ErrorKind::NoSuchCompany | ErrorKind::Conflict | ErrorKind::Invalid => {
                Self::Undecided
            }
        };
        tracing::error!(%error, "filebin: request not carried out");
        refusal
    }
}

/// An array of a form as PHP shows it in JSON; empty when it is so large that the answer would be a burden.
pub(super) fn shown_array(array: &BTreeMap<Index, Field>) -> Value {
    if bytes(array) > limits::FORM_ARRAY_SHOWN_BYTES_MAX {
        Value::Array(Vec::new())
    } else {
        array_as_json(array)
    }
}

/// Bytes of all names and values, and one for each.
fn bytes(array: &BTreeMap<Index, Field>) -> usize {
    let name = |index: &Index| match index {
        Index::Number(_) => 0,
        Index::Name(name) => name.len(),
    };
    let value = |field: &Field| match field {
        Field::Text(text) => text.len(),
        Field::Array(inner) => bytes(inner),
    };
    array.iter().map(|(index, field)| name(index) + value(field) + 1).sum()
}

/// A list when the indexes count from 0, an object otherwise.
fn array_as_json(array: &BTreeMap<Index, Field>) -> Value {
    let json = |field: &Field| match field {
        Field::Text(text) => String::from_utf8_lossy(text).into(),
        Field::Array(inner) => array_as_json(inner),
    };
    if array.keys().cloned().eq((0..).map(Index::Number).take(array.len())) {
        return array.values().map(json).collect();
    }
    let name = |index: &Index| match index {
        Index::Number(number) => number.to_string(),
        Index::Name(name) => String::from_utf8_lossy(name).into_owned(),
    };
    array.iter().map(|(index, field)| (name(index), json(field))).collect()
}
