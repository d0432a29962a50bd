//! Restore comparison: the access that a backup would give back, although it was taken away since.
//!
//! Every record of the backup is compared with the same record of the store, field by field, in one partial order. No
//! field makes another field mean less, so if no record of the backup grants more than that of the store, no one gains
//! access by the restore. Each function here names every field of its record: a new field does not compile without a
//! decision.

use std::collections::HashSet;
use std::fmt;

use crate::clock::Timestamp;
use crate::engine::commit::event_hash;
use crate::key::{
    AuditAction, AuditEvent, AuditHead, Company, Expiry, Key, KeyId, KeyState, NarrowedBy, PepperNumber,
    Prefix, Restriction as _, Secrets, StoredSecret, Subject, User, UserKind, UserStatus, Username,
};
use crate::store::codec::{Deleted, OwnerLimits, PepperChecks, Record};
use crate::store::{Entry, Store, StoreError, paged, schema};

/// Key, user or pepper that would gain access if the backup replaced the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegainedAccess {
    /// Holder of the access.
    pub whose: AccessHolder,
    /// Changes since the backup that the restore would undo.
    pub because: Vec<&'static str>,
}

/// Holder of access that a restore would give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessHolder {
    /// A key, deleted or not.
    Key {
        /// Key id.
        id: KeyId,
        /// Prefix of the key.
        prefix: Prefix,
        /// Owner in the backup; `None` when the backup has no such user.
        owner: Option<Username>,
    },
    /// A user.
    User(Username),
    /// A company.
    Company(Company),
    /// A pepper, with all tokens signed under it.
    Pepper(PepperNumber),
    /// An entry of the store, by its key in printable form.
    Place(String),
}

impl fmt::Display for RegainedAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} since", self.whose, self.because.join(", "))
    }
}

impl fmt::Display for AccessHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { id, prefix, owner: Some(owner) } => write!(f, "{id} {prefix} of {owner}"),
            Self::Key { id, prefix, owner: None } => write!(f, "{id} {prefix} of nobody"),
            Self::User(name) => write!(f, "user {name}"),
            Self::Company(company) => write!(f, "company {} {}", company.id, company.name),
            Self::Pepper(number) => write!(f, "pepper {}", number.0),
            Self::Place(place) => f.write_str(place),
        }
    }
}

/// Lists the access that the store `then` would give back at `time` if it replaced the store `now`: everything that was
/// revoked, suspended, narrowed, rotated, blocked, demoted, removed or changed since.
///
/// # Errors
/// [`StoreError`] of `then`. Unreadable records of `now` count as taken away.
pub fn regained_access(
    then: &dyn Store,
    now: &dyn Store,
    time: Timestamp,
) -> Result<Vec<RegainedAccess>, StoreError> {
    let since = Since { then, now, time, rotated: Rotated::of(then, now)? };
    let mut found = Vec::new();
    for entry in paged(None, |after, limit| then.scan(b"", after, limit)) {
        found.extend(since.entry(&entry?)?.filter(|regained| !regained.because.is_empty()));
    }
    Ok(found)
}

/// Keys whose secrets were replaced since the backup.
enum Rotated {
    Only(HashSet<KeyId>),
    /// The store does not descend from the backup, or its audit cannot be read.
    Unknown,
}

impl Rotated {
    /// Hashes of the same secret change with the pepper, so the audit tells which secrets are new.
    fn of(then: &dyn Store, now: &dyn Store) -> Result<Self, StoreError> {
        let head = then.get(schema::AUDIT_HEAD)?;
        let head = head.map(|entry| AuditHead::from_entry(&entry)).transpose()?.unwrap_or_default();
        let place = schema::audit(head.sequence);
        let is_of_it = |entry: &Entry| event_hash(&entry.value) == head.hash;
        if head.sequence > 0 && !now.get(&place).is_ok_and(|found| found.as_ref().is_some_and(is_of_it)) {
            return Ok(Self::Unknown);
        }
        let mut keys = HashSet::new();
        for entry in paged(Some(&place), |after, limit| now.scan(schema::AUDIT, after, limit)) {
            let Ok(event) = entry.and_then(|entry| AuditEvent::from_entry(&entry)) else {
                return Ok(Self::Unknown);
            };
            if let (AuditAction::KeyRotated, Subject::Key(id)) = (event.action, event.subject) {
                keys.insert(id);
            }
        }
        Ok(Self::Only(keys))
    }

