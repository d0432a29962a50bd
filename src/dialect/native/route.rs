//! Addresses of the API.

use percent_encoding::percent_decode_str;

use super::{KeyId, Problem, UserRef};
use crate::command::CommandError;
use crate::engine::EngineError;

/// What a path names.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Users,
    User(UserRef),
    Password(UserRef),
    Keys,
    Key(KeyId),
    KeyAction(KeyId, KeyAction),
    Verify,
    VerifyBatch,
    Own,
    Check,
}

/// What can be done to a key beside changing its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyAction {
    Suspend,
    Resume,
    Rotate,
    Revoke,
}

impl Target {
    /// Reads a path as sent.
    pub(super) fn of(path: &str) -> Result<Self, Problem> {
        let mut segments = path.strip_prefix("/v1/").unwrap_or_default().split('/');
        let parts = [segments.next(), segments.next(), segments.next(), segments.next()];
        match parts {
            [Some("users"), None, ..] => Ok(Self::Users),
            [Some("users"), Some(name), None, _] => user(name).map(Self::User),
            [Some("users"), Some(name), Some("password"), None] => user(name).map(Self::Password),
            [Some("keys"), None, ..] => Ok(Self::Keys),
            [Some("keys"), Some(id), None, _] => key(id).map(Self::Key),
            [Some("keys"), Some(id), Some(action), None] => {
                let action = match action {
                    "suspend" => KeyAction::Suspend,
                    "resume" => KeyAction::Resume,
                    "rotate" => KeyAction::Rotate,
                    "revoke" => KeyAction::Revoke,
                    _ => return Err(Problem::NoSuchAddress),
                };
                key(id).map(|id| Self::KeyAction(id, action))
            }
            [Some("verify"), None, ..] => Ok(Self::Verify),
            [Some("verify"), Some("batch"), None, _] => Ok(Self::VerifyBatch),
            [Some("self"), None, ..] => Ok(Self::Own),
            [Some("check"), None, ..] => Ok(Self::Check),
            _ => Err(Problem::NoSuchAddress),
        }
    }

    /// Whether it is for others than the machine's owner, too.
    pub(super) const fn is_public(&self) -> bool {
        match self {
            Self::Verify | Self::VerifyBatch | Self::Own => true,
            Self::Users
            | Self::User(_)
            | Self::Password(_)
            | Self::Keys
            | Self::Key(_)
            | Self::KeyAction(..)
            | Self::Check => false,
        }
    }

    /// Its methods, as the `Allow` header field lists them.
    pub(super) const fn methods(&self) -> &'static str {
        match self {
            Self::Users | Self::Keys => "GET, HEAD, POST",
            Self::User(_) | Self::Key(_) => "GET, HEAD, PATCH, DELETE",
            Self::Password(_) => "PUT",
            Self::Own => "GET, HEAD",
            Self::KeyAction(..) | Self::Verify | Self::VerifyBatch | Self::Check => "POST",
        }
    }
}

fn user(segment: &str) -> Result<UserRef, Problem> {
    let name = percent_decode_str(segment).decode_utf8().ok().and_then(|name| name.parse().ok());
    name.map(UserRef::Name).ok_or(Problem::Command(CommandError::Engine(EngineError::NoSuchUser)))
}

fn key(segment: &str) -> Result<KeyId, Problem> {
    segment.parse().map_err(|_| Problem::Command(CommandError::Engine(EngineError::NoSuchKey)))
}
