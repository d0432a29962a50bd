//! Requests, as far as they can be read without the engine.

use zeroize::Zeroizing;

use super::Refusal;
use super::path::{self, Endpoint};
use super::refusal::shown_array;
use crate::http::{Field, Form, RawRequest};
use crate::key::{AccessLevel, Comment, KeyFormat, Password, UncheckedKey};
use crate::limits;

/// A request that reached an endpoint. Never printed: it may hold a key.
pub struct Request {
    pub(super) login: Option<Login>,
    /// The presented key, if the field is there at all.
    pub(super) key: Option<Zeroizing<String>>,
    /// Judged only after the caller is known and may do it.
    pub(super) action: Result<Action, Refusal>,
}

/// User name and password, both given.
pub(super) struct Login {
    /// Wiped, since people type passwords into the wrong field.
    pub(super) username: Zeroizing<String>,
    /// `None` when it is too long to be a password.
    pub(super) password: Option<Password>,
}

/// Action of an endpoint.
pub(super) enum Action {
    List,
    Create { level: AccessLevel, comment: Comment },
    Delete { key: UncheckedKey },
}

/// Reads a request.
///
/// # Errors
/// The [`Refusal`] of a request that is wrong for every caller.
pub fn decode(request: &RawRequest) -> Result<Request, Refusal> {
    let segments = path::below_api(&request.path)?;
    // No method is refused, but only POST has fields.
    let form = if request.method == "POST" { Form::read(request) } else { Form::default() };
    let key = text(&form, "apikey")?.map(|key| lossy(trimmed(key)));
    Ok(match path::endpoint(segments)? {
        Endpoint::List => Request { login: None, key, action: Ok(Action::List) },
        Endpoint::Create => Request { login: login(&form)?, key, action: create(&form) },
        Endpoint::Delete => Request { login: None, key, action: delete(&form) },
    })
}

/// The value of a field; `None` when it is absent, which an empty one is not.
fn text<'a>(form: &'a Form, name: &'static str) -> Result<Option<&'a [u8]>, Refusal> {
    match form.field(name) {
        None => Ok(None),
        Some(Field::Text(text)) => Ok(Some(text)),
        Some(Field::Array(array)) => Err(Refusal::ArrayField { name, array: shown_array(array) }),
    }
}

/// Text that need not be text: what is not UTF-8 then matches nothing, since no name or key has the replacement
/// character. Of what is too long to be either only as much is taken as shows that.
fn lossy(bytes: &[u8]) -> Zeroizing<String> {
    let enough = bytes.get(..=limits::KEY_TEXT_BYTES_MAX).unwrap_or(bytes);
    Zeroizing::new(String::from_utf8_lossy(enough).into_owned())
}

/// Key files end in a newline. This is PHP's set of blanks.
fn trimmed(key: &[u8]) -> &[u8] {
    let blank = |byte: &u8| b" \t\n\r\0\x0b".contains(byte);
    let start = key.iter().take_while(|byte| blank(byte)).count();
    let end = key.len() - key.iter().rev().take_while(|byte| blank(byte)).count();
    key.get(start..end).unwrap_or_default()
}

/// Counts as given only when both fields are true to PHP: neither empty nor `0`.
fn login(form: &Form) -> Result<Option<Login>, Refusal> {
    let given = |text: &&[u8]| !matches!(*text, b"" | b"0");
    let username = text(form, "username")?.filter(given);
    let password = text(form, "password")?.filter(given);
    Ok(username.zip(password).map(|(username, password)| Login {
        username: lossy(username),
        password: Password::new(password).ok(),
    }))
}

fn create(form: &Form) -> Result<Action, Refusal> {
    let comment = text(form, "comment")?.unwrap_or_default();
    let level = text(form, "access_level")?;
    let level = level.and_then(AccessLevel::named).ok_or(Refusal::InvalidAccessLevel)?;
    if comment.len() > limits::FILEBIN_COMMENT_BYTES_MAX {
        return Err(Refusal::CommentTooLong);
    }
    let comment = std::str::from_utf8(comment).map_err(|_| Refusal::CommentNotUtf8)?;
    let comment = comment.parse().map_err(|_| Refusal::CommentTooLong)?;
    Ok(Action::Create { level, comment })
}

fn delete(form: &Form) -> Result<Action, Refusal> {
    let key = lossy(text(form, "delete_key")?.unwrap_or_default());
    KeyFormat::Filebin.parse(&key).map_err(|_| Refusal::DeletionFailed)?;
    Ok(Action::Delete { key: UncheckedKey::new(key) })
}