    fn has(&self, id: KeyId) -> bool {
        match self {
            Self::Only(keys) => keys.contains(&id),
            Self::Unknown => true,
        }
    }
}

/// Record of the current store.
enum Today<T> {
    There(T),
    Gone,
    Unreadable,
}

const UNREADABLE: &str = "made unreadable";
const DELETED: &str = "deleted";

struct Since<'a> {
    then: &'a dyn Store,
    now: &'a dyn Store,
    time: Timestamp,
    rotated: Rotated,
}

impl Since<'_> {
    fn entry(&self, entry: &Entry) -> Result<Option<RegainedAccess>, StoreError> {
        let place = entry.key.as_slice();
        // Entries that follow from records, and entries that give no access: an idempotency key gives no text.
        const SILENT: [&[u8]; 14] = [
            schema::HOT,
            schema::PREFIXES,
            schema::SLOW,
            schema::LISTINGS,
            schema::NAMES,
            schema::EMAILS,
            schema::MEMBERS,
            schema::KEPT,
            schema::REQUESTS,
            // Compared with their owner, since no limits allow more than any limits.
            schema::OWNER_LIMITS,
            schema::AUDIT,
            schema::AUDIT_HEAD,
            schema::USER_COUNTER,
            schema::FOREIGN,
        ];
        Ok(if SILENT.iter().any(|silent| place.starts_with(silent)) {
            None
        } else if place.starts_with(schema::KEYS) {
            Some(self.key(&Key::from_entry(entry)?)?)
        } else if place.starts_with(schema::DELETED) {
            Some(self.deleted(&Deleted::from_entry(entry)?)?)
        } else if place.starts_with(schema::USERS) {
            let then = User::from_entry(entry)?;
            let because = match self.today(place) {
                Today::There(now) => {
                    let mut because = user(&then, &now);
                    because.extend(self.limits_of(&then)?);
                    because
                }
                Today::Gone => vec!["removed"],
                Today::Unreadable => vec![UNREADABLE],
            };
            Some(RegainedAccess { whose: AccessHolder::User(then.username), because })
        } else if place.starts_with(schema::COMPANIES) {
            let then = Company::from_entry(entry)?;
            let because = match self.today(place) {
                Today::There(now) => company(&then, &now),
                Today::Gone => vec!["removed"],
                Today::Unreadable => vec![UNREADABLE],
            };
            Some(RegainedAccess { whose: AccessHolder::Company(then), because })
        } else if place == schema::PEPPERS {
            self.peppers(&PepperChecks::from_entry(entry)?)
        } else {
            let because = vec!["written by a keyward that this one cannot compare"];
            Some(RegainedAccess { whose: AccessHolder::Place(schema::printable(place)), because })
        })
    }

    /// Whether limits bind all keys of a user that did not bind them, or not as tightly.
    fn limits_of(&self, user: &User) -> Result<Option<&'static str>, StoreError> {
        for entry in self.now.scan(&schema::all_owner_limits(user.id.0), None, usize::MAX)? {
            let then = self.then.get(&entry.key)?.map(|entry| OwnerLimits::from_entry(&entry)).transpose()?;
            let now = OwnerLimits::from_entry(&entry).ok();
            let same = then.zip(now).is_some_and(|(then, now)| {
                let OwnerLimits { level, limits } = then;
                level >= now.level && limits.within(&now.limits)
            });
            if !same {
                return Ok(Some("limited to fewer uses"));
            }
        }
        Ok(None)
    }

    fn today<T: Record>(&self, place: &[u8]) -> Today<T> {
        match self.now.get(place).and_then(|entry| entry.as_ref().map(T::from_entry).transpose()) {
            Ok(Some(record)) => Today::There(record),
            Ok(None) => Today::Gone,
            Err(_) => Today::Unreadable,
        }
    }

    fn key(&self, then: &Key) -> Result<RegainedAccess, StoreError> {
        let because = match self.today(&schema::key(&then.id.to_bytes())) {
            _ if !then.is_live() => Vec::new(),
            Today::There(now) => key(then, &now, self.time, self.rotated.has(then.id)),
            Today::Gone => vec![DELETED],
            Today::Unreadable => vec![UNREADABLE],
        };
        Ok(RegainedAccess { whose: self.regainer(then)?, because })
    }

    /// A deleted key that could be undeleted with its rights of then.
    fn deleted(&self, then: &Deleted) -> Result<RegainedAccess, StoreError> {
        let Deleted { key: was, by, until } = then;
        let id = was.id.to_bytes();
        let rotated = self.rotated.has(was.id);
        let because = match self.today(&schema::key(&id)) {
            _ if !was.is_live() || *until <= self.time => Vec::new(),
            Today::There(now) => key(was, &now, self.time, rotated),
            Today::Unreadable => vec![UNREADABLE],
            Today::Gone => match self.today::<Deleted>(&schema::deleted(&id)) {
                Today::There(now) => {
                    let mut because = key(was, &now.key, self.time, rotated);
                    because.extend((*until > now.until).then_some("removed for good earlier"));
                    because.extend((*by < now.by).then_some("deleted by somebody higher"));
                    because
                }
                Today::Gone => vec!["removed for good"],
                Today::Unreadable => vec![UNREADABLE],
            },
        };
        Ok(RegainedAccess { whose: self.regainer(was)?, because })
    }

    fn regainer(&self, key: &Key) -> Result<AccessHolder, StoreError> {
        let owner = self.then.get(&schema::user(key.owner.0))?;
        let owner = owner.map(|entry| User::from_entry(&entry)).transpose()?.map(|user| user.username);
        Ok(AccessHolder::Key { id: key.id, prefix: key.secrets.current.prefix.clone(), owner })
    }

    /// Tokens that were signed under a retired pepper would be valid again.
    fn peppers(&self, PepperChecks(then): &PepperChecks) -> Option<RegainedAccess> {
        let now = match self.today(schema::PEPPERS) {
            Today::There(PepperChecks(now)) => now,
            Today::Gone | Today::Unreadable => Vec::new(),
        };
        let (number, _) = then.iter().find(|check| !now.contains(check))?;
        Some(RegainedAccess { whose: AccessHolder::Pepper(*number), because: vec!["retired"] })
    }
}

