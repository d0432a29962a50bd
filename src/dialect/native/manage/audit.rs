//! The audit: its events, and the proof of its chain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RequestContext;
use crate::clock::Timestamp;
use crate::command::{CheckAudit, CommandError, ListEvents, SearchEvents, UserRef};
use crate::dialect::native::decode::{self, Text};
use crate::dialect::native::encode::{self, json};
use crate::dialect::native::refusal::Refusal;
use crate::engine::{Chain, Cursor, EngineError, EventFilter};
use crate::http::RawResponse;
use crate::key::{Actor, AuditEvent, AuditHead, FieldChange, Subject, UserId};

impl RequestContext<'_> {
    /// Newest first, or from a number on by rising numbers.
    pub(super) fn audit(&self) -> Result<RawResponse, Refusal> {
        let [after, limit, since, until, user, action, key] = decode::query(
            &self.request.query,
            ["after", "limit", "since", "until", "user", "action", "key"],
        )?;
        let moment = |name: &str, text: Option<String>| {
            let wrong =
                || Refusal::invalid(format!("{name} must be like 2030-01-31 or 2030-01-31T12:00:00Z"));
            text.map(|text| Timestamp::parse_day(&text).ok_or_else(wrong)).transpose()
        };
        let filter = EventFilter {
            user: user.map(|user| self.user_in_audit(&user)).transpose()?,
            key: key.map(|key| decode::parsed("key", &key)).transpose()?,
            action: action.map(|action| action.parse()).transpose()?,
            actor: None,
            from: moment("since", since)?,
            until: moment("until", until)?,
        };
        let limit = decode::limit(limit)?;
        if let Some(after) = after.as_deref().and_then(|after| after.parse().ok()) {
            let (events, next) = self.run(ListEvents { filter, after, limit })?;
            return Ok(EventsJson::answer(&events, next.map(|next| next.to_string())));
        }
        let list = ("events", filter.clone());
        let before = after.as_deref().map(decode::cursor).transpose()?;
        let before = before.as_ref().map(|cursor| cursor.within(&list)).transpose()?;
        let before = before.and_then(|place| place.try_into().ok()).map(u64::from_be_bytes);
        let trail = self.run(SearchEvents { filter, before, limit })?;
        let next = trail.next.map(|next| Cursor::new(&list, next.to_be_bytes().to_vec()).to_string());
        Ok(EventsJson::answer(&trail.events, next))
    }

    /// By login name, or by number, as one is found who was removed.
    fn user_in_audit(&self, named: &str) -> Result<UserId, Refusal> {
        let found = match named.parse() {
            Ok(name) => self.find_user(UserRef::Name(name)),
            Err(error) => Err(Refusal::from(error)),
        };
        match (found, named.parse()) {
            (Ok(user), _) => Ok(user.id),
            (Err(Refusal::Command(CommandError::Engine(EngineError::NoSuchUser))), Ok(number)) => {
                Ok(UserId(number))
            }
            (Err(problem), _) => Err(problem),
        }
    }

    pub(super) fn verify_audit(&self) -> Result<RawResponse, Refusal> {
        let body: VerifyAuditBody = decode::body_or_default(self.request)?;
        let chain = self.run(CheckAudit { kept: decode::inner(body.kept) })?;
        Ok(json(200, &ChainJson::from(&chain)))
    }
}

/// `POST /v1/audit/verify`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyAuditBody {
    kept: Option<Text<AuditHead>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ChainJson {
    events: u64,
    head: String,
    broken_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<bool>,
}

impl From<&Chain> for ChainJson {
    fn from(chain: &Chain) -> Self {
        let Chain { events, head, broken_at, kept } = *chain;
        Self { events, head: head.to_string(), broken_at, kept }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct EventsJson {
    events: Vec<EventJson>,
    /// What to give as `after` for the next page.
    next: Option<String>,
}

impl EventsJson {
    fn answer(events: &[AuditEvent], next: Option<String>) -> RawResponse {
        json(200, &Self { events: events.iter().map(EventJson::from).collect(), next })
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct EventJson {
    sequence: u64,
    at: String,
    action: &'static str,
    /// `operator` for the operator of the machine, `user` for a user, `somebody` for a client that did not authenticate.
    by: &'static str,
    user: Option<u64>,
    key: Option<String>,
    from: Option<String>,
    subject: SubjectJson,
    /// Each field that changed; of a password only that it was set. Long values are shortened and say so.
    changes: Vec<ChangeJson>,
    /// Why it was refused, if it was, and that is known.
    reason: Option<String>,
    /// How often it happened; more than once where several are one event.
    times: u64,
    previous: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ChangeJson {
    field: &'static str,
    /// `null` when it was empty or not there.
    old: Option<String>,
    /// `null` when it is empty or gone.
    new: Option<String>,
}

impl From<&FieldChange> for ChangeJson {
    fn from(change: &FieldChange) -> Self {
        let FieldChange { field, old, new } = change.clone();
        Self { field: field.name(), old, new }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct SubjectJson {
    kind: &'static str,
    id: String,
}

impl From<&AuditEvent> for EventJson {
    fn from(event: &AuditEvent) -> Self {
        let (by, from) = match &event.actor {
            Actor::Operator => ("operator", None),
            Actor::Stranger { from } => ("somebody", *from),
            Actor::User { from, .. } => ("user", *from),
        };
        let (kind, id) = match &event.subject {
            Subject::User(id) => ("user", id.to_string()),
            Subject::Key(id) => ("key", id.to_string()),
            Subject::Company(id) => ("company", id.to_string()),
            Subject::Keys(count) => ("keys", count.to_string()),
            Subject::Attempts(count) => ("attempts", count.to_string()),
        };
        Self {
            sequence: event.sequence,
            at: event.at.to_string(),
            action: event.action.name(),
            by,
            user: event.by_user().map(|user| user.0),
            key: event.by_key().map(|key| key.to_string()),
            from: from.map(|from| from.to_string()),
            subject: SubjectJson { kind, id },
            changes: event.details.changes.iter().map(ChangeJson::from).collect(),
            reason: event.details.reason.clone(),
            times: event.details.times,
            previous: encode::hex(&event.previous.0),
        }
    }
}
