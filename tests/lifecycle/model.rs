//! Users, companies and keys as plain maps know them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keyward::clock::Timestamp;
use keyward::engine::{EngineError, NewKey};
use keyward::key::{
    Actor, AuditAction, Company, CompanyId, Email, Expiry, Key, KeyId, KeyState, Keyspace, KeyspaceName,
    Level, RateLimits, Role, Subject, User, UserId, UserKind, UserStatus,
};
use keyward::verify::DenyReason;

/// Where keys are used from, and lists that have it or have it not.
pub(crate) const CLIENT: &str = "10.1.2.3";
pub(crate) const NETWORKS: [(&str, bool); 3] =
    [("", true), ("10.0.0.0/8,::1", true), ("10.1.2.4,2001:db8::/32", false)];

/// A user; whether a person has a password stands beside it.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) user: User,
    pub(crate) password: Option<u8>,
}

/// A key text; `None` when its answer was lost.
pub(crate) type Text = Option<String>;

#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) new: NewKey,
    pub(crate) keyspace: Keyspace,
    pub(crate) state: KeyState,
    pub(crate) created: Timestamp,
    pub(crate) serial: u64,
    pub(crate) text: Text,
    pub(crate) previous: Option<(Text, Timestamp)>,
    pub(crate) uses: u64,
    /// Its id was there before: uses that were not written yet when that went may be lost, or come back with it.
    pub(crate) came_back: bool,
    /// What it was imported as.
    pub(crate) identity: Option<String>,
    /// Whether its rate limits were set on it, and not only what bound its owner.
    pub(crate) limited: bool,
}

/// A request that may be repeated: what was in it, which key it made, until when.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) content: [u8; 32],
    pub(crate) key: KeyId,
    pub(crate) until: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) users: BTreeMap<UserId, Member>,
    pub(crate) last_user: u64,
    pub(crate) companies: BTreeMap<CompanyId, Company>,
    pub(crate) keys: BTreeMap<KeyId, Credential>,
    /// With the moment from which they may not come back.
    pub(crate) deleted: BTreeMap<KeyId, (Credential, Timestamp)>,
    /// Every id that there ever was.
    pub(crate) seen: BTreeSet<KeyId>,
    pub(crate) requests: BTreeMap<[u8; 32], Request>,
    /// Limits that bind every key of an owner in a keyspace.
    pub(crate) limits: HashMap<(UserId, KeyspaceName), RateLimits>,
    pub(crate) events: Vec<(Timestamp, AuditAction, Subject)>,
    /// Every text that was ever given out or taken over.
    pub(crate) texts: Vec<(Keyspace, String)>,
    /// In memory alone: a text that waits to be adopted, and until when.
    pub(crate) proposals: BTreeMap<KeyId, (Text, Timestamp)>,
    /// Which password is set next.
    pub(crate) password: u8,
}

/// Placeholder of the id of the nth key that a command makes, until the engine has told it.
pub(crate) fn placeholder(nth: u8) -> KeyId {
    let mut bytes = [0; 16];
    bytes[15] = nth + 1;
    KeyId::from_bytes(bytes)
}

impl Model {
    pub(crate) fn user(&self, id: UserId) -> Result<&Member, EngineError> {
        self.users.get(&id).ok_or(EngineError::NoSuchUser)
    }

    pub(crate) fn key(&self, id: KeyId) -> Result<&Credential, EngineError> {
        self.keys.get(&id).ok_or(EngineError::NoSuchKey)
    }

    /// The event that is about to be recorded has this number.
    pub(crate) fn next_event(&self) -> u64 {
        self.events.len() as u64 + 1
    }

    pub(crate) fn record(&mut self, now: Timestamp, action: AuditAction, subject: Subject) {
        self.events.push((now, action, subject));
    }