fn key(then: &Key, now: &Key, time: Timestamp, rotated: bool) -> Vec<&'static str> {
    let Key {
        id: _,
        keyspace,
        owner,
        comment: _,
        contact: _,
        level,
        allowlist,
        rate_limits,
        state,
        expiry,
        narrowed_by: held,
        created: _,
        serial: _,
        secrets,
        usage: _,
    } = then;
    let ended = if expiry.reached(time) || expiry.within(&now.expiry) {
        None
    } else if now.expiry.reached(time) {
        Some("expired")
    } else {
        Some("given an earlier end")
    };
    let stopped = match (state, &now.state) {
        (KeyState::Revoked { .. }, _) => return Vec::new(),
        (_, KeyState::Revoked { .. }) => Some("revoked"),
        (KeyState::Active, KeyState::Suspended) => Some("suspended"),
        (KeyState::Active | KeyState::Suspended, KeyState::Active)
        | (KeyState::Suspended, KeyState::Suspended) => None,
    };
    let [replaced, hidden] = texts(secrets, &now.secrets, time, rotated);
    let differences = [
        stopped,
        ended,
        replaced,
        hidden,
        (*level > now.level).then_some("given a lower level"),
        (!allowlist.within(&now.allowlist)).then_some("limited to other addresses"),
        (!rate_limits.within(&now.rate_limits)).then_some("limited to fewer uses"),
        (*owner != now.owner || *keyspace != now.keyspace).then_some("given to somebody else"),
    ];
    let mut because: Vec<_> = differences.into_iter().flatten().collect();
    // A narrowed right is named by its own difference. Equal rights differ if only the level that holds them rose.
    because
        .extend((because.is_empty() && freed(held, &now.narrowed_by)).then_some("held by somebody higher"));
    because
}

