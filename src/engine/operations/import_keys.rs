//! Taking over keys that another system issued.

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

/// A key to take over.
#[derive(Clone, Debug)]
pub struct ImportedKey {
    /// Everything about it but its secret.
    pub new: NewKey,
    /// What is known of its secret.
    pub secret: ImportedSecret,
    /// What it went through in the other system.
    pub past: Past,
}

impl ImportedKey {
    /// A key that was made a moment ago and never used.
    pub fn new(new: NewKey, secret: ImportedSecret) -> Self {
        Self { new, secret, past: Past::default() }
    }
}

/// What a key went through in another system, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// When it was made; without it, when it is imported.
    pub created: Option<Timestamp>,
    /// When it was used last.
    pub last_used: Option<Timestamp>,
    /// When it was revoked, if it was. Then it never verifies here.
    pub revoked: Option<Timestamp>,
}

impl Past {
    /// Nothing of it may lie ahead, or before the making.
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

    /// Writes it into the record of its key.
    fn tell(&self, key: &mut Key, by: Actor) {
        key.usage.last = self.last_used.map(|at| Use { at, from: None });
        if let Some(at) = self.revoked {
            key.state = KeyState::Revoked { at, by, reason: RevokeReason::Unspecified };
        }
    }
}

/// What became of one.
#[derive(Debug)]
pub enum Imported {
    /// It is there now.
    Now(KeyId),
    /// It was there already, by an import before this one, of the same or of another form of its secret.
    Before(KeyId),
    /// It was refused; the others are not concerned.
    Refused(EngineError),
}

/// One of them, hashed under our own pepper.
#[derive(Clone)]
struct Prepared {
    id: KeyId,
    /// The ids that it would have if another form of its secret had been imported.
    same: Vec<KeyId>,
    new: NewKey,
    past: Past,
    stored: StoredSecret,
    keyspace: Keyspace,
    /// What its text, if that is known, is found by under each pepper.
    traces: Vec<LookupKey>,
}

impl Engine {
    /// Takes keys over, at most 1,000 at once, as one operation; with `dry` only says what would become of each. A key
    /// is recognised by its secret, so importing it again changes nothing.
    ///
    /// # Errors
    /// [`EngineError::TooManySchemes`] when they are hashed in more ways than are kept; [`EngineError::Store`]: then
    /// none was imported. What is wrong with one is in its own place.
    ///
    /// # Durability
    /// When this answers, what was imported survives a power cut and verifies.
    ///
    /// # Security
    /// Of digests and texts only our own keyed hash is kept, of salted hashes the hash as it is until its first use.
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
        // Before anyone is answered: from now on they are looked for.
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
        // The oldest, so that the same list is recognised after a rotation.
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
                // By the digest that most have, so that this is recognised when it comes later.
                let digest = DigestScheme::Sha256.digest(text.as_bytes()).to_vec();
                same.push(id);
                id = id_of(&ImportedSecret::Digest(DigestScheme::Sha256, digest));
                same.extend(schemes.forms_of(text).iter().map(id_of));
                if keyspace.format() == KeyFormat::FreeSewing
                    && let Some(Ok(own)) = text.split_once(':').map(|(id, _)| id.parse())
                {
                    // There the text begins with the id.
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

/// Whether a text has its keyspace's own form: then it is found as one that was issued here.
fn is_own(ready: &Prepared, secret: &ImportedSecret) -> bool {
    match secret {
        ImportedSecret::Text(text) => ready.keyspace.format().parse(text).is_ok(),
        ImportedSecret::Digest(..) | ImportedSecret::PartDigest(..) | ImportedSecret::Salted(..) => false,
    }
}

/// What is taken over before in the same import.
#[derive(Default)]
struct Seen {
    /// Ids that one of them has or might have, and the one that it has.
    ids: HashMap<KeyId, KeyId>,
    /// Owners of keys of which each has one.
    owners: HashSet<(UserId, KeyspaceName)>,
    /// Each that is new, as it is made, and what is held of it.
    settled: HashMap<KeyId, (NewKey, NarrowedBy)>,
}

impl Transaction<'_> {
    /// What is to become of a key, as far as can be told without writing it.
    fn check_import(&mut self, by: &Principal, ready: &Prepared, seen: &mut Seen) -> Imported {
        match self.import_before(by, ready, seen) {
            Ok(None) => Imported::Now(ready.id),
            Ok(Some(id)) => Imported::Before(id),
            Err(error) => Imported::Refused(error),
        }
    }

    /// The key that it is, if that is there already.
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
        // A digest is nobody else's: its id would be the same. A salted hash is looked for by its prefix.
        for trace in &ready.traces {
            if self.has(&hot(trace))? {
                return Err(EngineError::HasText);
            }
        }
        let place = (owner, *keyspace.name());
        // One that verifies no more stands in nobody's way.
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
        // Nor does one that was refused.
        seen.ids.extend([ready.id].iter().chain(&ready.same).map(|id| (*id, ready.id)));
        if is_live {
            seen.owners.insert(place);
        }
        Ok(None)
    }
}
