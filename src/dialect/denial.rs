//! Denials of keys as clients may see them, in the words of RFC 6750 and RFC 9457.

use std::borrow::Cow;

use crate::command::AuthenticateError;
use crate::engine::EngineError;
use crate::http::{Basic, Head, Presented, TwoKeys, presented};
use crate::key::{InQuery, KeyFormat, Keyspace, Level, Quota};
use crate::verify::DenyReason;

/// A denial as clients see it. Every fault of a key itself gives the same answer, to the byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// No key was presented.
    NoKey,
    /// Two were, and they differ.
    TwoKeys,
    /// The key is not good here and now.
    InvalidKey,
    /// The credential is valid, but not for this request.
    LevelTooLow { need: Level },
    /// The key is over one of its rate limits.
    RateLimited { quota: Quota, retry_ms: Option<u64> },
    /// The key has no rate limit with the requested name.
    NoSuchLimit,
}

/// Why a caller could not be authenticated, as far as most dialects tell reasons apart.
#[derive(Debug)]
pub(super) enum Unproven {
    /// The credential is not valid here and now.
    Refused,
    /// The credential is valid, but not for this request.
    LevelTooLow,
    /// The key is over one of its rate limits.
    RateLimited {
        /// Seconds until the client may try again; `None` for never.
        retry_after_seconds: Option<u64>,
    },
    /// Undecided: 503, for every reason.
    Undecided,
}

impl Unproven {
    /// The part of `error` that a client may see. The reason is logged with the name of the dialect.
    pub(super) fn of(dialect: &'static str, error: AuthenticateError) -> Self {
        let reason = match error {
            AuthenticateError::Key(reason) => reason,
            AuthenticateError::Password | AuthenticateError::NotActive(_) => return Self::Refused,
            AuthenticateError::Undecided(error) => {
                log_undecided(dialect, &error);
                return Self::Undecided;
            }
        };
        tracing::debug!(dialect, reason = reason.code(), "key denied");
        let denial = Denial::of(reason, Level::AUTHENTICATE);
        match denial {
            // The last never happens: a caller that authenticates names no limit.
            Denial::NoKey | Denial::TwoKeys | Denial::InvalidKey | Denial::NoSuchLimit => Self::Refused,
            Denial::LevelTooLow { .. } => Self::LevelTooLow,
            Denial::RateLimited { .. } => Self::RateLimited { retry_after_seconds: denial.retry_after() },
        }
    }
}

/// Logs why a key could not be judged; clients do not see the reason. Too many waiting requests are no fault, and as
/// frequent as clients choose.
pub(super) fn log_undecided(dialect: &'static str, error: &EngineError) {
    if matches!(error, EngineError::Busy { .. } | EngineError::Undecided { .. }) {
        tracing::debug!(dialect, %error, "a key could not be decided about");
    } else {
        tracing::error!(dialect, %error, "a key could not be decided about");
    }
}

/// The challenge to a request without a key, which has no error to name (RFC 6750 §3.1).
pub(super) const CHALLENGE: &str = r#"Bearer realm="keyward""#;

impl Denial {
    /// The part of `reason` that a client may see, for a use that needs the level `need`.
    pub(super) const fn of(reason: DenyReason, need: Level) -> Self {
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
            | DenyReason::AddressNotAllowed => Self::InvalidKey,
            DenyReason::LevelTooLow { .. } => Self::LevelTooLow { need },
            DenyReason::RateLimited { quota, retry_ms } => Self::RateLimited { quota, retry_ms },
            DenyReason::NoSuchLimit => Self::NoSuchLimit,
        }
    }

    /// The status that says so.
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::NoKey | Self::InvalidKey => 401,
            Self::TwoKeys => 400,
            Self::LevelTooLow { .. } | Self::NoSuchLimit => 403,
            Self::RateLimited { .. } => 429,
        }
    }

    /// A stable name for machines.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::TwoKeys => "invalid_request",
            Self::InvalidKey => "invalid_token",
            Self::LevelTooLow { .. } => "insufficient_scope",
            Self::RateLimited { .. } => "rate_limited",
            Self::NoSuchLimit => "no_such_limit",
        }
    }

    /// A sentence for people.
    pub(super) const fn detail(self) -> &'static str {
        match self {
            Self::NoKey => "a key is needed",
            Self::TwoKeys => "two different keys are presented",
            Self::InvalidKey => "the key is not valid here and now",
            Self::LevelTooLow { .. } => "the key may not do this",
            Self::RateLimited { .. } => "the key was used too often",
            Self::NoSuchLimit => "the key has no rate limit of this name",
        }
    }

    /// The value of `WWW-Authenticate`, where there is one.
    pub(super) fn challenge(self) -> Option<Cow<'static, str>> {
        match self {
            Self::NoKey => Some(CHALLENGE.into()),
            Self::TwoKeys => Some(r#"Bearer realm="keyward", error="invalid_request""#.into()),
            Self::InvalidKey => Some(r#"Bearer realm="keyward", error="invalid_token""#.into()),
            Self::LevelTooLow { need } => {
                let scope = need.permission();
                Some(format!(r#"{CHALLENGE}, error="insufficient_scope", scope="{scope}""#).into())
            }
            Self::RateLimited { .. } | Self::NoSuchLimit => None,
        }
    }

    /// Seconds after which to try again, where that can help.
    pub(super) fn retry_after(self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_ms, .. } => retry_ms.map(|ms| ms.div_ceil(1_000).max(1)),
            Self::NoKey | Self::TwoKeys | Self::InvalidKey | Self::LevelTooLow { .. } | Self::NoSuchLimit => {
                None
            }
        }
    }

    /// The body that says so.
    pub(super) fn problem(self) -> Vec<u8> {
        let (status, code, detail) = (self.status(), self.code(), self.detail());
        let title = title(status);
        // No character of these texts needs an escape.
        let body = format!(
            r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}","code":"{code}"}}"#
        );
        body.into_bytes()
    }
}

/// The name HTTP gives a status, as RFC 9457 §4.2.1 asks of problems without a type of their own.
pub(super) const fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

/// The key that a request presents for `keyspace`: in its header fields, and in `queries` where the keyspace allows.
///
/// # Errors
/// [`TwoKeys`] when it presents two that differ.
pub(super) fn key_for<'a>(
    keyspace: &Keyspace,
    head: &Head<'a>,
    queries: impl IntoIterator<Item = &'a str>,
) -> Result<Option<Presented<'a>>, TwoKeys> {
    let basic = match keyspace.format() {
        KeyFormat::FreeSewing => Basic::Whole,
        KeyFormat::Filebin
        | KeyFormat::QReserve
        | KeyFormat::TelVue
        | KeyFormat::BokaMera
        | KeyFormat::Native => Basic::User,
    };
    match keyspace.in_query() {
        InQuery::Taken => presented(head, basic, queries),
        InQuery::Refused => presented(head, basic, []),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_decided_is_no_login_that_has_to_wait() {
        for error in [EngineError::Busy { retry_after_seconds: 2 }, EngineError::Stopped] {
            let unproven = Unproven::of("test", AuthenticateError::Undecided(error));
            assert!(matches!(unproven, Unproven::Undecided), "{unproven:?}");
        }
    }
}
