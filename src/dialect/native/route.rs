//! Addresses of the API.

use percent_encoding::percent_decode_str;

use super::Refusal;
use crate::command::{CommandError, UserRef};
use crate::engine::EngineError;
use crate::key::{CompanyId, KeyId, KeyspaceName};

/// Target of a path.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Users,
    User(UserRef),
    Password(UserRef),
    Companies,
    Company(CompanyId),
    Keyspaces,
    Keyspace(KeyspaceName),
    Keys,
    Key(KeyId),
    KeyText(KeyId),
    KeyAction(KeyId, KeyAction),
    Verify,
    VerifyBatch,
    Own,
    Audit,
    AuditChain,
    Backup,
    Peppers,
    Clock,
    Import,
    Check,
}

/// Action on a key other than changing its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyAction {
    Suspend,
    Resume,
    Rotate,
    Revoke,
    Undelete,
}

impl Target {
    /// Reads a path as sent.
    pub(super) fn of(path: &str) -> Result<Self, Refusal> {
        let mut segments = path.strip_prefix("/v1/").unwrap_or_default().split('/');
        let parts = [segments.next(), segments.next(), segments.next(), segments.next()];
        match parts {
            [Some("users"), None, ..] => Ok(Self::Users),
            [Some("users"), Some(name), None, _] => user(name).map(Self::User),
            [Some("users"), Some(name), Some("password"), None] => user(name).map(Self::Password),
            [Some("companies"), None, ..] => Ok(Self::Companies),
            [Some("companies"), Some(id), None, _] => company(id).map(Self::Company),
            [Some("keyspaces"), None, ..] => Ok(Self::Keyspaces),
            [Some("keyspaces"), Some(name), None, _] => {
                name.parse().map(Self::Keyspace).map_err(|_| Refusal::NoSuchAddress)
            }
            [Some("audit"), None, ..] => Ok(Self::Audit),
            [Some("audit"), Some("verify"), None, _] => Ok(Self::AuditChain),
            [Some("backup"), None, ..] => Ok(Self::Backup),
            [Some("peppers"), None, ..] => Ok(Self::Peppers),
            [Some("clock"), Some("accept"), None, _] => Ok(Self::Clock),
            [Some("import"), None, ..] => Ok(Self::Import),
            [Some("keys"), Some(id), Some("text"), None] => key(id).map(Self::KeyText),
            [Some("keys"), None, ..] => Ok(Self::Keys),
            [Some("keys"), Some(id), None, _] => key(id).map(Self::Key),
            [Some("keys"), Some(id), Some(action), None] => {
                let action = match action {
                    "suspend" => KeyAction::Suspend,
                    "resume" => KeyAction::Resume,
                    "rotate" => KeyAction::Rotate,
                    "revoke" => KeyAction::Revoke,
                    "undelete" => KeyAction::Undelete,
                    _ => return Err(Refusal::NoSuchAddress),
                };
                key(id).map(|id| Self::KeyAction(id, action))
            }
            [Some("verify"), None, ..] => Ok(Self::Verify),
            [Some("verify"), Some("batch"), None, _] => Ok(Self::VerifyBatch),
            [Some("self"), None, ..] => Ok(Self::Own),
            [Some("check"), None, ..] => Ok(Self::Check),
            _ => Err(Refusal::NoSuchAddress),
        }
    }

    /// Whether it is about verifying, which has rules of its own.
    pub(super) const fn is_verifying(&self) -> bool {
        match self {
            Self::Verify | Self::VerifyBatch | Self::Own => true,
            Self::Users
            | Self::User(_)
            | Self::Password(_)
            | Self::Companies
            | Self::Company(_)
            | Self::Keyspaces
            | Self::Keyspace(_)
            | Self::Keys
            | Self::Key(_)
            | Self::KeyText(_)
            | Self::KeyAction(..)
            | Self::Audit
            | Self::AuditChain
            | Self::Backup
            | Self::Peppers
            | Self::Clock
            | Self::Import
            | Self::Check => false,
        }
    }

    /// Its methods, as the `Allow` header field lists them.
    pub(super) const fn methods(&self) -> &'static str {
        match self {
            Self::Users | Self::Companies | Self::Keys => "GET, HEAD, POST",
            Self::User(_) | Self::Company(_) | Self::Key(_) => "GET, HEAD, PATCH, DELETE",
            Self::Password(_) => "PUT",
            Self::Keyspaces
            | Self::Keyspace(_)
            | Self::KeyText(_)
            | Self::Audit
            | Self::Peppers
            | Self::Own => "GET, HEAD",
            Self::KeyAction(..)
            | Self::Verify
            | Self::VerifyBatch
            | Self::AuditChain
            | Self::Backup
            | Self::Clock
            | Self::Import
            | Self::Check => "POST",
        }
    }
}

fn user(segment: &str) -> Result<UserRef, Refusal> {
    let name = percent_decode_str(segment).decode_utf8().ok().and_then(|name| name.parse().ok());
    name.map(UserRef::Name).ok_or(Refusal::Command(CommandError::Engine(EngineError::NoSuchUser)))
}

fn company(segment: &str) -> Result<CompanyId, Refusal> {
    segment.parse().map_err(|_| Refusal::Command(CommandError::Engine(EngineError::NoSuchCompany)))
}

fn key(segment: &str) -> Result<KeyId, Refusal> {
    segment.parse().map_err(|_| Refusal::Command(CommandError::Engine(EngineError::NoSuchKey)))
}
