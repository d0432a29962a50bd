//! Records of keys.

use crate::clock::Timestamp;
use crate::key::{
    Allowlist, Comment, Contact, Expiry, HotRecord, KeyId, KeyState, KeyStatus, KeyspaceName, Level,
    LookupKey, NarrowedBy, RateLimits, SecretState, Secrets, Usage, UserId,
};

/// Record of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Key id.
    pub id: KeyId,
    /// Keyspace that the key verifies in.
    pub keyspace: KeyspaceName,
    /// Owner.
    pub owner: UserId,
    /// Comment of the owner.
    pub comment: Comment,
    /// Contact for questions.
    pub contact: Option<Contact>,
    /// Level, before the cap of the owner's role.
    pub level: Level,
    /// Allowlist: networks that the key may be used from.
    pub allowlist: Allowlist,
    /// Rate limits, which all secrets of the key share.
    pub rate_limits: RateLimits,
    /// Active, suspended or revoked.
    pub state: KeyState,
    /// Expiry.
    pub expiry: Expiry,
    /// Levels at which other users narrowed these rights.
    pub narrowed_by: NarrowedBy,
    /// Time of creation.
    pub created: Timestamp,
    /// Sequence number of the audit event of the creation: orders keys created in the same millisecond.
    pub serial: u64,
    /// Secrets.
    pub secrets: Secrets,
    /// Uses so far.
    pub usage: Usage,
}

impl Key {
    /// Whether the key is not revoked.
    pub const fn is_live(&self) -> bool {
        match self.state {
            KeyState::Active | KeyState::Suspended => true,
            KeyState::Revoked { .. } => false,
        }
    }

    /// Status of the key at `now`.
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        match self.state {
            KeyState::Active if self.expiry.reached(now) => KeyStatus::Expired,
            KeyState::Active => KeyStatus::Active,
            KeyState::Suspended => KeyStatus::Suspended,
            KeyState::Revoked { .. } => KeyStatus::Revoked,
        }
    }

    /// Returns a hot record for each secret, with the lookup key of that secret. A pure function of the record.
    pub fn hot_records(&self) -> impl Iterator<Item = (LookupKey, HotRecord)> {
        let hot = |secret_state| HotRecord {
            id: self.id,
            keyspace: self.keyspace,
            owner: self.owner,
            level: self.level,
            secret_state,
            expiry: self.expiry,
            allowlist: self.allowlist.clone(),
            rate_limits: self.rate_limits.clone(),
        };
        let state = match self.state {
            KeyState::Active => SecretState::Active,
            KeyState::Suspended => SecretState::Suspended,
            KeyState::Revoked { .. } => SecretState::Revoked,
        };
        let current = (self.secrets.current.lookup_key(), hot(state));
        let previous = self.secrets.previous.as_ref().map(|(secret, end)| {
            let secret_state =
                if state == SecretState::Active { SecretState::Retiring { until: *end } } else { state };
            (secret.lookup_key(), hot(secret_state))
        });
        [current].into_iter().chain(previous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Actor, HotView, KeyedHash, PepperNumber, RevokeReason, StoredSecret};

    const END: Timestamp = Timestamp::from_unix_ms(5);

    fn secret(byte: u8, prefix: &str) -> StoredSecret {
        let hash = KeyedHash::from_bytes([byte; 32]);
        StoredSecret {
            pepper: PepperNumber(1),
            prefix: prefix.parse().unwrap(),
            hash,
            sealed: None,
            imported_hash: None,
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
            narrowed_by: NarrowedBy::default(),
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
            (KeyState::Active, KeyStatus::Active, KeyStatus::Expired, true),
            (KeyState::Suspended, KeyStatus::Suspended, KeyStatus::Suspended, true),
            (revoked(), KeyStatus::Revoked, KeyStatus::Revoked, false),
        ] {
            let key = key(state);
            assert_eq!((key.status(before), key.status(at), key.is_live()), (early, late, is_live));
        }
    }

    #[test]
    fn both_secrets_are_found_and_the_old_one_retires_with_an_active_key() {
        for (state, new, old) in [
            (KeyState::Active, SecretState::Active, SecretState::Retiring { until: END }),
            (KeyState::Suspended, SecretState::Suspended, SecretState::Suspended),
            (revoked(), SecretState::Revoked, SecretState::Revoked),
        ] {
            let key = key(state);
            let found: Vec<_> = key.hot_records().collect();
            let (current, previous) = (&key.secrets.current, &key.secrets.previous.as_ref().unwrap().0);
            assert_eq!(found.len(), 2);
            for ((trace, record), (secret, secret_state)) in
                found.iter().zip([(current, new), (previous, old)])
            {
                let hash = LookupKey { hash: secret.hash, locator: secret.prefix.locator() };
                assert_eq!(
                    (*trace, record.secret_state, &record.allowlist),
                    (hash, secret_state, &key.allowlist)
                );
                assert_eq!(record.view().to_record(), *record);
            }
            assert!(current.shows_prefix() && !previous.shows_prefix());
        }
        let plain = HotView::plain(
            KeyId::from_bytes([1; 16]),
            &"native".parse().unwrap(),
            UserId(7),
            Level::READ,
            SecretState::Active,
            Expiry::Never,
        )
        .to_record();
        assert_eq!((plain.allowlist, plain.rate_limits.all().len()), (Allowlist::Anyone, 0));
    }
}
