//! The audit: its events, and the proof of its chain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decode::Text;
use super::encode::json;
use super::{Exchange, Problem, decode, encode};
use crate::command::{Command, Outcome};
use crate::engine::Chain;
use crate::exchange::RawResponse;
use crate::key::{Actor, AuditEvent, AuditHead, FieldChange, Subject};

impl Exchange<'_> {
    pub(super) fn audit(&self) -> Result<RawResponse, Problem> {
        let [after, limit] = decode::query(&self.request.query, ["after", "limit"])?;
        let limit = decode::limit(limit)?;
        let after = after.map_or(Ok(0), |after| decode::parsed("after", &after))?;
        let Outcome::Events(events) = self.dispatch(Command::ListEvents { after, limit })? else {
            return Err(Problem::Unexpected);
        };
        let next = events.last().filter(|_| events.len() >= limit).map(|last| last.sequence.to_string());
        Ok(json(200, &EventsJson { events: events.iter().map(EventJson::from).collect(), next }))
    }

    pub(super) fn verify_audit(&self) -> Result<RawResponse, Problem> {
        let body: VerifyAuditBody = decode::body_or_default(self.request)?;
        let Outcome::Chain(chain) = self.dispatch(Command::CheckAudit { kept: decode::inner(body.kept) })?
        else {
            return Err(Problem::Unexpected);
        };
        Ok(json(200, &ChainJson::from(&chain)))
    }
}

/// `POST /v1/audit/verify`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyAuditBody {
    kept: Option<Text<AuditHead>>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ChainJson {
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
pub(super) struct EventsJson {
    events: Vec<EventJson>,
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct EventJson {
    sequence: u64,
    at: String,
    action: &'static str,
    /// `null` for whoever controls the machine, and where nobody proved who they are.
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
pub(super) struct ChangeJson {
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
pub(super) struct SubjectJson {
    kind: &'static str,
    id: String,
}

impl From<&AuditEvent> for EventJson {
    fn from(event: &AuditEvent) -> Self {
        let (user, key, from) = match &event.actor {
            Actor::Operator => (None, None, None),
            Actor::Stranger { from } => (None, None, *from),
            Actor::User { user, key, from } => (Some(user.0), *key, *from),
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
            user,
            key: key.map(|key| key.to_string()),
            from: from.map(|from| from.to_string()),
            subject: SubjectJson { kind, id },
            changes: event.details.changes.iter().map(ChangeJson::from).collect(),
            reason: event.details.reason.clone(),
            times: event.details.times,
            previous: encode::hex(&event.previous.0),
        }
    }
}
