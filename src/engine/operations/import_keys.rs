//! Importing keys that another system issued.
//!
//! The id of an imported key is derived from the imported secret, so importing the same key again finds it.

use std::collections::{HashMap, HashSet};

use crate::clock::Timestamp;
use crate::engine::commit::{Transaction, hot};
use crate::engine::imported_hashes::Schemes;
use crate::engine::sealed_copy::sealed_copy;
use crate::engine::{Engine, EngineError, NewKey};
use crate::key::{
    Actor, AuditAction, DigestScheme, ImportedSecret, IssuedKey, Issuing, Key, KeyFormat, KeyId, KeyState,
    Keyspace, KeyspaceName, LookupKey, NarrowedBy, ParseError, Principal, RevokeReason, StoredSecret,
    Subject, Use, UserId, check_key_text, shown_prefix,
};
use crate::limits;
use crate::store::schema;

use super::create_key::check_expiry;

/// A key to import.
#[derive(Clone, Debug)]
pub struct ImportedKey {
    /// Fields of the key, except its secret.
    pub new: NewKey,
    /// Known part of the secret: a text, a digest or a salted hash.
    pub secret: ImportedSecret,
    /// History of the key in the other system.
    pub past: Past,
}

impl ImportedKey {
    /// A key that was created now and never used.
    pub fn new(new: NewKey, secret: ImportedSecret) -> Self {
        Self { new, secret, past: Past::default() }
    }
}

/// History of a key in another system, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Time of creation; `None`: the time of the import.
    pub created: Option<Timestamp>,
    /// Time of the last use.
    pub last_used: Option<Timestamp>,
    /// Time of revocation, if it was revoked. Then it never verifies here.
    pub revoked: Option<Timestamp>,
}

