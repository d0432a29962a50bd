//! Users and keys as a plain map knows them.

use std::collections::BTreeMap;

use keyward::key::{KeyId, Keyspace, Level, RateLimit, Role, UserId, UserStatus};
use keyward::verify::DenyReason;

use super::rates::rate_limits;

/// Where keys are used from, and lists that have it or have it not.
pub(crate) const CLIENT: &str = "10.1.2.3";
pub(crate) const NETWORKS: [(&str, bool); 4] =
    [("", true), ("10.0.0.0/8", true), ("::ffff:10.1.2.3,::1", true), ("10.1.2.4,2001:db8::/32", false)];

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: Option<u8>,
    pub(crate) role: u8,
    pub(crate) status: UserStatus,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    Active,
    Suspended,
    Revoked,
}

/// A key text; `None` when its answer was lost.
pub(crate) type Text = Option<String>;

#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) owner: UserId,
    pub(crate) keyspace: Keyspace,
    pub(crate) level: u8,
    /// Which of [`NETWORKS`].
    pub(crate) network: usize,
    /// Which of [`rate_limits`].
    pub(crate) limits: u8,
    pub(crate) state: State,
    pub(crate) end: Option<u64>,
    pub(crate) text: Text,
    pub(crate) previous: Option<(Text, u64)>,
    pub(crate) uses: u64,
    /// What was spent: of which limits, and when each of them is free again, in nanoseconds.
    pub(crate) spent: Option<(u8, Vec<u128>)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) people: BTreeMap<UserId, Person>,
    /// In order of creation.
    pub(crate) keys: Vec<(KeyId, Credential)>,
    /// Texts that nothing has any more.
    pub(crate) dead: Vec<(Keyspace, String)>,
}

impl Model {
    pub(crate) fn person(&self, nth: u8) -> Option<UserId> {
        let count = self.people.len();
        (count > 0).then(|| *self.people.keys().nth(usize::from(nth) % count).unwrap())
    }

    pub(crate) fn key(&self, nth: u8) -> Option<usize> {
        (!self.keys.is_empty()).then(|| usize::from(nth) % self.keys.len())
    }

    /// Whether this person is the last administrator, and would not be any more.
    pub(crate) fn is_last_administrator(&self, id: UserId, after: Option<(u8, UserStatus)>) -> bool {
        let administers = |role: u8, status: UserStatus| role == 8 && status == UserStatus::Active;
        let others = self.people.iter().filter(|(other, _)| **other != id);
        administers(self.people[&id].role, self.people[&id].status)
            && !after.is_some_and(|(role, status)| administers(role, status))
            && !others.into_iter().any(|(_, person)| administers(person.role, person.status))
    }

    pub(crate) fn has_name(&self, name: &str, but: Option<UserId>) -> bool {
        self.people.iter().any(|(id, person)| Some(*id) != but && person.name == name)
    }

    pub(crate) fn has_email(&self, email: Option<u8>, but: Option<UserId>) -> bool {
        email.is_some() && self.people.iter().any(|(id, person)| Some(*id) != but && person.email == email)
    }

    /// Gives the user whose number was not known its number.
    pub(crate) fn found_user(&mut self, id: UserId) {
        let person = self.people.remove(&UserId(0)).unwrap();
        self.people.insert(id, person);
    }

    /// Gives the key whose id was not known its id, and its text if that is known.
    pub(crate) fn found_key(&mut self, id: KeyId, text: Text) {
        let (unknown, key) = self.keys.iter_mut().find(|(key, _)| key.to_bytes() == [0; 16]).unwrap();
        (*unknown, key.text) = (id, text);
    }

    /// Takes over the uses that `other` counted.
    pub(crate) fn count_as(&mut self, other: &Self) {
        for (id, key) in &mut self.keys {
            if let Some((_, other)) = other.keys.iter().find(|(other, _)| other == id) {
                key.uses = other.uses;
            }
        }
    }

    /// Takes keys away for good.
    pub(crate) fn bury(&mut self, gone: impl Fn(KeyId, &Credential) -> bool) {
        let (gone, left) = std::mem::take(&mut self.keys).into_iter().partition(|(id, key)| gone(*id, key));
        self.keys = left;
        for (_, key) in gone {
            let texts = [key.text, key.previous.and_then(|(text, _)| text)];
            self.dead.extend(texts.into_iter().flatten().map(|text| (key.keyspace, text)));
        }
    }

    /// Puts a new secret in the place of the current one, which goes on for `grace_ms`.
    pub(crate) fn rotate(&mut self, at: usize, now: u64, grace_ms: u64) {
        let (_, key) = &mut self.keys[at];
        let replaced = key.text.take();
        let older = key.previous.take().and_then(|(text, _)| text);
        let gone = if grace_ms > 0 {
            key.previous = Some((replaced, now + grace_ms));
            [older, None]
        } else {
            [older, replaced]
        };
        self.dead.extend(gone.into_iter().flatten().map(|text| (self.keys[at].1.keyspace, text)));
    }

    /// What using one secret of a key leads to, but for its rate limits. `until` is the end of a rotated-out one.
    pub(crate) fn verdict(
        &self,
        key: &Credential,
        until: Option<u64>,
        now: u64,
    ) -> Result<Level, DenyReason> {
        let owner = &self.people[&key.owner];
        let refused = [
            (key.state == State::Suspended, DenyReason::Suspended),
            (key.state == State::Revoked, DenyReason::Revoked),
            (until.is_some_and(|until| now >= until), DenyReason::RotatedOut),
            (owner.status != UserStatus::Active, DenyReason::OwnerNotActive),
            (key.end.is_some_and(|end| now >= end), DenyReason::Expired),
            (!NETWORKS[key.network].1, DenyReason::AddressNotAllowed),
        ];
        let level = Level::new(key.level.min(Role::ALL[usize::from(owner.role)].level().number())).unwrap();
        refused.into_iter().find(|(wrong, _)| *wrong).map_or(Ok(level), |(_, reason)| Err(reason))
    }
}

impl Credential {
    /// Spends `cost` from all limits or, when it does not fit in each, from none.
    pub(crate) fn spend(&mut self, cost: u32, now: u64) -> bool {
        let limits = rate_limits(self.limits);
        if limits.all().is_empty() {
            return true;
        }
        let arrivals: Vec<_> = limits.all().iter().map(|limit| self.arrival(limit, cost, now)).collect();
        let fits = arrivals.iter().all(Option::is_some);
        if fits && cost > 0 {
            self.spent = Some((self.limits, arrivals.into_iter().flatten().collect()));
        } else if self.spent.as_ref().is_some_and(|(limits, _)| *limits != self.limits) {
            // Other limits begin anew, even when they are only looked at.
            self.spent = None;
        }
        fits
    }

    /// When a limit is free again after it spent `cost` as well; `None` when there is no room for that.
    pub(crate) fn arrival(&self, limit: &RateLimit, cost: u32, now: u64) -> Option<u128> {
        let now = u128::from(now) * 1_000_000;
        let each = u128::from(limit.seconds.get()) * 1_000_000_000 / u128::from(limit.count.get());
        let kept = self.spent.as_ref().filter(|(limits, _)| *limits == self.limits);
        let nth = rate_limits(self.limits).all().iter().position(|other| other == limit)?;
        let next = kept.map_or(0, |(_, arrivals)| arrivals[nth]).max(now) + each * u128::from(cost);
        (next <= now + each * u128::from(limit.burst.get())).then_some(next)
    }
}
