//! What must be in the store after a kill, told from what the child said.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use keyward::engine::{Engine, Reader};
use keyward::key::{
    Actor, Allowlist, Expiry, Key, KeyId, KeyState, Keyspace, Level, NarrowedBy, RateLimits, RevokeReason,
    Role, Secrets, Usage, User, UserId, UserKind, UserStatus,
};
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};

use super::history::{Answer, History, Operation};
use super::writer::{self, NOW};

/// All users and keys, the texts that were ever issued, and how many changes there were.
#[derive(Default)]
pub(crate) struct Oracle {
    users: BTreeMap<UserId, User>,
    keys: BTreeMap<KeyId, Key>,
    /// Texts of each key's current and previous secret; of a secret that was never answered, none may be known.
    texts: BTreeMap<KeyId, [Option<String>; 2]>,
    /// Texts that nothing may be found by any more.
    dead: Vec<(Keyspace, String)>,
    /// Every number that a user ever had.
    numbers: BTreeSet<UserId>,
    events: u64,
    pub(crate) figures: Figures,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    kills: u64,
    /// Kills before the first answer.
    early: u64,
    answered: u64,
    in_flight: u64,
    /// Operations in flight that were done.
    done: u64,
    /// Texts verified.
    verified: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, more: Self) {
        self.kills += more.kills;
        self.early += more.early;
        self.answered += more.answered;
        self.in_flight += more.in_flight;
        self.done += more.done;
        self.verified += more.verified;
    }
}

/// Users and keys as a reader finds them.
struct Found {
    users: BTreeMap<UserId, User>,
    keys: BTreeMap<KeyId, Key>,
}

impl Found {
    fn of(reader: &Reader) -> Self {
        let users = reader.users(None, usize::MAX).unwrap();
        let keys = users.iter().flat_map(|user| reader.keys_of(user.id, None, None, usize::MAX).unwrap().0);
        let keys = keys.map(|key| (key.id, Key { usage: Usage::default(), ..key })).collect();
        Self { keys, users: users.into_iter().map(|user| (user.id, user)).collect() }
    }
}

impl Oracle {
    /// Compares what is below `root` with everything said so far, and takes over which operations in flight were
    /// done.
    ///
    /// # Errors
    /// What is lost, half or too much, in words.
    pub(crate) fn check(&mut self, root: &Path, history: &History) -> Result<(), String> {
        for (operation, answer) in &history.answered {
            self.apply(operation, answer).map_err(|why| format!("wrong: {why}"))?;
        }
        let (_, engine) = writer::open(root).map_err(|error| format!("lost: {error}"))?;
        let reader = engine.reader();
        let found = Found::of(&reader);
        for operation in &history.in_flight {
            if let Some(answer) = self.trace(operation, &found, &reader) {
                self.apply(operation, &answer).map_err(|why| format!("half: {why}"))?;
                self.figures.done += 1;
            }
        }
        self.compare(&found)?;
        self.check_store(&engine, history.seen)?;
        self.verify_all(&Verifier::new(reader))?;
        self.figures.kills += 1;
        self.figures.early += u64::from(history.answered.is_empty());
        self.figures.answered += history.answered.len() as u64;
        self.figures.in_flight += history.in_flight.len() as u64;
        Ok(())
    }

    /// What the operation would have answered, if there is any trace of it.
    fn trace(&self, operation: &Operation, found: &Found, reader: &Reader) -> Option<Answer> {
        match operation {
            Operation::AddUser { name } => found
                .users
                .values()
                .find(|user| user.username.as_str() == name)
                .map(|user| Answer::of(user, None)),
            Operation::UpdateUser { user, .. } => {
                let user = found.users.get(&UserId(*user))?;
                (self.users.get(&user.id) != Some(user)).then(|| Answer::of(user, None))
            }
            Operation::RemoveUser { user } => {
                (!found.users.contains_key(&UserId(*user))).then(Answer::default)
            }
            Operation::DeleteKey { key } => (!found.keys.contains_key(&id(key))).then(Answer::default),
            Operation::CreateKey { comment, .. } => {
                let key = found.keys.values().find(|key| key.comment.as_str() == comment)?;
                Some(Answer::of(key, text(key, reader)))
            }
            Operation::RotateKey { key, .. } => {
                let key = self.changed(key, found)?;
                Some(Answer::of(key, text(key, reader)))
            }
            Operation::UpdateKey { key, .. }
            | Operation::SetActive { key, .. }
            | Operation::RevokeKey { key } => Some(Answer::of(self.changed(key, found)?, None)),
        }
    }

