//! What is stored about one key.

use super::{
    Allowlist, Comment, Condition, Contact, Expiry, Held, KeyId, KeyState, KeyTrace, KeyedHash, KeyspaceName,
    Level, PepperNumber, Prefix, RateLimits, SealedCopy, SlowHash, Usage, UserId,
};
use crate::clock::Timestamp;

/// One secret of a key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// The pepper it was hashed and sealed under.
    pub pepper: PepperNumber,
    /// What may be shown of it.
    pub prefix: Prefix,
    /// What a presented key is looked up by.
    pub hash: KeyedHash,
    /// The text itself, encrypted, where the keyspace documents viewing.
    pub sealed: Option<SealedCopy>,
    /// Another system's hash of the text, until its first use shows the text.
    pub foreign: Option<SlowHash>,
}

/// What a secret is found by, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTrace {
    /// What may be shown of it, or stands in for that.
    pub prefix: Prefix,
    /// What it is recognised by.
    pub hash: KeyedHash,
}

impl StoredSecret {
    /// Whether its prefix is the beginning of a text, and does not stand in for one that nobody knows yet.
    pub fn shows_prefix(&self) -> bool {
        !self.prefix.as_str().starts_with('-')
    }

    /// What it is found by.
    pub fn trace(&self) -> KeyTrace {
        KeyTrace { hash: self.hash, locator: self.prefix.locator() }
    }
}

/// The secrets of a key: one, and during a grace period also the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// The secret last issued.
    pub current: StoredSecret,
    /// The secret before it, and the moment from which that is refused.
    pub previous: Option<(StoredSecret, Timestamp)>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Public name.
    pub id: KeyId,
    /// The set of keys it verifies in.
    pub keyspace: KeyspaceName,
    /// Who it belongs to.
    pub owner: UserId,
    /// What it is for, in its owner's words.
    pub comment: Comment,
    /// Whom to ask about it.
    pub contact: Option<Contact>,
    /// What it may do, at most.
    pub level: Level,
    /// Where it may be used from.
    pub allowlist: Allowlist,
    /// How often it may be used, all its secrets together.
    pub rate_limits: RateLimits,
    /// Active, suspended or revoked.
    pub state: KeyState,
    /// When it stops by itself.
    pub expiry: Expiry,
    /// What of all this others than its owner narrowed, and at which level.
    pub held: Held,
    /// When it was created.
    pub created: Timestamp,
    /// The sequence of the event of its creation: orders keys created in the same millisecond.
    pub serial: u64,
    /// Its secrets.
    pub secrets: Secrets,
    /// Its uses so far.
    pub usage: Usage,
}

impl Secrets {
    /// Each of them.
    pub fn all(&self) -> impl Iterator<Item = &StoredSecret> {
        [&self.current].into_iter().chain(self.previous.as_ref().map(|(secret, _)| secret))
    }
}

impl Key {
    /// Whether it is not revoked.
    pub const fn is_live(&self) -> bool {
        match self.state {
            KeyState::Active | KeyState::Suspended => true,
            KeyState::Revoked { .. } => false,
        }
    }

    /// Where it is in its life at `now`.
    pub fn condition(&self, now: Timestamp) -> Condition {
        match self.state {
            KeyState::Active if self.expiry.reached(now) => Condition::Expired,
            KeyState::Active => Condition::Active,
            KeyState::Suspended => Condition::Suspended,
            KeyState::Revoked { .. } => Condition::Revoked,
        }
    }

    /// Everything `verify` needs, once for each secret with what that is found by. A pure function of the record.
    pub fn hot_records(&self) -> impl Iterator<Item = (KeyTrace, HotRecord)> {
        let hot = |standing| HotRecord {
            id: self.id,
            keyspace: self.keyspace,
            owner: self.owner,
            level: self.level,
            standing,
            expiry: self.expiry,
            allowlist: self.allowlist.clone(),
            rate_limits: self.rate_limits.clone(),
        };
        let state = match self.state {
            KeyState::Active => Standing::Active,
            KeyState::Suspended => Standing::Suspended,
            KeyState::Revoked { .. } => Standing::Revoked,
        };
        let current = (self.secrets.current.trace(), hot(state));
        let previous = self.secrets.previous.as_ref().map(|(secret, end)| {
            let standing = if state == Standing::Active { Standing::Retiring { until: *end } } else { state };
            (secret.trace(), hot(standing))
        });
        [current].into_iter().chain(previous)
    }
}

/// Whether a secret verifies, as far as the record alone can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It does.
    Active,
    /// It was rotated out and still does, until then.
    Retiring {
        /// From this moment on it is refused.
        until: Timestamp,
    },
    /// Its key is suspended.
    Suspended,
    /// Its key is revoked.
    Revoked,
}

/// What `verify` needs of a key, found by the trace of one of its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotRecord {
    /// The key.
    pub id: KeyId,
    /// The set of keys it verifies in.
    pub keyspace: KeyspaceName,
    /// Who it belongs to.
    pub owner: UserId,
    /// What it may do, at most.
    pub level: Level,
    /// Whether this secret verifies.
    pub standing: Standing,
    /// When the key stops by itself.
    pub expiry: Expiry,
    /// Where it may be used from.
    pub allowlist: Allowlist,
    /// How often it may be used.
    pub rate_limits: RateLimits,
}

