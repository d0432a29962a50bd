//! Hot state: what logins and verifies count and spend in memory, without the write lane.
//!
//! The verifier and the authenticator change it; write-behind empties it into the store. A crash loses the uses and auth
//! events of the last minute and every rate limit's state, and nothing else.
//!
//! Alternative: writing a use with its verify. A write costs a sync, and a verify costs less than a microsecond.

use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::index::{Found, HotIndex, OverLimit, Rates};
use crate::key::{HotView, Key, KeyId, Quota, Spend, Usage, Use, UserId};

use super::auth_events::AuthEvents;
use super::rehash::RehashRequests;
use super::use_overflow::UseOverflow;

/// Counters of uses, state of rate limits, and auth events that are not written yet.
pub struct HotState {
    pub(in crate::engine) index: Arc<HotIndex>,
    pub(in crate::engine) rates: Rates,
    pub(in crate::engine) uses: UseOverflow,
    pub(in crate::engine) rehashes: RehashRequests,
    pub(in crate::engine) auth_events: AuthEvents,
}

impl HotState {
    pub(in crate::engine) fn new(index: Arc<HotIndex>) -> Self {
        Self {
            index,
            rates: Rates::default(),
            uses: UseOverflow::default(),
            rehashes: RehashRequests::default(),
            auth_events: AuthEvents::default(),
        }
    }

    /// Counts a use of a key that a look-up found.
    ///
    /// # Durability
    /// Written within a minute and at a stop. A crash loses uses that are not written.
    #[inline(always)]
    pub fn count_use(&self, found: &Found<'_>, now: Timestamp, from: Option<&IpAddr>) {
        let count = found.note_use(now, from);
        if count > 0 {
            self.count_outside_slot(found.record.id, count, Use { at: now, from: from.copied() });
        }
    }

    #[cold]
    fn count_outside_slot(&self, key: KeyId, count: u32, last: Use) {
        self.uses.note(key, Usage { count: count.into(), last: Some(last) });
    }

    /// Spends from a key's rate limits: from each limit of the request, or from none. Returns the quota with the least
    /// left.
    ///
    /// # Errors
    /// [`OverLimit`] when one of the limits has not enough left. Deny the use.
    ///
    /// # Durability
    /// Never stored: every rate limit begins full at a start.
    #[inline(always)]
    pub fn spend(
        &self,
        record: HotView<'_>,
        spend: Spend,
        now: Timestamp,
    ) -> Result<Option<Quota>, OverLimit> {
        let limits = record.rate_limits;
        if limits.all().is_empty() { Ok(None) } else { self.rates.spend(record.id, limits, spend, now) }
    }

    /// Records a login for the audit. Several logins of one user from one network within a minute are one event with
    /// their number.
    ///
    /// # Durability
    /// Written within a minute and at a stop. A crash loses events that are not written.
    pub fn record_login(&self, user: UserId, from: Option<IpAddr>) {
        self.auth_events.record_login(user, from);
    }

    /// Records a refused login for the audit, with the reason `why` unless the password was wrong.
    ///
    /// An hour has one event for each network, user and reason, and at most 100 events of refused logins, also over
    /// restarts. One more event at its end has the number of the others.
    ///
    /// # Security
    /// The login name that a client typed is never stored: it may be a password.
    ///
    /// # Durability
    /// As [`HotState::record_login`].
    pub fn record_login_refused(
        &self,
        user: Option<UserId>,
        why: Option<&'static str>,
        from: Option<IpAddr>,
    ) {
        self.auth_events.record_login_refused(user, why, from);
    }

    /// Records that a key was denied and why, in the same way as a refused login.
    #[cold]
    pub(crate) fn record_denial(&self, key: KeyId, why: &'static str, from: Option<IpAddr>) {
        self.auth_events.record_denial(key, why, from);
    }

    /// Returns the uses of a key that are not written yet.
    pub(in crate::engine) fn unwritten_uses(&self, key: &Key, now: Timestamp) -> Usage {
        let mut usage = self.uses.of(key.id);
        usage.merge(self.index.orphaned_uses_of(key.id, now));
        usage.merge(self.index.uses_of(&key.secrets.current.lookup_key(), now));
        if let Some((previous, _)) = &key.secrets.previous {
            usage.merge(self.index.uses_of(&previous.lookup_key(), now));
        }
        usage
    }
}
