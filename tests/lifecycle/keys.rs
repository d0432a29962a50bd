//! What the model does with keys.

use keyward::clock::Timestamp;
use keyward::engine::{EngineError, IdempotencyKey, ImportedKey, KeyChange, NewKey};
use keyward::key::{
    AuditAction, Expiry, ImportedSecret, Issuing, KeyId, KeyState, Keyspace, KeyspaceName, Patch, RateLimits,
    Restriction as _, RevokeReason, Subject, UserId, UserKind,
};
use keyward::limits;

use crate::imports::{identity, own_id};
use crate::model::{Credential, Model, Request, placeholder};
use crate::model_changes::Told;

type Answer = Result<Told, EngineError>;

impl Model {
    /// Whether the owner may come to have a key of this keyspace.
    fn check_issuing(&self, new: &NewKey) -> Result<(), EngineError> {
        let keyspace = Keyspace::named(&new.keyspace).unwrap();
        let owner = &self.user(new.owner)?.user;
        match keyspace.issuing() {
            Issuing::Freely => Ok(()),
            Issuing::OnePerBot if owner.kind != UserKind::Bot => Err(EngineError::ForBotsOnly),
            Issuing::OnePerBot | Issuing::WithAccess if self.live(new.owner, keyspace).is_empty() => Ok(()),
            Issuing::OnePerBot | Issuing::WithAccess => Err(EngineError::HasKey),
        }
    }

    /// With keys that come with access, access begins and ends.
    fn set_access(&mut self, key: &Credential, access: bool) {
        if key.keyspace.issuing() == Issuing::WithAccess && !key.is_revoked() {
            self.users.get_mut(&key.new.owner).unwrap().user.api_access = access;
        }
    }

    /// A new key, with the limits that bind its owner, or binding them by its own.
    pub(crate) fn begin(&mut self, new: NewKey, now: Timestamp, serial: u64) -> Credential {
        let place = (new.owner, new.keyspace);
        let mut key = Credential::begun(new.clone(), now, serial);
        match new.rate_limits {
            None => key.new.rate_limits = Some(self.limits.get(&place).cloned().unwrap_or_default()),
            Some(asked) if key.limited => self.bind(place, &asked),
            Some(_) => {}
        }
        key
    }

    fn bind(&mut self, place: (UserId, KeyspaceName), limits: &RateLimits) {
        let bound =
            self.limits.get(&place).map_or_else(|| Ok(limits.clone()), |bound| bound.tightest(limits));
        self.limits.insert(place, bound.unwrap());
    }

    /// Limits that went from `old` to those of the key bind its owner; widened, those of all keys do anew.
    fn rebind(&mut self, id: KeyId, old: &RateLimits) {
        let key = self.keys.get_mut(&id).unwrap();
        let new = key.new.rate_limits.clone().unwrap();
        let (place, keyspace) = ((key.new.owner, key.new.keyspace), key.keyspace);
        if new.within(old) {
            key.limited = true;
            return self.bind(place, &new);
        }
        key.limited = !new.all().is_empty();
        self.limits.remove(&place);
        for id in self.listing(place.0, Some(keyspace)) {
            let key = self.keys[&id].clone();
            let limits = key.new.rate_limits.clone().unwrap();
            if key.limited && !key.is_revoked() && !limits.all().is_empty() {
                self.bind(place, &limits);
            }
        }
    }

    pub(crate) fn create_key(&mut self, new: NewKey, now: Timestamp) -> Answer {
        self.user(new.owner)?;
        check_expiry(new.expiry.unwrap_or_default(), now)?;
        self.check_issuing(&new)?;
        let key = self.begin(new, now, self.next_event());
        self.set_access(&key, true);
        self.keys.insert(placeholder(0), key);
        self.record(now, AuditAction::KeyCreated, Subject::Key(placeholder(0)));
        Ok(Told::Key(placeholder(0)))
    }

    pub(crate) fn create_key_idempotent(
        &mut self,
        new: NewKey,
        mark: IdempotencyKey,
        now: Timestamp,
    ) -> Answer {
        self.user(new.owner)?;
        if let Some(before) = self.requests.get(&mark.name).filter(|before| before.until > now) {
            if before.content != mark.content {
                return Err(EngineError::IdempotencyKeyReused);
            }
            return self.key(before.key).map(|_| Told::Key(before.key));
        }
        let told = self.create_key(new, now)?;
        let until = now.plus_ms(limits::REQUEST_KEPT_MS);
        self.requests.insert(mark.name, Request { content: mark.content, key: placeholder(0), until });
        Ok(told)
    }