static ANYONE: Allowlist = Allowlist::Anyone;
static NO_RATE_LIMITS: RateLimits = RateLimits::none();

/// A [`HotRecord`] whose larger parts are borrowed: cheap to make and to hand on.
#[derive(Clone, Copy, Debug)]
pub struct HotView<'a> {
    /// The key.
    pub id: KeyId,
    /// The set of keys it verifies in.
    pub keyspace: &'a KeyspaceName,
    /// Who it belongs to.
    pub owner: UserId,
    /// What it may do, at most.
    pub level: Level,
    /// Whether this secret verifies.
    pub standing: Standing,
    /// When the key stops by itself.
    pub expiry: Expiry,
    /// Where it may be used from.
    pub allowlist: &'a Allowlist,
    /// How often it may be used.
    pub rate_limits: &'a RateLimits,
}

impl HotRecord {
    /// The record, borrowed.
    pub const fn view(&self) -> HotView<'_> {
        let Self { id, ref keyspace, owner, level, standing, expiry, ref allowlist, ref rate_limits } = *self;
        HotView { id, keyspace, owner, level, standing, expiry, allowlist, rate_limits }
    }
}

impl<'a> HotView<'a> {
    /// The record, on its own.
    pub fn to_record(&self) -> HotRecord {
        let Self { id, keyspace, owner, level, standing, expiry, allowlist, rate_limits } = *self;
        let (allowlist, rate_limits) = (allowlist.clone(), rate_limits.clone());
        HotRecord { id, keyspace: *keyspace, owner, level, standing, expiry, allowlist, rate_limits }
    }

    /// A key for anyone, anywhere and as often as they like.
    pub const fn plain(
        id: KeyId,
        keyspace: &'a KeyspaceName,
        owner: UserId,
        level: Level,
        standing: Standing,
        expiry: Expiry,
    ) -> Self {
        let (allowlist, rate_limits) = (&ANYONE, &NO_RATE_LIMITS);
        Self { id, keyspace, owner, level, standing, expiry, allowlist, rate_limits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::key::{Actor, RevokeReason};

    const END: Timestamp = Timestamp::from_unix_ms(5);

    fn secret(byte: u8, prefix: &str) -> StoredSecret {
        let hash = KeyedHash::from_bytes([byte; 32]);
        StoredSecret {
            pepper: PepperNumber(1),
            prefix: prefix.parse().unwrap(),
            hash,
            sealed: None,
            foreign: None,
        }
    }

    fn key(state: KeyState) -> Key {
        Key {
            id: KeyId::from_bytes([1; 16]),
            keyspace: "native".parse().unwrap(),
            owner: UserId(7),
            comment: Comment::empty(),
            contact: None,
            level: Level::READ,
            allowlist: "10.0.0.1".parse().unwrap(),
            rate_limits: RateLimits::none(),
            state,
            expiry: Expiry::At(END),
            held: Held::default(),
            created: Timestamp::from_unix_ms(0),
            serial: 1,
            secrets: Secrets { current: secret(2, "kw_2"), previous: Some((secret(3, "-sha256-3"), END)) },
            usage: Usage::default(),
        }
    }

    fn revoked() -> KeyState {
        KeyState::Revoked { at: END, by: Actor::Operator, reason: RevokeReason::Unspecified }
    }

    #[test]
    fn a_key_ends_by_its_state_and_an_active_one_by_the_clock() {
        let (before, at) = (Timestamp::from_unix_ms(4), END);
        for (state, early, late, is_live) in [
            (KeyState::Active, Condition::Active, Condition::Expired, true),
            (KeyState::Suspended, Condition::Suspended, Condition::Suspended, true),
            (revoked(), Condition::Revoked, Condition::Revoked, false),
        ] {
            let key = key(state);
            assert_eq!((key.condition(before), key.condition(at), key.is_live()), (early, late, is_live));
        }
    }

    #[test]
    fn both_secrets_are_found_and_the_old_one_retires_with_an_active_key() {
        for (state, new, old) in [
            (KeyState::Active, Standing::Active, Standing::Retiring { until: END }),
            (KeyState::Suspended, Standing::Suspended, Standing::Suspended),
            (revoked(), Standing::Revoked, Standing::Revoked),
        ] {
            let key = key(state);
            let found: Vec<_> = key.hot_records().collect();
            let (current, previous) = (&key.secrets.current, &key.secrets.previous.as_ref().unwrap().0);
            assert_eq!(found.len(), 2);
            for ((trace, record), (secret, standing)) in found.iter().zip([(current, new), (previous, old)]) {
                let hash = KeyTrace { hash: secret.hash, locator: secret.prefix.locator() };
                assert_eq!((*trace, record.standing, &record.allowlist), (hash, standing, &key.allowlist));
                assert_eq!(record.view().to_record(), *record);
            }
            assert!(current.shows_prefix() && !previous.shows_prefix());
        }
        let plain = HotView::plain(
            KeyId::from_bytes([1; 16]),
            &"native".parse().unwrap(),
            UserId(7),
            Level::READ,
            Standing::Active,
            Expiry::Never,
        )
        .to_record();
        assert_eq!((plain.allowlist, plain.rate_limits.all().len()), (Allowlist::Anyone, 0));
    }
}
