//! What is stored about one key.

use super::{
    Allowlist, Comment, Condition, Email, Expiry, KeyId, KeyState, KeyTrace, KeyedHash, KeyspaceName, Level,
    PepperNumber, Prefix, RateLimits, SealedCopy, SlowHash, Usage, UserId,
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
    pub contact: Option<Email>,
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