    pub(crate) fn update_key(&mut self, id: KeyId, change: KeyChange, now: Timestamp) -> Answer {
        let old = self.key(id)?.clone();
        if old.is_revoked() {
            return Err(EngineError::KeyRevoked);
        }
        if let Some(expiry) = change.expiry {
            check_expiry(expiry, now)?;
        }
        let KeyChange { comment, contact, level, allowlist, rate_limits, expiry, active } = change;
        let before = old.new.clone();
        let new = NewKey {
            comment: comment.unwrap_or(before.comment),
            contact: match contact {
                Patch::Keep => before.contact,
                Patch::Clear => None,
                Patch::Set(contact) => Some(contact),
            },
            level: level.unwrap_or(before.level),
            allowlist: allowlist.or(before.allowlist),
            rate_limits: rate_limits.or(before.rate_limits),
            expiry: expiry.or(before.expiry),
            ..before
        };
        let state = match active {
            Some(true) => KeyState::Active,
            Some(false) => KeyState::Suspended,
            None => old.state.clone(),
        };
        let fields = format!("{new:?}") != format!("{:?}", old.new);
        if fields || state != old.state {
            let action = match state {
                KeyState::Active if !fields => AuditAction::KeyResumed,
                KeyState::Suspended if !fields => AuditAction::KeySuspended,
                _ => AuditAction::KeyUpdated,
            };
            let limits =
                (new.rate_limits != old.new.rate_limits).then(|| old.new.rate_limits.clone().unwrap());
            self.keys.insert(id, Credential { new, state, ..old });
            limits.iter().for_each(|old| self.rebind(id, old));
            self.record(now, action, Subject::Key(id));
        }
        Ok(Told::Key(id))
    }

    pub(crate) fn rotate_key(&mut self, id: KeyId, grace_ms: u64, now: Timestamp) -> Answer {
        self.key(id)?;
        if grace_ms > limits::GRACE_MS_MAX {
            return Err(EngineError::GraceTooLong);
        }
        self.replace_text(id, None, (grace_ms > 0).then(|| now.plus_ms(grace_ms)), now)
    }