    pub(crate) fn live(&self, owner: UserId, keyspace: Keyspace) -> Vec<KeyId> {
        let keys = self.keys.iter().filter(|(_, key)| key.new.owner == owner && key.keyspace == keyspace);
        keys.filter(|(_, key)| !key.is_revoked()).map(|(id, _)| *id).collect()
    }

    /// Newest first within a keyspace; keys of one import by id.
    pub(crate) fn listing(&self, owner: UserId, keyspace: Option<Keyspace>) -> Vec<KeyId> {
        let own =
            |key: &Credential| key.new.owner == owner && keyspace.is_none_or(|space| space == key.keyspace);
        let mut listed: Vec<_> = self.keys.iter().filter(|(_, key)| own(key)).collect();
        listed.sort_by_key(|(id, key)| {
            let newest = std::cmp::Reverse((key.created.unix_ms(), key.serial));
            (key.keyspace.name().as_str().to_owned(), newest, **id)
        });
        listed.into_iter().map(|(id, _)| *id).collect()
    }

    /// Whether this user is the last administrator, and would not be any more.
    pub(crate) fn loses_administrator(&self, id: UserId, after: Option<(Role, UserStatus)>) -> bool {
        let administers =
            |role: Role, status: UserStatus| role == Role::Administrator && status == UserStatus::Active;
        let does = |member: &Member| administers(member.user.role, member.user.status);
        does(&self.users[&id])
            && !after.is_some_and(|(role, status)| administers(role, status))
            && !self.users.iter().any(|(other, member)| *other != id && does(member))
    }

    /// Whether another user has the name or the address.
    pub(crate) fn check_unique(&self, new: &User) -> Result<(), EngineError> {
        let mut others = self.users.values().map(|member| &member.user).filter(|user| user.id != new.id);
        let folded = |email: &Email| email.folded();
        if others.clone().any(|user| user.username == new.username) {
            Err(EngineError::UsernameTaken)
        } else if others.any(|user| {
            user.email.is_some() && user.email.as_ref().map(folded) == new.email.as_ref().map(folded)
        }) {
            Err(EngineError::EmailTaken)
        } else {
            Ok(())
        }
    }

    /// Whether another bot of the site is called like this one.
    pub(crate) fn check_bot_name(&self, old: Option<&User>, new: &User) -> Result<(), EngineError> {
        let called = |user: &User| {
            user.display_name
                .as_ref()
                .map_or_else(|| user.username.to_string(), ToString::to_string)
                .to_lowercase()
        };
        let (is_bot, same) = (
            |user: &User| user.kind == UserKind::Bot && !self.is_account(user),
            |user: &User| user.company == new.company && called(user) == called(new),
        );
        let stays = old.is_some_and(|old| old.name() == new.name() && old.company == new.company);
        let mut others = self.users.values().map(|member| &member.user).filter(|user| user.id != new.id);
        let taken = is_bot(new) && new.display_name.is_some() && !stays;
        if taken && others.any(|user| is_bot(user) && same(user)) {
            Err(EngineError::BotNameTaken)
        } else {
            Ok(())
        }
    }

    /// Whether the user is the account of the company it belongs to.
    pub(crate) fn is_account(&self, user: &User) -> bool {
        user.kind == UserKind::Bot && self.companies.values().any(|company| company.account == user.id)
    }