    fn changed<'a>(&self, key: &str, found: &'a Found) -> Option<&'a Key> {
        let key = found.keys.get(&id(key))?;
        (self.keys.get(&key.id) != Some(key)).then_some(key)
    }

    /// Does to the model what `operation` did, if `answer` is what it must answer.
    fn apply(&mut self, operation: &Operation, answer: &Answer) -> Result<(), String> {
        self.events += 1;
        match operation {
            Operation::AddUser { .. } | Operation::UpdateUser { .. } => {
                let user: User = answer.record();
                let before = self.users.remove(&user.id);
                if before.is_none() && !self.numbers.insert(user.id) {
                    return Err(format!("number {} is given twice", user.id));
                }
                equal(&user_after(operation, before, &user), &Some(user.clone()))?;
                self.users.insert(user.id, user);
            }
            Operation::RemoveUser { user } => {
                self.users.remove(&UserId(*user)).ok_or("no such user")?;
                let keys: Vec<KeyId> =
                    self.keys.values().filter(|key| key.owner.0 == *user).map(|key| key.id).collect();
                keys.into_iter().for_each(|key| self.bury(key));
            }
            Operation::DeleteKey { key } => self.bury(id(key)),
            Operation::CreateKey { .. }
            | Operation::UpdateKey { .. }
            | Operation::SetActive { .. }
            | Operation::RotateKey { .. }
            | Operation::RevokeKey { .. } => {
                let key = Key { usage: Usage::default(), ..answer.record() };
                equal(&key_after(operation, self.keys.remove(&key.id), &key), &Some(key.clone()))?;
                self.keep_texts(operation, &key, answer.text.clone());
                self.keys.insert(key.id, key);
            }
        }
        Ok(())
    }

    fn keep_texts(&mut self, operation: &Operation, key: &Key, text: Option<String>) {
        let [current, previous] = self.texts.entry(key.id).or_default();
        match operation {
            Operation::CreateKey { .. } => *current = text,
            Operation::RotateKey { grace_ms, .. } => {
                let replaced = std::mem::replace(current, text);
                let (kept, ended) = if *grace_ms > 0 { (replaced, None) } else { (None, replaced) };
                let ended = [std::mem::replace(previous, kept), ended];
                self.dead.extend(ended.into_iter().flatten().map(|text| (space(key), text)));
            }
            _ => {}
        }
    }

    fn bury(&mut self, id: KeyId) {
        let Some(key) = self.keys.remove(&id) else { return };
        let texts = self.texts.remove(&id).into_iter().flatten().flatten();
        self.dead.extend(texts.map(|text| (space(&key), text)));
    }

    fn compare(&self, found: &Found) -> Result<(), String> {
        for (id, user) in &self.users {
            let found = found.users.get(id).ok_or_else(|| format!("lost: {user:?}"))?;
            equal(user, found).map_err(|why| format!("lost: {why}"))?;
        }
        for (id, key) in &self.keys {
            let found = found.keys.get(id).ok_or_else(|| format!("lost: {key:?}"))?;
            equal(key, found).map_err(|why| format!("lost: {why}"))?;
        }
        let users = found.users.values().filter(|user| !self.users.contains_key(&user.id));
        let keys = found.keys.values().filter(|key| !self.keys.contains_key(&key.id));
        match (users.collect::<Vec<_>>(), keys.collect::<Vec<_>>()) {
            (users, keys) if users.is_empty() && keys.is_empty() => Ok(()),
            more => Err(format!("lost: a removal of {more:?}")),
        }
    }

    fn check_store(&self, engine: &Engine, seen: u64) -> Result<(), String> {
        let report = engine.check().map_err(|error| format!("lost: {error}"))?;
        if !report.findings.is_empty() {
            return Err(format!("half: {:?}", report.findings));
        }
        let expected = (self.users.len() as u64, self.keys.len() as u64, self.events);
        let counted = (report.users, report.keys, report.events);
        equal(&expected, &counted).map_err(|why| format!("half: users, keys, events: {why}"))?;
        if seen > report.events {
            return Err(format!("lost: event {seen} was seen, {} are there", report.events));
        }
        Ok(())
    }

    /// Presents every text that was ever issued.
    fn verify_all(&mut self, verifier: &Verifier) -> Result<(), String> {
        for (id, texts) in &self.texts {
            let key = &self.keys[id];
            for text in texts.iter().flatten() {
                let verdict = verify(verifier, &space(key), text);
                let decided = match &verdict {
                    Verdict::Allow(identity) => Ok((identity.key, identity.user, identity.level)),
                    Verdict::Deny(reason) => Err(*reason),
                };
                equal(&expected(key, &self.users[&key.owner]), &decided)
                    .map_err(|why| format!("lost: verdict: {why}"))?;
                self.figures.verified += 1;
            }
        }
        for (keyspace, text) in &self.dead {
            equal(&Verdict::Deny(DenyReason::Unknown), &verify(verifier, keyspace, text))
                .map_err(|why| format!("lost: verdict of a text that ended: {why}"))?;
            self.figures.verified += 1;
        }
        Ok(())
    }
}

