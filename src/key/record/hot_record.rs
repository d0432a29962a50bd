//! Hot records: what verifying needs of a key.

use crate::clock::Timestamp;
use crate::key::{Allowlist, Expiry, KeyId, KeyspaceName, Level, RateLimits, UserId};

/// State of a secret, from its record alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretState {
    /// The secret verifies.
    Active,
    /// The secret was rotated out and verifies until its grace period ends.
    Retiring {
        /// Denied from this time on.
        until: Timestamp,
    },
    /// The key is suspended.
    Suspended,
    /// The key is revoked.
    Revoked,
}

/// Hot record: what verifying needs of a key. One for each secret, found by the lookup key of the secret. The fields are
/// those of [`Key`](crate::key::Key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotRecord {
    /// Key id.
    pub id: KeyId,
    /// Keyspace that the key verifies in.
    pub keyspace: KeyspaceName,
    /// Owner.
    pub owner: UserId,
    /// Level, before the cap of the owner's role.
    pub level: Level,
    /// State of this secret.
    pub secret_state: SecretState,
    /// Expiry.
    pub expiry: Expiry,
    /// Allowlist.
    pub allowlist: Allowlist,
    /// Rate limits.
    pub rate_limits: RateLimits,
}

static ANYONE: Allowlist = Allowlist::Anyone;
static NO_RATE_LIMITS: RateLimits = RateLimits::none();

/// [`HotRecord`] with its larger fields borrowed, so that making one copies little.
#[derive(Clone, Copy, Debug)]
pub struct HotView<'a> {
    /// Key id.
    pub id: KeyId,
    /// Keyspace that the key verifies in.
    pub keyspace: &'a KeyspaceName,
    /// Owner.
    pub owner: UserId,
    /// Level, before the cap of the owner's role.
    pub level: Level,
    /// State of this secret.
    pub secret_state: SecretState,
    /// Expiry.
    pub expiry: Expiry,
    /// Allowlist.
    pub allowlist: &'a Allowlist,
    /// Rate limits.
    pub rate_limits: &'a RateLimits,
}

impl HotRecord {
    /// Returns a view of the record.
    pub const fn view(&self) -> HotView<'_> {
        let Self { id, ref keyspace, owner, level, secret_state, expiry, ref allowlist, ref rate_limits } =
            *self;
        HotView { id, keyspace, owner, level, secret_state, expiry, allowlist, rate_limits }
    }
}

impl<'a> HotView<'a> {
    /// Returns the record, with its own copies.
    pub fn to_record(&self) -> HotRecord {
        let Self { id, keyspace, owner, level, secret_state, expiry, allowlist, rate_limits } = *self;
        let (allowlist, rate_limits) = (allowlist.clone(), rate_limits.clone());
        HotRecord { id, keyspace: *keyspace, owner, level, secret_state, expiry, allowlist, rate_limits }
    }

    /// Returns the view of a key without allowlist and rate limits.
    pub const fn plain(
        id: KeyId,
        keyspace: &'a KeyspaceName,
        owner: UserId,
        level: Level,
        secret_state: SecretState,
        expiry: Expiry,
    ) -> Self {
        let (allowlist, rate_limits) = (&ANYONE, &NO_RATE_LIMITS);
        Self { id, keyspace, owner, level, secret_state, expiry, allowlist, rate_limits }
    }
}