    /// Which secrets verify or say why not: the key, the text, and until when it does if it was rotated out.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (KeyId, &Credential, &Text, Option<Timestamp>)> {
        self.keys.iter().flat_map(|(id, key)| {
            let previous = key.previous.iter().map(|(text, until)| (text, Some(*until)));
            [(&key.text, None)].into_iter().chain(previous).map(move |(text, until)| (*id, key, text, until))
        })
    }

    /// What using one secret of a key leads to.
    pub(crate) fn verdict(
        &self,
        key: &Credential,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Level, DenyReason> {
        let owner = &self.users[&key.new.owner].user;
        let reached = |end: Timestamp| now >= end;
        let has_client = NETWORKS
            .iter()
            .find(|(list, _)| list.parse() == Ok(key.new.allowlist.clone().unwrap_or_default()))
            .unwrap()
            .1;
        let refused = [
            (key.is_revoked(), DenyReason::Revoked),
            (key.state == KeyState::Suspended, DenyReason::Suspended),
            (until.is_some_and(reached), DenyReason::RotatedOut),
            (owner.status != UserStatus::Active, DenyReason::OwnerNotActive),
            (matches!(key.new.expiry, Some(Expiry::At(end)) if reached(end)), DenyReason::Expired),
            (!has_client, DenyReason::AddressNotAllowed),
        ];
        let level = key.new.level.min(owner.role.level());
        refused.into_iter().find(|(wrong, _)| *wrong).map_or(Ok(level), |(_, reason)| Err(reason))
    }

    /// Gives what a command made its real id; its text if that was told.
    pub(crate) fn found(&mut self, unknown: KeyId, id: KeyId) {
        let mut key = self.keys.remove(&unknown).unwrap();
        key.came_back = !self.seen.insert(id);
        assert!(self.keys.insert(id, key).is_none(), "{id} is there already");
        if let Some((_, _, subject)) = self.events.last_mut()
            && *subject == Subject::Key(unknown)
        {
            *subject = Subject::Key(id);
        }
        for request in self.requests.values_mut().filter(|request| request.key == unknown) {
            request.key = id;
        }
    }

    /// Takes over the uses that `other` counted.
    pub(crate) fn count_as(&mut self, other: &Self) {
        for (id, key) in &mut self.keys {
            if let Some(other) = other.keys.get(id) {
                key.uses = other.uses;
            }
        }
    }

    /// Notes a text that was given out.
    pub(crate) fn gave_out(&mut self, keyspace: Keyspace, text: &str) {
        if !self.texts.iter().any(|(space, known)| *space == keyspace && known == text) {
            self.texts.push((keyspace, text.to_owned()));
        }
    }

    /// The record that is stored for a key, but for its secrets and uses.
    pub(crate) fn record_of(&self, id: KeyId, stored: &Key) -> Key {
        let Credential { new, state, created, serial, .. } = self.keys[&id].clone();
        Key {
            id,
            keyspace: new.keyspace,
            owner: new.owner,
            comment: new.comment,
            contact: new.contact,
            level: new.level,
            allowlist: new.allowlist.unwrap_or_default(),
            rate_limits: new.rate_limits.unwrap_or_default(),
            state,
            expiry: new.expiry.unwrap_or_default(),
            narrowed_by: stored.narrowed_by,
            created,
            serial,
            secrets: stored.secrets.clone(),
            usage: stored.usage,
        }
    }
}

impl Credential {
    /// What is left out is anyone, as often as one likes, without end.
    pub(crate) fn begun(new: NewKey, now: Timestamp, serial: u64) -> Self {
        let limited = new.rate_limits.as_ref().is_some_and(|limits| !limits.all().is_empty());
        let (allowlist, expiry) = (new.allowlist.unwrap_or_default(), new.expiry.unwrap_or_default());
        let rate_limits = Some(new.rate_limits.unwrap_or_default());
        let new = NewKey { allowlist: Some(allowlist), rate_limits, expiry: Some(expiry), ..new };
        let keyspace = Keyspace::named(&new.keyspace).unwrap();
        let (text, previous, identity) = (None, None, None);
        Self {
            new,
            keyspace,
            state: KeyState::Active,
            created: now,
            serial,
            text,
            previous,
            limited,
            uses: 0,
            came_back: false,
            identity,
        }
    }

    pub(crate) fn is_revoked(&self) -> bool {
        matches!(self.state, KeyState::Revoked { .. })
    }

    pub(crate) fn revoke(&mut self, now: Timestamp, reason: keyward::key::RevokeReason) {
        self.state = KeyState::Revoked { at: now, by: Actor::Operator, reason };
    }
}