    fn replace_text(
        &mut self,
        id: KeyId,
        text: Option<String>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Answer {
        if self.key(id)?.is_revoked() {
            return Err(EngineError::KeyRevoked);
        }
        let key = self.keys.get_mut(&id).unwrap();
        let replaced = std::mem::replace(&mut key.text, text);
        key.previous = until.map(|until| (replaced, until));
        self.record(now, AuditAction::KeyRotated, Subject::Key(id));
        Ok(Told::Key(id))
    }

    pub(crate) fn stage_rotation(&mut self, id: KeyId, now: Timestamp) -> Answer {
        if self.key(id)?.is_revoked() {
            return Err(EngineError::KeyRevoked);
        }
        self.proposals.insert(id, (None, now.plus_ms(limits::STAGED_ROTATION_MS)));
        Ok(Told::Key(id))
    }

    pub(crate) fn commit_rotation(&mut self, id: KeyId, now: Timestamp) -> Answer {
        self.key(id)?;
        let proposed = self.proposals.remove(&id).filter(|(_, until)| *until > now);
        let (text, _) = proposed.ok_or(EngineError::NoStagedRotation)?;
        self.replace_text(id, text, None, now)
    }

    pub(crate) fn cancel_rotation(&mut self, id: KeyId) -> Answer {
        self.key(id)?;
        self.proposals.remove(&id);
        Ok(Told::Done)
    }

    pub(crate) fn revoke_key(&mut self, id: KeyId, reason: RevokeReason, now: Timestamp) -> Answer {
        let key = self.key(id)?.clone();
        if !key.is_revoked() {
            self.set_access(&key, false);
            self.keys.get_mut(&id).unwrap().revoke(now, reason);
            self.record(now, AuditAction::KeyRevoked, Subject::Key(id));
        }
        Ok(Told::Key(id))
    }

    pub(crate) fn delete_key(&mut self, id: KeyId, now: Timestamp) -> Answer {
        let key = self.key(id)?.clone();
        self.set_access(&key, false);
        self.keys.remove(&id);
        self.deleted.insert(id, (key, now.plus_ms(limits::DELETED_KEPT_MS)));
        self.record(now, AuditAction::KeyDeleted, Subject::Key(id));
        Ok(Told::Done)
    }

    pub(crate) fn undelete_key(&mut self, id: KeyId, now: Timestamp) -> Answer {
        let kept = self.deleted.get(&id).filter(|(_, until)| *until > now);
        let (mut key, until) = kept.ok_or(EngineError::NoSuchKey)?.clone();
        key.came_back = true;
        if self.keys.contains_key(&id) || !self.users.contains_key(&key.new.owner) {
            return Err(EngineError::NoSuchKey);
        }
        let owner = self.users[&key.new.owner].user.clone();
        let lost = |demoted: Timestamp| demoted.plus_ms(limits::DELETED_KEPT_MS) >= until;
        if key.keyspace == Keyspace::FREESEWING && !key.is_revoked() && owner.demoted.is_some_and(lost) {
            return Err(EngineError::LostByDemotion);
        }
        if key.keyspace.issuing() == Issuing::WithAccess && !key.is_revoked() && !owner.api_access {
            return Err(EngineError::NoAccess);
        }
        let comes_alone = key.keyspace.issuing() != Issuing::Freely && !key.is_revoked();
        if comes_alone && !self.live(key.new.owner, key.keyspace).is_empty() {
            return Err(EngineError::HasKey);
        }
        let previous = key.previous.as_ref().map(|(text, _)| text);
        if [Some(&key.text), previous].into_iter().flatten().flatten().any(|text| self.has_text(text)) {
            return Err(EngineError::HasText);
        }
        self.deleted.remove(&id);
        self.keys.insert(id, key);
        self.record(now, AuditAction::KeyUndeleted, Subject::Key(id));
        Ok(Told::Key(id))
    }

    fn has_text(&self, wanted: &str) -> bool {
        self.secrets().any(|(_, _, text, _)| text.as_deref() == Some(wanted))
    }

    pub(crate) fn import_keys(&mut self, keys: &[ImportedKey], dry: bool, now: Timestamp) -> Answer {
        let mut after = self.clone();
        let serial = self.next_event();
        let imported: Vec<_> = keys
            .iter()
            .zip(0..)
            .map(|(key, nth)| after.import_key(key, placeholder(nth), serial, now))
            .collect();
        let made = imported.iter().filter(|one| matches!(one, Ok(true))).count();
        if !dry && made > 0 {
            *self = after;
            self.record(now, AuditAction::KeysImported, Subject::Keys(made as u64));
        }
        Ok(Told::Imported(imported))
    }

    /// Whether the key is new.
    fn import_key(
        &mut self,
        ImportedKey { new, secret, past: _ }: &ImportedKey,
        id: KeyId,
        serial: u64,
        now: Timestamp,
    ) -> Result<bool, EngineError> {
        check_expiry(new.expiry.unwrap_or_default(), now)?;
        let identity = identity(secret);
        let own = own_id(new, secret).is_some_and(|id| self.keys.contains_key(&id));
        if own || self.keys.values().any(|key| key.identity.as_ref() == Some(&identity)) {
            return Ok(false);
        }
        self.user(new.owner)?;
        let mut key = Credential::begun(new.clone(), now, serial);
        if let ImportedSecret::Text(text) = secret {
            key.text = Some(text.to_string());
            if self.has_text(text) {
                return Err(EngineError::HasText);
            }
        } else {
            key.text = Some(crate::imports::text_of(secret).to_owned());
        }
        self.check_issuing(new)?;
        key.new = self.begin(new.clone(), now, serial).new;
        key.identity = own_id(new, secret).is_none().then_some(identity);
        self.set_access(&key, true);
        self.keys.insert(id, key);
        Ok(true)
    }
}

/// An end has to lie ahead.
fn check_expiry(expiry: Expiry, now: Timestamp) -> Result<(), EngineError> {
    match expiry {
        Expiry::At(end) if end <= now || end > now.plus_ms(limits::LIFE_MS_MAX) => {
            Err(EngineError::ExpiryOutOfRange)
        }
        Expiry::At(_) | Expiry::Never => Ok(()),
    }
}
