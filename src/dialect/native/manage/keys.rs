//! Requests about keys.

use std::collections::HashMap;

use super::RequestContext;
use super::body::{KeyPatch, NewKeyBody, RevokeBody, RotateBody};
use crate::command::{
    Command, CommandError, CreateKey, CreateKeyOnce, FindKeys, KeyPage, KeyRef, KeyWithText, RevokeKey,
    RotateKey, ShowText, ShowUser, UndeleteKey, UpdateKey, UserRef,
};
use crate::dialect::native::refusal::Refusal;
use crate::dialect::native::route::KeyAction;
use crate::dialect::native::{decode, encode};
use crate::engine::{CreateOutcome, EngineError, IdempotencyKey, KeyChange, KeyFilter};
use crate::http::RawResponse;
use crate::key::{Key, KeyId, User, UserId, Username};
use crate::limits;

impl RequestContext<'_> {
    pub(super) fn keys(&self) -> Result<RawResponse, Refusal> {
        let [owner, keyspace, state, prefix, after, limit] =
            decode::query(&self.request.query, ["owner", "keyspace", "state", "prefix", "after", "limit"])?;
        let owner = owner.map(|owner| decode::parsed::<Username>("owner", &owner)).transpose()?;
        let filter = KeyFilter {
            keyspace: keyspace.map(|name| decode::parsed("keyspace", &name)).transpose()?,
            condition: state.map(|state| state.parse()).transpose()?,
            prefix: prefix.map(|prefix| decode::parsed("prefix", &prefix)).transpose()?,
        };
        let KeyPage { keys, next } = self.run(FindKeys {
            owner: owner.map(UserRef::Name),
            filter,
            after: after.as_deref().map(decode::cursor).transpose()?,
            limit: decode::limit(limit)?,
        })?;
        let keys: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
        let next = next.map(|cursor| cursor.to_string());
        Ok(encode::keys(&keys, &self.owners_of(&keys)?, next, self.service.now()))
    }

    /// The login names of the owners; one who was removed in between has none.
    fn owners_of(&self, keys: &[Key]) -> Result<HashMap<UserId, Username>, Refusal> {
        let mut owners = HashMap::new();
        for key in keys {
            if !owners.contains_key(&key.owner)
                && let Some(owner) = self.owner_of(key)?
            {
                owners.insert(key.owner, owner);
            }
        }
        Ok(owners)
    }

    pub(super) fn create_key(&self) -> Result<RawResponse, Refusal> {
        let body: NewKeyBody = decode::body(self.request)?;
        let owner = match (&body.owner, self.caller.id()) {
            (Some(name), _) => UserRef::Name(name.0.clone()),
            (None, Some(id)) => UserRef::Id(id),
            (None, None) => return Err(Refusal::invalid("owner is needed: whose key it is")),
        };
        let owner = self.find_user(owner)?;
        let draft = body.draft(owner.id, self.service.now())?;
        let created = match self.mark()? {
            Some(mark) => self.run(CreateKeyOnce { new: draft, mark })?,
            None => self.run(CreateKey(draft))?.into(),
        };
        let now = self.service.now();
        Ok(match created {
            CreateOutcome::Created(key, text) => encode::issued(201, &key, Some(&owner.username), text, now),
            CreateOutcome::Repeated(key) => encode::issued_before(&key, Some(&owner.username), now),
        })
    }

    /// What tells this request from others, if it has a name.
    fn mark(&self) -> Result<Option<IdempotencyKey>, Refusal> {
        let Some(name) = self.request.header("idempotency-key") else { return Ok(None) };
        let right = (1..=limits::REQUEST_NAME_BYTES_MAX).contains(&name.len());
        if !right || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::invalid(format!(
                "Idempotency-Key must be 1 to {} letters, digits and signs",
                limits::REQUEST_NAME_BYTES_MAX
            )));
        }
        let hash = |bytes: &[u8]| *blake3::hash(bytes).as_bytes();
        Ok(Some(IdempotencyKey { name: hash(name.as_bytes()), content: hash(self.request.body.bytes()) }))
    }

    pub(super) fn update_key(&self, id: KeyId) -> Result<RawResponse, Refusal> {
        let patch: KeyPatch = decode::body(self.request)?;
        let change = patch.change(self.service.now())?;
        self.key(UpdateKey { key: KeyRef::Id(id), change })
    }

    pub(super) fn key(&self, command: impl Command<Output = Key>) -> Result<RawResponse, Refusal> {
        let key = self.run(command)?;
        Ok(encode::key(&key, self.owner_of(&key)?.as_ref(), self.service.now()))
    }

    pub(super) fn text(&self, id: KeyId) -> Result<RawResponse, Refusal> {
        let text = self.run(ShowText(KeyRef::Id(id)))?;
        text.map(encode::text).ok_or(Refusal::NoText)
    }

    pub(super) fn act(&self, id: KeyId, action: KeyAction) -> Result<RawResponse, Refusal> {
        let key = KeyRef::Id(id);
        let switch = |active| KeyChange { active: Some(active), ..KeyChange::default() };
        match action {
            KeyAction::Suspend | KeyAction::Resume => {
                decode::no_body(self.request)?;
                self.key(UpdateKey { key, change: switch(action == KeyAction::Resume) })
            }
            KeyAction::Revoke => {
                let body: RevokeBody = decode::body_or_default(self.request)?;
                self.key(RevokeKey { key, reason: body.reason() })
            }
            KeyAction::Undelete => {
                decode::no_body(self.request)?;
                self.key(UndeleteKey(id))
            }
            KeyAction::Rotate => {
                let body: RotateBody = decode::body_or_default(self.request)?;
                let command = RotateKey { key, grace_ms: body.grace_ms() };
                let KeyWithText { key, text } = self.run(command)?;
                Ok(encode::issued(200, &key, self.owner_of(&key)?.as_ref(), text, self.service.now()))
            }
        }
    }

    pub(super) fn find_user(&self, user: UserRef) -> Result<User, Refusal> {
        let user = self.run(ShowUser(user))?;
        Ok(user)
    }

    /// The login name of a key's owner; `None` when the owner was removed in between.
    fn owner_of(&self, key: &Key) -> Result<Option<Username>, Refusal> {
        match self.find_user(UserRef::Id(key.owner)) {
            Ok(user) => Ok(Some(user.username)),
            Err(Refusal::Command(CommandError::Engine(EngineError::NoSuchUser))) => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}
