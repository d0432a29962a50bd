//! Stored form of audit events.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Damage, Record, StoreError, read, time, write};
use crate::key::{
    Actor, AuditAction, AuditEvent, AuditField, CompanyId, EventDetails, EventHash, FieldChange, KeyId,
    Subject, UserId,
};
use crate::limits;

/// First bytes of an event with details: a sequence that no event has, and the form of the rest.
const DETAILED: [u8; 2] = [0, 1];

#[derive(Serialize, Deserialize)]
struct EventWire {
    sequence: u64,
    at: u64,
    actor: ActorWire,
    action: ActionWire,
    subject: SubjectWire,
    previous: [u8; 32],
}

#[derive(Serialize, Deserialize)]
pub(super) enum ActorWire {
    Operator,
    User { user: u64, key: Option<[u8; 16]>, from: Option<IpAddr> },
    Stranger { from: Option<IpAddr> },
}

/// The order is the stored number: new actions go at the end.
#[derive(Serialize, Deserialize)]
enum ActionWire {
    UserAdded,
    UserUpdated,
    PasswordSet,
    UserRemoved,
    KeyCreated,
    KeyUpdated,
    KeySuspended,
    KeyResumed,
    KeyRotated,
    KeyRevoked,
    KeyDeleted,
    AccessGranted,
    AccessRemoved,
    CompanyAdded,
    CompanyUpdated,
    CompanyRemoved,
    KeyUndeleted,
    KeysImported,
    LoggedIn,
    LoginRefused,
    KeyDenied,
}

#[derive(Serialize, Deserialize)]
enum SubjectWire {
    User(u64),
    Key([u8; 16]),
    Company([u8; 16]),
    Keys(u64),
    Attempts(u64),
}

#[derive(Serialize, Deserialize)]
struct DetailsWire {
    changes: Vec<(FieldWire, Option<String>, Option<String>)>,
    reason: Option<String>,
    times: u64,
}

impl Record for AuditEvent {
    /// An event with details takes at most 1 KiB: longer values are shortened, and end in what says so.
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let event = EventWire::from(self);
        if self.details == EventDetails::default() {
            return write(&event);
        }
        let mut whole = Vec::new();
        for value_max in limits::AUDITED_VALUE_BYTES {
            whole = write(&(DETAILED, &event, DetailsWire::of(&self.details, value_max)))?;
            if whole.len() <= limits::EVENT_BYTES_MAX {
                break;
            }
        }
        Ok(whole)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let Some(bytes) = bytes.strip_prefix(&DETAILED) else {
            return event(read(bytes)?, EventDetails::default());
        };
        let (wire, details): (EventWire, DetailsWire) = read(bytes)?;
        let details = EventDetails::from(details);
        // One event has one stored form.
        if details == EventDetails::default() { Err(Damage::Shape) } else { event(wire, details) }
    }
}

impl From<&AuditEvent> for EventWire {
    fn from(event: &AuditEvent) -> Self {
        Self {
            sequence: event.sequence,
            at: event.at.unix_ms(),
            actor: (&event.actor).into(),
            action: event.action.into(),
            subject: match event.subject {
                Subject::User(user) => SubjectWire::User(user.0),
                Subject::Key(key) => SubjectWire::Key(key.to_bytes()),
                Subject::Keys(count) => SubjectWire::Keys(count),
                Subject::Attempts(count) => SubjectWire::Attempts(count),
                Subject::Company(company) => SubjectWire::Company(company.to_bytes()),
            },
            previous: event.previous.0,
        }
    }
}

fn event(wire: EventWire, details: EventDetails) -> Result<AuditEvent, Damage> {
    // Sequences start at 1, so a leading 0 marks the form with details.
    if wire.sequence == 0 {
        return Err(Damage::Shape);
    }
    Ok(AuditEvent {
        sequence: wire.sequence,
        at: time(wire.at)?,
        actor: wire.actor.into(),
        action: wire.action.into(),
        subject: match wire.subject {
            SubjectWire::User(user) => Subject::User(UserId(user)),
            SubjectWire::Key(key) => Subject::Key(KeyId::from_bytes(key)),
            SubjectWire::Keys(count) => Subject::Keys(count),
            SubjectWire::Attempts(count) => Subject::Attempts(count),
            SubjectWire::Company(company) => Subject::Company(CompanyId::from_bytes(company)),
        },
        details,
        previous: EventHash(wire.previous),
    })
}

