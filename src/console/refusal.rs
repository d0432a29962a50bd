//! Refusals: reasons why a page is not shown or a form changed nothing.

use crate::command::{CommandError, ErrorKind, client_message};
use crate::console::form::Problem;
use crate::console::parts::text::capitalized;
use crate::engine::{EngineError, Right};

/// Refusal of a request, as a page shows it.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The request has no session: redirect to the login page.
    LogIn,
    /// The user may not see or do it, or it does not exist. Both look the same, so that existence is not revealed.
    Forbidden,
    /// There is no such page.
    NotFound,
    /// The page has no such method.
    MethodNotAllowed,
    /// The form did not come from a page of this session.
    ForeignForm,
    /// The request was not understood.
    BadRequest,
    /// The body is larger than any form.
    TooLarge,
    /// The form has an invalid value, or conflicts with the stored state.
    Invalid {
        /// Whether it conflicts with the stored state.
        conflict: bool,
        /// Problem to show.
        problem: Problem,
    },
    /// Too many requests are waiting.
    Busy {
        /// Seconds until the next try, if known.
        retry_after_seconds: Option<u32>,
    },
    /// The server accepts no changes now.
    Unavailable,
    /// Error of the server.
    Broken,
}

impl Refusal {
    pub(super) const fn status(&self) -> u16 {
        match self {
            Self::LogIn => 303,
            Self::BadRequest | Self::Invalid { conflict: false, .. } => 400,
            Self::Forbidden | Self::ForeignForm => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Invalid { conflict: true, .. } => 409,
            Self::TooLarge => 413,
            Self::Busy { .. } | Self::Unavailable => 503,
            Self::Broken => 500,
        }
    }

    /// Problem of a field, if it has one.
    pub(super) fn about(&self, field: &str) -> Option<&Problem> {
        match self {
            Self::Invalid { problem, .. } => Some(problem).filter(|problem| problem.field == Some(field)),
            _ => None,
        }
    }

    /// Whether the page of the form shows it and keeps the typed values.
    pub(super) const fn is_about_form(&self) -> bool {
        matches!(self, Self::Invalid { .. } | Self::Busy { .. })
    }

    /// Heading and sentence for the person.
    pub(super) fn words(&self) -> (&'static str, String) {
        let (heading, text) = match self {
            Self::LogIn => ("Log in", "Log in to see this page."),
            Self::Forbidden => ("Not yours to see", "This page does not exist, or you may not see it."),
            Self::NotFound => ("Not found", "There is no such page."),
            Self::MethodNotAllowed => ("Not that way", "This page cannot be asked for in that way."),
            Self::ForeignForm => (
                "Nothing was changed",
                "The form did not come from a page of this session, or the session is over. Go back, load the page \
                 again and send the form once more.",
            ),
            Self::BadRequest => ("Not understood", "The server did not understand this request."),
            Self::TooLarge => ("Too large", "The form is larger than the server takes."),
            Self::Invalid { problem, .. } => return ("Nothing was changed", problem.text.clone()),
            Self::Busy { retry_after_seconds: Some(seconds) } => {
                return ("Wait a moment", format!("Too many tries. Try again in {seconds} seconds."));
            }
            Self::Busy { retry_after_seconds: None } => {
                ("Wait a moment", "Too many requests are waiting. Try again soon.")
            }
            Self::Unavailable => (
                "No changes now",
                "The server takes no changes at the moment; keys go on verifying. Its log says why.",
            ),
            Self::Broken => ("Something is wrong", "The server could not answer. Its log says why."),
        };
        (heading, text.to_owned())
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Invalid { conflict: false, problem }
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        let text = || {
            let text = match &error {
                CommandError::Engine(engine) => client_message(engine).into_owned(),
                refused => refused.to_string(),
            };
            format!("{}.", capitalized(text))
        };
        match &error {
            CommandError::LevelTooLow { .. }
            | CommandError::NotYours
            | CommandError::OutsideCompany
            | CommandError::KeyTooNarrow => Self::Forbidden,
            CommandError::PasswordNeeded => Problem { field: Some("current_password"), text: text() }.into(),
            CommandError::LevelAboveOwn { .. } => Problem { field: Some("level"), text: text() }.into(),
            CommandError::Engine(engine) => match ErrorKind::of(engine) {
                ErrorKind::NoSuchUser | ErrorKind::NoSuchKey | ErrorKind::NoSuchCompany => Self::Forbidden,
                ErrorKind::Conflict => {
                    Self::Invalid { conflict: true, problem: Problem { field: field(engine), text: text() } }
                }
                ErrorKind::Invalid | ErrorKind::Forbidden => {
                    Problem { field: field(engine), text: text() }.into()
                }
                ErrorKind::Busy { retry_after_seconds } => {
                    Self::Busy { retry_after_seconds: Some(retry_after_seconds) }
                }
                ErrorKind::Unavailable => Self::Unavailable,
                ErrorKind::Broken => {
                    tracing::error!(%error, "a page could not be made");
                    Self::Broken
                }
            },
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        CommandError::Engine(error).into()
    }
}

/// Name of the form field that the error is about.
const fn field(error: &EngineError) -> Option<&'static str> {
    match error {
        EngineError::UsernameTaken => Some("username"),
        EngineError::EmailTaken => Some("email"),
        EngineError::BotNameTaken => Some("name"),
        EngineError::ExpiryOutOfRange => Some("expires"),
        EngineError::GraceTooLong => Some("grace"),
        EngineError::BotPassword => Some("password"),
        EngineError::Beyond { right, .. } | EngineError::Withheld { right, .. } => match right {
            Right::Level => Some("level"),
            Right::Allowlist => Some("allowlist"),
            Right::Expiry => Some("expires"),
            Right::State | Right::RateLimits | Right::Existence | Right::ApiAccess => None,
        },
        _ => None,
    }
}
