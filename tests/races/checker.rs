//! Reads a history: was everything seen true at some moment while it was looked at?
//!
//! A fact may have the value of any change that had begun when the look ended, unless another change came after that
//! one and was answered before the look began. Changes that overlap the look, or each other, leave both values
//! possible.

use std::collections::HashMap;
use std::fmt::Debug;

use keyward::clock::Timestamp;
use keyward::key::{Allowlist, Expiry, Level};

use crate::history::{
    Ask, KeyTrack, Look, Ranked, Register, Secret, Seen, Span, Standing, TrackedStatus, Write,
};

/// Everything that cannot have happened.
pub(crate) fn check(looks: &[Look]) -> Vec<String> {
    let wrong = |look: &&Look| !possible(look).contains(&look.seen);
    let mut faults: Vec<_> = looks.iter().filter(wrong).map(told).collect();
    let keys: HashMap<_, _> = looks.iter().map(|look| (look.key.id, &look.key)).collect();
    faults.extend(keys.into_values().flat_map(|key| revived(key)));
    faults
}

/// A look, and everything that was changed about what it looked at.
fn told(look: &Look) -> String {
    let Look { key, text, span, clock, ask, seen } = look;
    let KeyTrack { owner, standing, level, expiry, allowlist, .. } = key.as_ref();
    format!(
        "{seen:?} was never true during {span:?}, asked for {ask:?} at {clock:?}\n secret {:?}\n standing {standing:?}\n \
         level {level:?}\n expiry {expiry:?}\n allowlist {allowlist:?}\n owner {:?} {:?}",
        text.secret, owner.status, owner.level
    )
}

/// What came back to life after it had ended for good.
fn revived(key: &KeyTrack) -> Vec<String> {
    let mut faults = Vec::new();
    faults.extend(falls(&key.standing));
    faults.extend(falls(&key.owner.status));
    faults.extend(key.texts.lock().unwrap().iter().filter_map(|text| falls(&text.secret)));
    faults
}

fn falls<T: Ranked + Debug>(register: &Register<T>) -> Option<String> {
    let writes = register.0.lock().unwrap();
    let ended = |later: &Write<T>| {
        let before =
            |write: &&Write<T>| write.span.end < later.span.start && write.value.rank() > later.value.rank();
        writes.iter().find(before)
    };
    let fault = writes.iter().find_map(|later| ended(later).map(|write| (write, later)));
    fault.map(|(write, later)| format!("{:?} after {:?}: {writes:?}", later.value, write.value))
}

/// The values that a fact may have had during a look.
fn values<T: Ranked + Clone>(register: &Register<T>, look: Span) -> Vec<T> {
    let writes = register.0.lock().unwrap();
    let over = |write: &Write<T>| {
        writes.iter().any(|later| {
            let follows = later.span.start > write.span.end || later.value.rank() > write.value.rank();
            later.span.end < look.start && follows
        })
    };
    let may_hold = |write: &&Write<T>| write.span.start < look.end && !over(write);
    writes.iter().filter(may_hold).map(|write| write.value.clone()).collect()
}

/// Everything that the look may have seen.
fn possible(look: &Look) -> Vec<Seen> {
    let (key, owner, span) = (&look.key, &look.key.owner, look.span);
    let standings = values(&key.standing, span);
    let mut seen = Vec::new();
    if standings.contains(&Standing::Deleted) {
        seen.push(Seen::NoSuchKey);
    }
    if standings.contains(&Standing::Revoked) {
        seen.push(Seen::KeyRevoked);
    }
    let (levels, owner_levels) = (values(&key.level, span), values(&owner.level, span));
    let statuses = values(&owner.status, span);
    let (expiries, allowlists) = (values(&key.expiry, span), values(&key.allowlist, span));
    for secret in values(&look.text.secret, span) {
        for standing in &standings {
            for status in &statuses {
                for expiry in &expiries {
                    for allowlist in &allowlists {
                        for (level, owner_level) in both(&levels, &owner_levels) {
                            let state = State {
                                secret,
                                standing: *standing,
                                status: *status,
                                expiry: *expiry,
                                allowlist,
                                level: level.min(owner_level),
                            };
                            // Whatever the clock passed in between made a difference at one of its two ends.
                            seen.extend([look.clock.0, look.clock.1].map(|now| state.judge(look.ask, now)));
                        }
                    }
                }
            }
        }
    }
    seen
}

fn both<'a>(one: &'a [Level], other: &'a [Level]) -> impl Iterator<Item = (Level, Level)> + 'a {
    one.iter().flat_map(|one| other.iter().map(|other| (*one, *other)))
}

/// One value of each fact.
struct State<'a> {
    secret: Secret,
    standing: Standing,
    status: TrackedStatus,
    expiry: Expiry,
    allowlist: &'a Allowlist,
    level: Level,
}

impl State<'_> {
    fn judge(&self, ask: Ask, now: Timestamp) -> Seen {
        match (self.secret, self.standing) {
            (Secret::Replaced, _) | (_, Standing::Deleted) => return Seen::Denied("unknown"),
            _ if self.status == TrackedStatus::Removed => return Seen::Denied("owner_gone"),
            (_, Standing::Suspended) => return Seen::Denied("suspended"),
            (_, Standing::Revoked) => return Seen::Denied("revoked"),
            (Secret::Retiring(end), _) if now >= end => return Seen::Denied("rotated_out"),
            (Secret::Retiring(_) | Secret::Current, Standing::Active) => {}
        }
        if self.status == TrackedStatus::Blocked {
            Seen::Denied("owner_not_active")
        } else if self.expiry.reached(now) {
            Seen::Denied("expired")
        } else if !self.allowlist.allows(ask.client) {
            Seen::Denied("address_not_allowed")
        } else if self.level < ask.level {
            Seen::Denied("level_too_low")
        } else {
            Seen::Allowed(self.level)
        }
    }
}
