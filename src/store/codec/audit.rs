//! Stored form of audit events.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::key::time;
use super::{Damage, Record, StoreError, read, write};
use crate::key::{Action, Actor, AuditEvent, CompanyId, EventHash, KeyId, Subject, UserId};

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

impl Record for AuditEvent {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        write(&EventWire {
            sequence: self.sequence,
            at: self.at.unix_ms(),
            actor: (&self.actor).into(),
            action: self.action.into(),
            subject: match self.subject {
                Subject::User(user) => SubjectWire::User(user.0),
                Subject::Key(key) => SubjectWire::Key(key.to_bytes()),
                Subject::Keys(count) => SubjectWire::Keys(count),
                Subject::Attempts(count) => SubjectWire::Attempts(count),
                Subject::Company(company) => SubjectWire::Company(company.to_bytes()),
            },
            previous: self.previous.0,
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let wire: EventWire = read(bytes)?;
        Ok(Self {
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
            previous: EventHash(wire.previous),
        })
    }
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

macro_rules! actions {
    ($($action:ident),*) => {
        impl From<Action> for ActionWire {
            fn from(action: Action) -> Self {
                match action { $(Action::$action => Self::$action),* }
            }
        }

        impl From<ActionWire> for Action {
            fn from(wire: ActionWire) -> Self {
                match wire { $(ActionWire::$action => Self::$action),* }
            }
        }
    };
}

actions!(
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
    KeyDenied
);
