//! Taking over keys that another system issued.

use std::collections::HashSet;

use crate::key::{
    Action, Authority, ForeignSecret, IssuedKey, Issuing, KeyFormat, KeyId, KeyTrace, Keyspace, KeyspaceName,
    StoredSecret, Subject, UserId, check_text, shown_of,
};
use crate::limits;
use crate::store::schema;

use super::create::{check_expiry, sealed_copy};
use super::entries::hot;
use super::operation::Operation;
use super::{Engine, EngineError, NewKey};

/// A key to take over.
#[derive(Clone, Debug)]
pub struct ImportedKey {
    /// Everything about it but its secret.
    pub new: NewKey,
    /// What is known of its secret.
    pub secret: ForeignSecret,
}

/// What became of one.
#[derive(Debug)]
pub enum Imported {
    /// It is there now.
    Now(KeyId),
    /// It was there already, by an import before this one.
    Before(KeyId),
    /// It was refused; the others are not concerned.
    Refused(EngineError),
}

/// One of them, hashed under our own pepper.
#[derive(Clone)]
struct Prepared {
    id: KeyId,
    new: NewKey,
    stored: StoredSecret,
    keyspace: Keyspace,
    /// What its text, if that is known, is found by under each pepper.
    traces: Vec<KeyTrace>,
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
        by: impl Into<Authority>,
        keys: Vec<ImportedKey>,
        dry: bool,
    ) -> Result<Vec<Imported>, EngineError> {
        let by = by.into();
        let now = self.view().now();
        let (mut refused, mut secrets, mut prepared) = (Vec::new(), Vec::new(), Vec::new());
        for (at, ImportedKey { new, secret }) in
            keys.into_iter().take(limits::IMPORTED_AT_ONCE_MAX).enumerate()
        {
            let ready =
                check_expiry(new.expiry.unwrap_or_default(), now).and_then(|()| self.prepare(new, &secret));
            match ready {
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
        let mut imported = self.write(move |operation| {
            let mut seen = Seen::default();
            let outcomes: Vec<_> =
                prepared.iter().map(|ready| operation.check_import(ready, &mut seen)).collect();
            let is_new = |(_, outcome): &(&Prepared, &Imported)| matches!(outcome, Imported::Now(_));
            let new: Vec<_> = prepared.iter().zip(&outcomes).filter(is_new).map(|(ready, _)| ready).collect();
            if !dry && !new.is_empty() {
                operation.add_schemes(secrets.iter(), &peppers, entropy.as_ref())?;
                for ready in &new {
                    if ready.keyspace.issuing() == Issuing::WithAccess {
                        operation.begin_access(ready.new.owner, &ready.keyspace)?;
                    }
                }
                let count = u64::try_from(new.len()).unwrap_or(u64::MAX);
                let event = operation.record(by.actor, Action::KeysImported, Subject::Keys(count))?;
                for Prepared { id, new, stored, .. } in new {
                    operation.insert_key(*id, new.clone(), stored.clone(), operation.now(), event)?;
                }
            }
            Ok(outcomes)
        })?;
        // Before anyone is answered: from now on they are looked for.
        if !dry && imported.iter().any(|one| matches!(one, Imported::Now(_))) {
            self.view().load_schemes()?;
        }
        for (at, error) in refused {
            imported.insert(at.min(imported.len()), Imported::Refused(error));
        }
        Ok(imported)
    }

    fn prepare(&self, new: NewKey, secret: &ForeignSecret) -> Result<Prepared, EngineError> {
        let keyspace = Keyspace::named(&new.keyspace).ok_or(EngineError::NoSuchKeyspace)?;
        let ring = self.peppers();
        let (number, pepper) = ring.current();
        // The oldest, so that the same list is recognised after a rotation.
        let first = ring.all().last().map_or(pepper, |(_, first)| first);
        let mut id = KeyId::from_bytes(first.import_id(&secret.identity()));
        let mut stored = StoredSecret {
            pepper: number,
            prefix: shown_of("imported")?,
            hash: pepper.hash_digest("none", &id.to_bytes()),
            sealed: None,
            foreign: None,
        };
        let mut traces = Vec::new();
        match secret {
            ForeignSecret::Text(text) => {
                check_text(text)?;
                let issued = IssuedKey::new(text.clone());
                stored.prefix = keyspace.format().prefix_of(text)?;
                stored.hash = pepper.hash_issued(&issued);
                let locator = stored.prefix.locator();
                traces.extend(
                    ring.all().map(|(_, pepper)| KeyTrace { hash: pepper.hash_issued(&issued), locator }),
                );
                if keyspace.format() == KeyFormat::FreeSewing
                    && let Some(Ok(own)) = text.split_once(':').map(|(id, _)| id.parse())
                {
                    // There the text begins with the id.
                    id = own;
                }
                stored.sealed = sealed_copy(&keyspace, &issued, id, ring, self.entropy())?;
            }
            ForeignSecret::Digest(scheme, digest) => {
                let trace = scheme.trace(digest, pepper)?;
                (stored.prefix, stored.hash) = (trace.prefix, trace.hash);
            }
            ForeignSecret::Slow(prefix, hash) => {
                stored.prefix = prefix.clone();
                stored.foreign = Some(hash.clone());
            }
        }
        Ok(Prepared { id, new, stored, keyspace, traces })
    }
}

/// Whether a text has its keyspace's own form: then it is found as one that was issued here.
fn is_own(ready: &Prepared, secret: &ForeignSecret) -> bool {
    match secret {
        ForeignSecret::Text(text) => ready.keyspace.format().parse(text).is_ok(),
        ForeignSecret::Digest(..) | ForeignSecret::Slow(..) => false,
    }
}

/// What is taken over before in the same import.
#[derive(Default)]
struct Seen {
    ids: HashSet<KeyId>,
    /// Owners of keys of which each has one.
    owners: HashSet<(UserId, KeyspaceName)>,
}

impl Operation<'_> {
    /// What is to become of a key, as far as can be told without writing it.
    fn check_import(&mut self, ready: &Prepared, seen: &mut Seen) -> Imported {
        self.is_new_import(ready, seen).map_or_else(Imported::Refused, |new| {
            if new { Imported::Now(ready.id) } else { Imported::Before(ready.id) }
        })
    }

    fn is_new_import(&mut self, ready: &Prepared, seen: &mut Seen) -> Result<bool, EngineError> {
        if seen.ids.contains(&ready.id) || self.has(&schema::key(&ready.id.to_bytes()))? {
            return Ok(false);
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
        match keyspace.issuing() {
            Issuing::Freely => {}
            Issuing::WithAccess | Issuing::OnePerBot if seen.owners.contains(&place) => {
                return Err(EngineError::HasKey);
            }
            Issuing::WithAccess => self.check_first(owner, keyspace)?,
            Issuing::OnePerBot => self.check_first_of_bot(owner, keyspace)?,
        }
        // One that was refused stands in nobody's way.
        seen.ids.insert(ready.id);
        seen.owners.insert(place);
        Ok(true)
    }
}
