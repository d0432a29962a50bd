//! Retiring a pepper that no secret needs, and counting the secrets under each pepper.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::engine::{Engine, EngineError, Reader};
use crate::key::{Key, PepperNumber};
use crate::store::codec::{Deleted, PepperChecks, Record as _, StoredDigest, StoredScheme, StoredSchemes};
use crate::store::{Store, StoreError, paged, schema};

/// Number of secrets under each pepper.
pub type PepperUses = BTreeMap<PepperNumber, u64>;

/// Reason why a pepper cannot be retired. Nothing was changed.
#[derive(Debug, Error)]
pub enum RetireError {
    /// New secrets are hashed under this pepper. The operator adds a new pepper first, and opens the store with both.
    #[error("pepper {} is the current one", .0.0)]
    Current(PepperNumber),
    /// No pepper has this number.
    #[error("there is no pepper {}", .0.0)]
    Unknown(PepperNumber),
    /// Some secrets are hashed under this pepper alone. Each moves to the current pepper when its key is used.
    #[error("{uses} secrets are known under pepper {} alone: they move when their keys are used or rotated", .number.0)]
    InUse {
        /// The pepper.
        number: PepperNumber,
        /// Number of secrets.
        uses: u64,
    },
    /// The store could not be read or written.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Reader {
    /// Counts the secrets under each pepper: of keys, of deleted keys that can be undeleted, and of imported hash
    /// schemes. Takes time in proportion to the store.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the store could not be read.
    pub fn pepper_uses(&self) -> Result<PepperUses, EngineError> {
        let mut uses: PepperUses = self.peppers.all().map(|(number, _)| (number, 0)).collect();
        Ok(count(self.store.as_ref(), &mut uses).map(|()| uses)?)
    }
}

impl Engine {
    /// Retires a pepper that no secret needs, so that the store opens without it. The operator removes it from the
    /// secret file afterwards.
    ///
    /// Tokens that were signed under the pepper end. A list that was imported under it is not recognized when it is
    /// imported again.
    ///
    /// # Errors
    /// [`RetireError::Current`], [`RetireError::Unknown`]: the operator chooses another number. [`RetireError::InUse`]:
    /// the operator waits for uses, or rotates the keys. [`RetireError::Engine`].
    ///
    /// # Durability
    /// After this returns, the store opens without the pepper, also after a power cut.
    pub fn retire_pepper(&self, number: PepperNumber) -> Result<(), RetireError> {
        let ring = self.peppers();
        if ring.current().0 == number {
            return Err(RetireError::Current(number));
        }
        if ring.get(number).is_none() {
            return Err(RetireError::Unknown(number));
        }
        let uses = self.view().pepper_uses()?.remove(&number).unwrap_or_default();
        if uses > 0 {
            return Err(RetireError::InUse { number, uses });
        }
        // Nothing is ever hashed under a pepper that is not current, so the pepper stays unused.
        Ok(self.write(move |tx| {
            let mut known: PepperChecks = tx.get(schema::PEPPERS)?.unwrap_or_default();
            known.0.retain(|(known, _)| *known != number);
            tx.put(schema::PEPPERS, &known)
        })?)
    }
}

fn count(store: &dyn Store, uses: &mut PepperUses) -> Result<(), StoreError> {
    let mut note = |number| *uses.entry(number).or_default() += 1;
    let mut of_key = |key: &Key| {
        note(key.secrets.current.pepper);
        if let Some((previous, _)) = &key.secrets.previous {
            note(previous.pepper);
        }
    };
    for entry in paged(None, |after, limit| store.scan(schema::KEYS, after, limit)) {
        of_key(&Key::from_entry(&entry?)?);
    }
    for entry in paged(None, |after, limit| store.scan(schema::DELETED, after, limit)) {
        of_key(&Deleted::from_entry(&entry?)?.key);
    }
    let schemes = store.get(schema::FOREIGN)?;
    for scheme in schemes.map(|entry| StoredSchemes::from_entry(&entry)).transpose()?.unwrap_or_default().0 {
        if let StoredScheme::Digest(StoredDigest::HmacSha256(number, _), _) = scheme {
            note(number);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::{NewKey, NewUser, Parts};
    use crate::index::Found;
    use crate::key::{Actor, KeyFormat, Level, Pepper, PepperRing, Role, UserId};
    use crate::store::SledStore;
    use crate::store::sled::OpenOptions;

    fn ring(numbers: &[u8]) -> PepperRing {
        let pepper = |number: &u8| (PepperNumber(*number), Pepper::from_bytes([*number; 32]));
        PepperRing::new(numbers.iter().map(pepper).collect()).unwrap()
    }

    fn open(dir: &Path, numbers: &[u8]) -> Result<Engine, EngineError> {
        let (store, _) = SledStore::open(dir, OpenOptions::default())?;
        Engine::open(Parts::new(store, ring(numbers)))
    }

    fn uses(engine: &Engine) -> Vec<(u8, u64)> {
        engine.reader().pepper_uses().unwrap().into_iter().map(|(number, uses)| (number.0, uses)).collect()
    }

    fn key(engine: &Engine, owner: UserId) -> String {
        let new = NewKey::new("native".parse().unwrap(), owner, Level::OWN);
        engine.create_key(Actor::Operator, new).unwrap().1.reveal().to_string()
    }

    /// Whether there is a key with this text; who asks has used it.
    fn is_known(engine: &Engine, text: &str) -> bool {
        let mut known = false;
        let key = KeyFormat::Native.parse(text).unwrap();
        engine.reader().look_up(&key, &mut |_: &Found<'_>| known = true).unwrap();
        known
    }

    #[test]
    fn a_pepper_goes_when_every_secret_has_moved() {
        let dir = tempfile::tempdir().unwrap();
        let engine = open(dir.path(), &[1]).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        let texts = [key(&engine, flo), key(&engine, flo)];
        assert!(matches!(engine.retire_pepper(PepperNumber(1)), Err(RetireError::Current(_))));
        drop(engine);

        let engine = open(dir.path(), &[1, 2]).unwrap();
        let newer = key(&engine, flo);
        assert_eq!(uses(&engine), [(1, 2), (2, 1)]);
        assert!(matches!(engine.retire_pepper(PepperNumber(3)), Err(RetireError::Unknown(_))));
        let refused = engine.retire_pepper(PepperNumber(1));
        assert!(matches!(refused, Err(RetireError::InUse { uses: 2, .. })), "{refused:?}");
        assert!(texts.iter().all(|text| is_known(&engine, text)));
        // Uses are written at the stop at the latest.
        drop(engine);

        let engine = open(dir.path(), &[1, 2]).unwrap();
        assert_eq!(uses(&engine), [(1, 0), (2, 3)]);
        engine.retire_pepper(PepperNumber(1)).unwrap();
        drop(engine);
        assert!(matches!(open(dir.path(), &[1]), Err(EngineError::WrongSecret { number: 2 })));
        let engine = open(dir.path(), &[2]).unwrap();
        assert!(texts.iter().chain([&newer]).all(|text| is_known(&engine, text)));
        assert_eq!(engine.check().unwrap().findings, Vec::new());
    }
}