/// Whether a right could be widened by a level that may not widen it now.
fn freed(then: &NarrowedBy, now: &NarrowedBy) -> bool {
    let NarrowedBy { state, level, allowlist, rate_limits, expiry } = then;
    let pairs = [
        (state, now.state),
        (level, now.level),
        (allowlist, now.allowlist),
        (rate_limits, now.rate_limits),
        (expiry, now.expiry),
    ];
    pairs.into_iter().any(|(then, now)| *then < now)
}

/// Differences of key texts: texts that verify in one store and not in the other, and a text that is shown again.
fn texts(then: &Secrets, now: &Secrets, time: Timestamp, rotated: bool) -> [Option<&'static str>; 2] {
    // A rehashed secret keeps its place.
    let same = |nth: usize, secret: &StoredSecret| {
        let of_place = |(at, (other, _)): &(usize, (&StoredSecret, Expiry))| {
            if rotated { other.hash == secret.hash } else { *at == nth }
        };
        with_ends(now).enumerate().find(of_place).map(|(_, found)| found)
    };
    let good = || with_ends(then).enumerate().filter(|(_, (_, end))| !end.reached(time));
    let is_over =
        good().any(|(nth, (secret, end))| !same(nth, secret).is_some_and(|(_, now)| end.within(&now)));
    let is_hidden = good().any(|(nth, (secret, _))| {
        secret.sealed.is_some() && same(nth, secret).is_some_and(|(now, _)| now.sealed.is_none())
    });
    [is_over.then_some("rotated"), is_hidden.then_some("hidden")]
}

fn with_ends(secrets: &Secrets) -> impl Iterator<Item = (&StoredSecret, Expiry)> {
    let Secrets { current, previous } = secrets;
    let previous = previous.iter().map(|(secret, until)| (secret, Expiry::At(*until)));
    [(current, Expiry::Never)].into_iter().chain(previous)
}

fn user(then: &User, now: &User) -> Vec<&'static str> {
    let User {
        id: _,
        username,
        display_name: _,
        email,
        kind,
        role,
        company,
        status,
        api_access,
        api_access_removed_by,
        demoted,
        created: _,
    } = then;
    let password = match (kind, &now.kind) {
        (UserKind::Person { password: Some(old) }, UserKind::Person { password: Some(new) })
            if old == new =>
        {
            None
        }
        (UserKind::Person { password: Some(_) }, UserKind::Person { password: Some(_) }) => {
            Some("given another password")
        }
        (UserKind::Person { password: Some(_) }, UserKind::Person { password: None }) => {
            Some("left without a password")
        }
        (UserKind::Person { password: None }, UserKind::Person { .. }) | (UserKind::Bot, UserKind::Bot) => {
            None
        }
        (UserKind::Person { .. }, UserKind::Bot) | (UserKind::Bot, UserKind::Person { .. }) => {
            Some("made another kind of user")
        }
    };
    let stopped = match (status, now.status) {
        (UserStatus::Active | UserStatus::Inactive, UserStatus::Blocked) => Some("blocked"),
        (UserStatus::Active, UserStatus::Inactive) => Some("made inactive"),
        (UserStatus::Active | UserStatus::Inactive, UserStatus::Active)
        | (UserStatus::Inactive, UserStatus::Inactive)
        | (UserStatus::Blocked, _) => None,
    };
    // The APIs behind keyward identify people by both, and an e-mail address is a login name.
    let address = email.as_ref().is_some_and(|then| now.email.as_ref() != Some(then));
    let differences = [
        password,
        stopped,
        (*company != now.company).then_some("moved to another company"),
        ((*api_access && !now.api_access) || *api_access_removed_by < now.api_access_removed_by)
            .then_some("refused API access"),
        (role.level() > now.role.level()).then_some("demoted"),
        (*username != now.username).then_some("renamed"),
        address.then_some("given another e-mail address"),
    ];
    let mut because: Vec<_> = differences.into_iter().flatten().collect();
    // A user who was promoted again has lost the keys that a demotion revokes.
    because.extend((because.is_empty() && *demoted < now.demoted).then_some("demoted"));
    because
}

fn company(then: &Company, now: &Company) -> Vec<&'static str> {
    let Company { id: _, name: _, account } = then;
    Vec::from_iter((*account != now.account).then_some("given another account"))
}