/// The user as `operation` must have left it; `now` gives only what cannot be foreseen.
fn user_after(operation: &Operation, before: Option<User>, now: &User) -> Option<User> {
    match (operation, before) {
        (Operation::AddUser { name }, None) => Some(User {
            id: now.id,
            username: name.parse().unwrap(),
            display_name: None,
            email: None,
            kind: UserKind::Person { password: None },
            role: Role::User,
            company: None,
            status: UserStatus::Active,
            api_access: false,
            api_access_removed_by: Level::AUTHENTICATE,
            demoted: None,
            created: NOW,
        }),
        (Operation::UpdateUser { email, role, blocked, .. }, Some(before)) => Some(User {
            email: Some(email.parse().unwrap()),
            role: Role::ALL[*role],
            status: if *blocked { UserStatus::Blocked } else { UserStatus::Active },
            demoted: if Role::ALL[*role].level() < before.role.level()
                || (*blocked && before.status == UserStatus::Active)
            {
                Some(NOW)
            } else {
                before.demoted
            },
            ..before
        }),
        _ => None,
    }
}

/// The key as `operation` must have left it; `now` gives only what cannot be foreseen.
fn key_after(operation: &Operation, before: Option<Key>, now: &Key) -> Option<Key> {
    let fresh = now.secrets.current.clone();
    match (operation, before) {
        (Operation::CreateKey { owner, keyspace, comment }, None) => Some(Key {
            id: now.id,
            keyspace: keyspace.parse().unwrap(),
            owner: UserId(*owner),
            comment: comment.parse().unwrap(),
            contact: None,
            level: Level::OWN,
            allowlist: Allowlist::Anyone,
            rate_limits: RateLimits::none(),
            state: KeyState::Active,
            expiry: Expiry::Never,
            // The level counts as lowered where the owner had a higher role just then.
            narrowed_by: NarrowedBy { level: now.narrowed_by.level, ..NarrowedBy::default() },
            created: NOW,
            serial: now.serial,
            secrets: Secrets { current: fresh, previous: None },
            usage: Usage::default(),
        }),
        (Operation::UpdateKey { comment, level, .. }, Some(before)) => {
            let level = Level::new(*level).unwrap();
            let held = match level.cmp(&before.level) {
                Ordering::Equal => before.narrowed_by.level,
                Ordering::Greater if level == Level::ALL => Level::AUTHENTICATE,
                Ordering::Greater | Ordering::Less => Level::ALL,
            };
            let held = NarrowedBy { level: held, ..before.narrowed_by };
            Some(Key { comment: comment.parse().unwrap(), level, narrowed_by: held, ..before })
        }
        (Operation::SetActive { active, .. }, Some(before)) => {
            let (state, held) = match (active, &before.state) {
                (true, KeyState::Suspended) => (KeyState::Active, Level::AUTHENTICATE),
                (true, _) => (KeyState::Active, before.narrowed_by.state),
                (false, _) => (KeyState::Suspended, Level::ALL),
            };
            Some(Key { state, narrowed_by: NarrowedBy { state: held, ..before.narrowed_by }, ..before })
        }
        (Operation::RotateKey { grace_ms, .. }, Some(before))
            if before.secrets.current.hash != fresh.hash =>
        {
            let previous = (*grace_ms > 0).then(|| (before.secrets.current.clone(), NOW.plus_ms(*grace_ms)));
            Some(Key { secrets: Secrets { current: fresh, previous }, ..before })
        }
        (Operation::RevokeKey { .. }, Some(before)) => {
            let state = KeyState::Revoked { at: NOW, by: Actor::Operator, reason: RevokeReason::Superseded };
            Some(Key { state, ..before })
        }
        _ => None,
    }
}

fn expected(key: &Key, owner: &User) -> Result<(KeyId, UserId, Level), DenyReason> {
    match key.state {
        KeyState::Suspended => Err(DenyReason::Suspended),
        KeyState::Revoked { .. } => Err(DenyReason::Revoked),
        KeyState::Active if owner.status != UserStatus::Active => Err(DenyReason::OwnerNotActive),
        KeyState::Active => Ok((key.id, owner.id, key.level.min(owner.role.level()))),
    }
}

fn verify(verifier: &Verifier, keyspace: &Keyspace, text: &str) -> Verdict {
    let request = VerifyRequest::new(keyspace, text);
    verifier.verify(&request).unwrap()
}

/// The text of a key whose creator never got it, where it can be shown again.
fn text(key: &Key, reader: &Reader) -> Option<String> {
    reader.text(key).unwrap().map(|text| text.reveal().to_string())
}

fn id(text: &str) -> KeyId {
    text.parse().unwrap()
}

fn space(key: &Key) -> Keyspace {
    Keyspace::named(&key.keyspace).unwrap()
}

fn equal<T: PartialEq + std::fmt::Debug>(expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("expected {expected:?}, found {found:?}")) }
}
