//! Taking over keys that another system issued.

use std::collections::HashSet;

use crate::key::{
    Action, Actor, ForeignSecret, IssuedKey, Issuing, KeyFormat, KeyId, Keyspace, KeyspaceName, SealedCopy,
    StoredSecret, Subject, UserId, Viewing, check_text, shown_of,
};
use crate::limits;
use crate::store::schema;

use super::create::check_expiry;
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
    is_text: bool,
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
        actor: Actor,
        keys: Vec<ImportedKey>,
        dry: bool,
    ) -> Result<Vec<Imported>, EngineError> {
        let now = self.view().now();
        let (mut refused, mut secrets, mut prepared) = (Vec::new(), Vec::new(), Vec::new());
        for (at, ImportedKey { new, secret }) in
            keys.into_iter().take(limits::IMPORTED_AT_ONCE_MAX).enumerate()
        {
            let ready = check_expiry(new.expiry, now).and_then(|()| self.prepare(new, &secret));
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
                let event = operation.record(actor, Action::KeysImported, Subject::Keys(count))?;
                for Prepared { id, new, stored, .. } in new {
                    operation.insert_key(*id, new.clone(), stored.clone(), operation.now(), event)?;
                }
            }
            Ok(outcomes)
        })?;
        // Before anyone is answered: from now on they are looked for.
        self.view().load_schemes()?;
        for (at, error) in refused {
            imported.insert(at.min(imported.len()), Imported::Refused(error));
        }
        Ok(imported)
    }

    fn prepare(&self, new: NewKey, secret: &ForeignSecret) -> Result<Prepared, EngineError> {
        let keyspace = Keyspace::named(&new.keyspace).ok_or(EngineError::NoSuchKeyspace)?;
        let ring = self.peppers();
        let (number, pepper) = ring.current();
        let first = ring.all().next().map_or(pepper, |(_, first)| first);
        let mut id = KeyId::from_bytes(first.import_id(&secret.identity()));
        let mut stored = StoredSecret {
            pepper: number,
            prefix: shown_of("imported")?,
            hash: pepper.hash_digest("none", &id.to_bytes()),
            sealed: None,
            foreign: None,
        };
        match secret {
            ForeignSecret::Text(text) => {
                check_text(text)?;
                let issued = IssuedKey::new(text.clone());
                stored.prefix = keyspace.format().prefix_of(text)?;
                stored.hash = pepper.hash_issued(&issued);
                if keyspace.format() == KeyFormat::FreeSewing
                    && let Some(Ok(own)) = text.split_once(':').map(|(id, _)| id.parse())
                {
                    // There the text begins with the id.
                    id = own;
                }
                stored.sealed = match keyspace.viewing() {
                    Viewing::Once => None,
                    Viewing::ByOwner | Viewing::ByAdministrators => {
                        Some(SealedCopy::seal(&issued, id, ring, self.entropy())?)
                    }
                };
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
        let is_text = matches!(secret, ForeignSecret::Text(_));
        Ok(Prepared { id, new, stored, keyspace, is_text })
    }
}

/// Whether a text has its keyspace's own form: then it is found as one that was issued here.
fn is_own(ready: &Prepared, secret: &ForeignSecret) -> bool {
    match secret {
        ForeignSecret::Text(text) => ready.keyspace.format().parse(text).is_ok(),
        ForeignSecret::Digest(..) | ForeignSecret::Slow(..) => false,
    }
}

/// What came before in the same import.
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
        if !seen.ids.insert(ready.id) || self.has(&schema::key(&ready.id.to_bytes()))? {
            return Ok(false);
        }
        let (owner, keyspace) = (ready.new.owner, &ready.keyspace);
        if !self.has(&schema::user(owner.0))? {
            return Err(EngineError::NoSuchUser);
        }
        // A digest is nobody else's: its id would be the same. A salted hash is looked for by its prefix.
        if ready.is_text && self.has(&hot(&ready.stored.trace()))? {
            return Err(EngineError::HasText);
        }
        let first = seen.owners.insert((owner, *keyspace.name()));
        match keyspace.issuing() {
            Issuing::Freely => {}
            Issuing::WithAccess | Issuing::OnePerBot if !first => return Err(EngineError::HasKey),
            Issuing::WithAccess => self.check_first(owner, keyspace)?,
            Issuing::OnePerBot => self.check_first_of_bot(owner, keyspace)?,
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use zeroize::Zeroizing;

    use super::*;
    use crate::clock::{ManualClock, Timestamp};
    use crate::engine::{NewUser, Parts, UserChange};
    use crate::entropy::OsEntropy;
    use crate::key::{DigestScheme, HmacKey, Level, PepperRing, Role, SlowHash};
    use crate::store::MemoryStore;
    use crate::verify::{DenyReason, Verdict, Verifier, VerifyRequest};

    struct World {
        engine: Engine,
        clock: ManualClock,
        flo: UserId,
    }

    impl World {
        fn new() -> Self {
            let clock = ManualClock::at(Timestamp::from_unix_ms(1_764_100_000_000));
            let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
            let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
            let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
            let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
            Self { engine, clock, flo }
        }

        fn import(&self, keyspace: &Keyspace, secret: ForeignSecret) -> Imported {
            let new = NewKey::new(*keyspace.name(), self.flo, Level::OWN);
            let mut imported =
                self.engine.import_keys(Actor::Operator, vec![ImportedKey { new, secret }], false).unwrap();
            assert_eq!(imported.len(), 1);
            imported.remove(0)
        }

        /// Has what waits written: a piece of it after each of these changes.
        fn sweep(&self) {
            self.clock.advance_ms(limits::USAGE_SWEEP_SECONDS * 1_000);
            for name in ["flo2", "flo3", "flo4", "flo"] {
                let username = Some(name.parse().unwrap());
                let change = UserChange { username, ..UserChange::default() };
                self.engine.update_user(Actor::Operator, self.flo, change).unwrap();
            }
            self.engine.view().load_schemes().unwrap();
        }

        fn verdict(&self, keyspace: &Keyspace, text: &str) -> Verdict {
            Verifier::new(self.engine.reader()).verify(&VerifyRequest::new(keyspace, text)).unwrap()
        }

        fn allowed(&self, keyspace: &Keyspace, text: &str) -> Option<KeyId> {
            match self.verdict(keyspace, text) {
                Verdict::Allow(identity) => Some(identity.key),
                Verdict::Deny(_) => None,
            }
        }
    }

    fn text(text: &str) -> ForeignSecret {
        ForeignSecret::Text(Zeroizing::new(text.to_owned()))
    }

    fn digest(scheme: DigestScheme, text: &str) -> ForeignSecret {
        let digest = scheme.digest(text.as_bytes()).to_vec();
        ForeignSecret::Digest(scheme, digest)
    }

    fn salted(text: &str) -> ForeignSecret {
        let hash = bcrypt::hash_with_salt(text, 4, [7; 16]).unwrap().to_string();
        ForeignSecret::Slow(text.split_at(8).0.parse().unwrap(), hash.parse::<SlowHash>().unwrap())
    }

    #[test]
    fn a_key_of_another_system_verifies_and_gets_our_own_hash() {
        let hmac = || DigestScheme::HmacSha256(HmacKey::new(b"their secret".to_vec()).unwrap());
        let cases: [(&str, ForeignSecret); 6] = [
            (
                "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
                digest(DigestScheme::Sha256, "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
            ),
            ("sk_test_512/+=.~", digest(DigestScheme::Sha512, "sk_test_512/+=.~")),
            ("hmac-key-000000000000", digest(hmac(), "hmac-key-000000000000")),
            ("plain.key/with+signs=", text("plain.key/with+signs=")),
            ("bcrypted-key-0123456789", salted("bcrypted-key-0123456789")),
            ("Sa71PVwKthRrrIEUIacqN9PNTouVQAWz", text("Sa71PVwKthRrrIEUIacqN9PNTouVQAWz")),
        ];
        for keyspace in [Keyspace::NATIVE, Keyspace::FILEBIN] {
            let world = World::new();
            for (held, secret) in &cases {
                let Imported::Now(id) = world.import(&keyspace, secret.clone()) else { panic!("{held}") };
                assert!(
                    matches!(world.import(&keyspace, secret.clone()), Imported::Before(same) if same == id)
                );
                assert_eq!(world.allowed(&keyspace, held), Some(id), "{held}");
                assert_eq!(world.allowed(&keyspace, &format!("{held}x")), None, "{held}");
                let other = if keyspace == Keyspace::NATIVE { Keyspace::FILEBIN } else { Keyspace::NATIVE };
                assert_eq!(world.allowed(&other, held), None, "{held} in another keyspace");
            }
            for round in 0..2 {
                world.sweep();
                for (held, secret) in &cases {
                    let id =
                        world.allowed(&keyspace, held).unwrap_or_else(|| panic!("{held}, round {round}"));
                    assert!(
                        matches!(world.import(&keyspace, secret.clone()), Imported::Before(same) if same == id)
                    );
                    let current = world.engine.reader().key(id).unwrap().unwrap().secrets.current;
                    assert!(current.foreign.is_none(), "{held}: nothing of the other system is left");
                    assert!(
                        held.starts_with(current.prefix.as_str().split_at(2).0),
                        "{held}: {}",
                        current.prefix
                    );
                }
                assert!(world.engine.check().unwrap().findings.is_empty());
            }
            assert!(!world.engine.reader().checks_salted_hashes());
        }
    }

    #[test]
    fn an_imported_key_obeys_what_happens_to_it_before_its_first_use() {
        let world = World::new();
        for secret in
            [digest(DigestScheme::Sha256, "imported-key-1"), salted("imported-key-2"), text("imported-key-3")]
        {
            let Imported::Now(id) = world.import(&Keyspace::NATIVE, secret) else { panic!("it is new") };
            let held = ["imported-key-1", "imported-key-2", "imported-key-3"];
            let held =
                held.into_iter().find(|held| world.allowed(&Keyspace::NATIVE, held) == Some(id)).unwrap();
            world.engine.revoke_key(Actor::Operator, id, Default::default()).unwrap();
            assert_eq!(world.verdict(&Keyspace::NATIVE, held), Verdict::Deny(DenyReason::Revoked));
            world.engine.delete_key(Actor::Operator, id).unwrap();
            // It has another form than its keyspace's.
            assert_eq!(world.verdict(&Keyspace::NATIVE, held), Verdict::Deny(DenyReason::Malformed));
        }
    }

    #[test]
    fn a_wrong_line_is_refused_alone_and_a_dry_run_changes_nothing() {
        let world = World::new();
        let new = |owner| NewKey::new(*Keyspace::NATIVE.name(), owner, Level::OWN);
        let keys = || {
            vec![
                ImportedKey { new: new(world.flo), secret: text("short") },
                ImportedKey { new: new(world.flo), secret: text("long enough, but blanks") },
                ImportedKey { new: new(world.flo), secret: text("good-key-00000001") },
                ImportedKey { new: new(UserId(99)), secret: text("good-key-00000002") },
                ImportedKey { new: new(world.flo), secret: text("good-key-00000001") },
            ]
        };
        let outcomes = |dry| {
            let imported = world.engine.import_keys(Actor::Operator, keys(), dry).unwrap();
            let kind = |imported: &Imported| match imported {
                Imported::Now(_) => "now",
                Imported::Before(_) => "before",
                Imported::Refused(_) => "refused",
            };
            imported.iter().map(kind).collect::<Vec<_>>()
        };
        let expected = ["refused", "refused", "now", "refused", "before"];
        assert_eq!(outcomes(true), expected);
        assert_eq!(world.allowed(&Keyspace::NATIVE, "good-key-00000001"), None);
        assert!(!world.engine.reader().knows_foreign_keys());
        assert_eq!(outcomes(false), expected);
        assert!(world.allowed(&Keyspace::NATIVE, "good-key-00000001").is_some());
        assert_eq!(outcomes(false)[2], "before");
    }
}