impl DetailsWire {
    /// With values of at most so many bytes, and what says that they are shortened.
    fn of(details: &EventDetails, value_max: usize) -> Self {
        let EventDetails { changes, reason, times } = details;
        let short = |value: &Option<String>, other: &Option<String>| {
            let same = value.iter().zip(other).map(|(value, other)| same_beginning(value, other)).max();
            value.as_ref().map(|value| shortened(value, same.unwrap_or_default(), value_max))
        };
        let change = |FieldChange { field, old, new }: &FieldChange| {
            ((*field).into(), short(old, new), short(new, old))
        };
        Self { changes: changes.iter().map(change).collect(), reason: reason.clone(), times: *times }
    }
}

impl From<DetailsWire> for EventDetails {
    fn from(wire: DetailsWire) -> Self {
        let change = |(field, old, new): (FieldWire, _, _)| FieldChange { field: field.into(), old, new };
        Self {
            changes: wire.changes.into_iter().map(change).collect(),
            reason: wire.reason,
            times: wire.times,
        }
    }
}

/// Number of first bytes that two texts share.
fn same_beginning(one: &str, other: &str) -> usize {
    one.char_indices()
        .zip(other.chars())
        .find(|((_, a), b)| a != b)
        .map_or_else(|| one.len().min(other.len()), |((at, _), _)| at)
}

/// A long value as the part of it where it begins to differ, and how long it is.
fn shortened(value: &str, same: usize, bytes_max: usize) -> String {
    if value.len() <= bytes_max {
        return value.to_owned();
    }
    let from = value.ceil_char_boundary(same.saturating_sub(bytes_max / 4).min(value.len() - bytes_max));
    let until = value.floor_char_boundary(from + bytes_max);
    let part = value.get(from..until).unwrap_or_default();
    let (before, behind) = (if from > 0 { "…" } else { "" }, if until < value.len() { "…" } else { "" });
    format!("{before}{part}{behind} ({} bytes)", value.len())
}

impl From<&Actor> for ActorWire {
    fn from(actor: &Actor) -> Self {
        match actor {
            Actor::Operator => Self::Operator,
            Actor::User { user, key, from } => {
                Self::User { user: user.0, key: key.map(|key| key.to_bytes()), from: *from }
            }
            Actor::Stranger { from } => Self::Stranger { from: *from },
        }
    }
}

impl From<ActorWire> for Actor {
    fn from(wire: ActorWire) -> Self {
        match wire {
            ActorWire::Operator => Self::Operator,
            ActorWire::User { user, key, from } => {
                Self::User { user: UserId(user), key: key.map(KeyId::from_bytes), from }
            }
            ActorWire::Stranger { from } => Self::Stranger { from },
        }
    }
}

/// The order is the stored number: new fields go at the end.
#[derive(Serialize, Deserialize)]
enum FieldWire {
    Keyspace,
    Owner,
    Comment,
    Contact,
    Level,
    Allowlist,
    RateLimits,
    State,
    RevokeReason,
    ExpiresAt,
    Prefix,
    PreviousUntil,
    Username,
    DisplayName,
    Email,
    Kind,
    Password,
    Role,
    Company,
    Status,
    ApiAccess,
    Name,
    Account,
    KeysCreated,
    KeysChanged,
    KeysRemoved,
}

/// Says that two enumerations have the same variants.
macro_rules! mirrored {
    ($of:ident, $wire:ident: $($name:ident),*) => {
        impl From<$of> for $wire {
            fn from(value: $of) -> Self {
                match value { $($of::$name => Self::$name),* }
            }
        }

        impl From<$wire> for $of {
            fn from(wire: $wire) -> Self {
                match wire { $($wire::$name => Self::$name),* }
            }
        }
    };
}

mirrored!(
    AuditField, FieldWire: Keyspace, Owner, Comment, Contact, Level, Allowlist, RateLimits, State, RevokeReason, ExpiresAt,
    Prefix, PreviousUntil, Username, DisplayName, Email, Kind, Password, Role, Company, Status, ApiAccess, Name, Account,
    KeysCreated, KeysChanged, KeysRemoved
);

mirrored!(
    AuditAction, ActionWire: UserAdded, UserUpdated, PasswordSet, UserRemoved, KeyCreated, KeyUpdated, KeySuspended,
    KeyResumed, KeyRotated, KeyRevoked, KeyDeleted, AccessGranted, AccessRemoved, CompanyAdded, CompanyUpdated,
    CompanyRemoved, KeyUndeleted, KeysImported, LoggedIn, LoginRefused, KeyDenied
);