impl Past {
    /// Refuses times in the future, and times before the creation.
    fn check(&self, now: Timestamp) -> Result<(), ParseError> {
        let Self { created, last_used, revoked } = *self;
        for (what, at) in [("created_at", created), ("last_used_at", last_used), ("revoked_at", revoked)] {
            match at {
                Some(at) if at > now => return Err(ParseError::new(what, "must not lie in the future")),
                Some(at) if created.is_some_and(|created| at < created) => {
                    return Err(ParseError::new(what, "must not lie before created_at"));
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Writes the history into the key's record.
    fn tell(&self, key: &mut Key, by: Actor) {
        key.usage.last = self.last_used.map(|at| Use { at, from: None });
        if let Some(at) = self.revoked {
            key.state = KeyState::Revoked { at, by, reason: RevokeReason::Unspecified };
        }
    }
}

/// Result for one key of an import.
#[derive(Debug)]
pub enum Imported {
    /// The key was imported now.
    Now(KeyId),
    /// The key was imported before, by the same or another form of its secret.
    Before(KeyId),
    /// The key was refused. The other keys of the import are not affected.
    Refused(EngineError),
}

/// A key of the import, hashed under the current pepper.
#[derive(Clone)]
struct Prepared {
    id: KeyId,
    /// Ids that the key would have if another form of its secret had been imported.
    same: Vec<KeyId>,
    new: NewKey,
    past: Past,
    stored: StoredSecret,
    keyspace: Keyspace,
    /// Lookup keys of the text under each pepper, if the text is known.
    traces: Vec<LookupKey>,
}

impl Engine {
    /// Imports up to 1,000 keys as one operation; with `dry`, only returns what the result would be. A key is
    /// recognized by its secret, so importing it again changes nothing.
    ///
    /// # Errors
    /// [`EngineError::TooManySchemes`] when the keys have more hash schemes than the store keeps: import fewer kinds.
    /// [`EngineError::Seal`], [`EngineError::Store`]. After each of them no key was imported. An error of one key is in
    /// its own result.
    ///
    /// # Durability
    /// After this returns, imported keys survive a power cut and verify.
    ///
    /// # Security
    /// Of digests and texts only the server's own keyed hash is stored. Salted hashes are stored as they are until the
    /// first use.
    pub fn import_keys(
        &self,
        by: impl Into<Principal>,
        keys: Vec<ImportedKey>,
        dry: bool,
    ) -> Result<Vec<Imported>, EngineError> {
        let by = by.into();
        let now = self.view().now();
        let (mut refused, mut secrets, mut prepared) = (Vec::new(), Vec::new(), Vec::new());
        let mut schemes = self.view().schemes();
        keys.iter().for_each(|key| schemes.add(&key.secret));
        for (at, imported) in keys.into_iter().take(limits::IMPORTED_AT_ONCE_MAX).enumerate() {
            let secret = imported.secret.clone();
            match self.prepare(imported, now, &schemes) {
                Ok(ready) => {
                    if !is_own(&ready, &secret) {
                        secrets.push(secret);
                    }
                    prepared.push(ready);
                }
                Err(error) => refused.push((at, error)),
            }
        }
        let (peppers, entropy) = (std::sync::Arc::clone(&self.view().peppers), self.shared_entropy());
        let slow = prepared.iter().filter(|ready| ready.stored.imported_hash.is_some());
        let beginnings: Vec<_> = slow.map(|ready| ready.stored.prefix.clone()).collect();
        let mut imported = self.write(move |tx| {
            let mut seen = Seen::default();
            let outcomes: Vec<_> =
                prepared.iter().map(|ready| tx.check_import(&by, ready, &mut seen)).collect();
            let is_new = |(_, outcome): &(&Prepared, &Imported)| matches!(outcome, Imported::Now(_));
            let new: Vec<_> = prepared.iter().zip(&outcomes).filter(is_new).map(|(ready, _)| ready).collect();
            if !dry && !new.is_empty() {
                tx.add_schemes(secrets.iter(), &peppers, entropy.as_ref())?;
                for ready in &new {
                    if ready.keyspace.issuing() == Issuing::WithAccess && ready.past.revoked.is_none() {
                        tx.begin_access(&by, ready.new.owner, &ready.keyspace)?;
                    }
                }
                let count = u64::try_from(new.len()).unwrap_or(u64::MAX);
                let event = tx.record(by.actor, AuditAction::KeysImported, Subject::Keys(count))?;
                for Prepared { id, past, stored, .. } in new {
                    let created = past.created.unwrap_or_else(|| tx.now());
                    let (new, held) = seen.settled.remove(id).ok_or(EngineError::NoSuchKey)?;
                    let mut key = Key { narrowed_by: held, ..new.key(*id, stored.clone(), created, event) };
                    past.tell(&mut key, by.actor);
                    tx.insert_key(&key)?;
                }
            }
            Ok(outcomes)
        })?;
        // Set before the import returns: from now on verify looks for these schemes.
        if !dry && imported.iter().any(|one| matches!(one, Imported::Now(_))) {
            self.view().load_schemes()?;
            self.view().salted.add(beginnings.iter());
        }
        for (at, error) in refused {
            imported.insert(at.min(imported.len()), Imported::Refused(error));
        }
        Ok(imported)
    }

    fn prepare(
        &self,
        imported: ImportedKey,
        now: Timestamp,
        schemes: &Schemes,
    ) -> Result<Prepared, EngineError> {
        let ImportedKey { new, ref secret, past } = imported;
        past.check(now)?;
        if past.revoked.is_none() {
            check_expiry(new.expiry.unwrap_or_default(), now)?;
        }
        let keyspace = Keyspace::named(&new.keyspace).ok_or(EngineError::NoSuchKeyspace)?;
        let ring = self.peppers();
        let (number, pepper) = ring.current();
        // The oldest pepper, so that the same list is recognized after a rotation.
        let first = ring.all().last().map_or(pepper, |(_, first)| first);
        let id_of = |secret: &ImportedSecret| KeyId::from_bytes(first.import_id(&secret.identity()));
        let (mut id, mut same) = (id_of(secret), Vec::new());
        let mut stored = StoredSecret {
            pepper: number,
            prefix: shown_prefix("imported")?,
            hash: pepper.hash_digest("none", &id.to_bytes()),
            sealed: None,
            imported_hash: None,
        };
        let mut traces = Vec::new();
        match secret {
            ImportedSecret::Text(text) => {
                check_key_text(text)?;
                let issued = IssuedKey::new(text.clone());
                stored.prefix = keyspace.format().prefix_of(text)?;
                stored.hash = pepper.hash_issued(&issued);
                let locator = stored.prefix.locator();
                traces.extend(
                    ring.all().map(|(_, pepper)| LookupKey { hash: pepper.hash_issued(&issued), locator }),
                );
                // By the most common digest, so that importing that digest later finds the same key.
                let digest = DigestScheme::Sha256.digest(text.as_bytes()).to_vec();
                same.push(id);
                id = id_of(&ImportedSecret::Digest(DigestScheme::Sha256, digest));
                same.extend(schemes.forms_of(text).iter().map(id_of));
                if keyspace.format() == KeyFormat::FreeSewing
                    && let Some(Ok(own)) = text.split_once(':').map(|(id, _)| id.parse())
                {
                    // Such a text begins with the key id.
                    same.push(std::mem::replace(&mut id, own));
                }
                stored.sealed = sealed_copy(&keyspace, &issued, id, ring, self.entropy())?;
            }
            ImportedSecret::Digest(scheme, digest) => {
                let trace = scheme.lookup_key(digest, pepper)?;
                (stored.prefix, stored.hash) = (trace.prefix, trace.hash);
            }
            ImportedSecret::PartDigest(part, before, digest) => {
                let trace = part.lookup_key(before.as_ref(), digest, pepper)?;
                (stored.prefix, stored.hash) = (trace.prefix, trace.hash);
            }
            ImportedSecret::Salted(prefix, hash) => {
                stored.prefix = prefix.clone();
                stored.imported_hash = Some(hash.clone());
            }
        }
        Ok(Prepared { id, same, new, past, stored, keyspace, traces })
    }
}

/// Whether a text has the form of its keyspace. Then the hot index finds it like an issued key.
fn is_own(ready: &Prepared, secret: &ImportedSecret) -> bool {
    match secret {
        ImportedSecret::Text(text) => ready.keyspace.format().parse(text).is_ok(),
        ImportedSecret::Digest(..) | ImportedSecret::PartDigest(..) | ImportedSecret::Salted(..) => false,
    }
}

/// Keys of the same import that are already checked.
#[derive(Default)]
struct Seen {
    /// Ids that each key has or might have, with the id that it has.
    ids: HashMap<KeyId, KeyId>,
    /// Owners of keys in keyspaces with one key per owner.
    owners: HashSet<(UserId, KeyspaceName)>,
    /// New keys as they are created, with the levels that hold their rights.
    settled: HashMap<KeyId, (NewKey, NarrowedBy)>,
}

impl Transaction<'_> {
    /// Checks a key without writing it, and returns its result.
    fn check_import(&mut self, by: &Principal, ready: &Prepared, seen: &mut Seen) -> Imported {
        match self.import_before(by, ready, seen) {
            Ok(None) => Imported::Now(ready.id),
            Ok(Some(id)) => Imported::Before(id),
            Err(error) => Imported::Refused(error),
        }
    }

    /// Returns the id of the key if it was imported before.
    fn import_before(
        &mut self,
        by: &Principal,
        ready: &Prepared,
        seen: &mut Seen,
    ) -> Result<Option<KeyId>, EngineError> {
        for id in [ready.id].iter().chain(&ready.same) {
            if let Some(first) = seen.ids.get(id) {
                return Ok(Some(*first));
            }
            if self.has(&schema::key(&id.to_bytes()))? {
                return Ok(Some(*id));
            }
        }
        let (owner, keyspace) = (ready.new.owner, &ready.keyspace);
        if !self.has(&schema::user(owner.0))? {
            return Err(EngineError::NoSuchUser);
        }
        // Equal digests have equal ids. Salted hashes are looked for by their prefix.
        for trace in &ready.traces {
            if self.has(&hot(trace))? {
                return Err(EngineError::HasText);
            }
        }
        let place = (owner, *keyspace.name());
        // A revoked key does not count against the limit of one key per owner.
        let is_live = ready.past.revoked.is_none();
        match keyspace.issuing() {
            _ if !is_live => {}
            Issuing::Freely => {}
            Issuing::WithAccess | Issuing::OnePerBot if seen.owners.contains(&place) => {
                return Err(EngineError::HasKey);
            }
            Issuing::WithAccess => self.check_first(owner, keyspace)?,
            Issuing::OnePerBot => self.check_first_of_bot(owner, keyspace)?,
        }
        seen.settled.insert(ready.id, self.settle_new(by, ready.new.clone())?);
        // A refused key does not count either.
        seen.ids.extend([ready.id].iter().chain(&ready.same).map(|id| (*id, ready.id)));
        if is_live {
            seen.owners.insert(place);
        }
        Ok(None)
    }
}
