//! The first administrator of an empty store, made by whoever has the code that the server printed.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::command::{AddUser, Caller, CommandError, Service};
use crate::engine::{EngineError, NewUser};
use crate::entropy::letters;
use crate::key::{Password, Role, Username};

/// Without the letters and digits that look like others.
const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
const CODE_LENGTH: usize = 24;

#[derive(Default)]
pub(in crate::command) struct Setup(Mutex<Option<Zeroizing<String>>>);

/// Why the first administrator was not made.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The code is not the one that was printed.
    #[error("the code is wrong")]
    WrongCode,
    /// There are users already.
    #[error("there is an administrator already")]
    Over,
    /// It was not carried out.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Service {
    /// Makes a code for setting up, if there are no users yet. It counts once, until the process ends.
    ///
    /// # Errors
    /// [`CommandError`] when the users could not be read, or for want of randomness.
    ///
    /// # Security
    /// Whoever has the code becomes administrator: show it to the machine's owner alone.
    pub fn begin_setup(&self) -> Result<Option<Zeroizing<String>>, CommandError> {
        if self.has_users()? {
            return Ok(None);
        }
        let code = letters(self.engine.entropy(), LETTERS, CODE_LENGTH).map_err(EngineError::Entropy)?;
        let code = Zeroizing::new(code);
        *self.memory.setup.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(code.clone());
        Ok(Some(code))
    }

    /// Whether an administrator can be made by code: not any more once somebody is there.
    pub fn awaits_setup(&self) -> bool {
        let mut awaited = self.memory.setup.0.lock().unwrap_or_else(PoisonError::into_inner);
        if awaited.is_some() && self.has_users().unwrap_or(true) {
            *awaited = None;
        }
        awaited.is_some()
    }

    /// Makes the first administrator.
    ///
    /// # Errors
    /// [`SetupError`]: each variant says why not.
    ///
    /// # Durability
    /// When this answers, the administrator survives a power cut.
    pub fn set_up(
        &self,
        code: &str,
        name: Username,
        password: Password,
        client: Option<IpAddr>,
    ) -> Result<Caller, SetupError> {
        // Held meanwhile: the code counts once.
        let mut awaited = self.memory.setup.0.lock().unwrap_or_else(PoisonError::into_inner);
        let right = awaited.as_ref().ok_or(SetupError::Over)?;
        if !bool::from(right.as_bytes().ct_eq(code.trim().as_bytes())) {
            return Err(SetupError::WrongCode);
        }
        if self.has_users()? {
            *awaited = None;
            return Err(SetupError::Over);
        }
        let new = NewUser::person(name, Role::Administrator, Some(password));
        let user = self.run(&Caller::operator(), AddUser(new))?;
        *awaited = None;
        Ok(Caller::user(user.id, user.company, None, client, user.role.level()))
    }

    /// Whether there is anybody yet.
    ///
    /// # Errors
    /// [`CommandError`] when the users could not be read.
    pub fn has_users(&self) -> Result<bool, CommandError> {
        Ok(!self.engine.reader().users(None, 1)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Parts};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, Level, PepperRing};
    use crate::store::MemoryStore;

    fn service() -> Service {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        Service::new(Engine::open(parts).unwrap())
    }

    fn set_up(service: &Service, code: &str) -> Result<Caller, SetupError> {
        service.set_up(code, "root".parse().unwrap(), Password::new(b"pw").unwrap(), None)
    }

    #[test]
    fn the_code_makes_one_administrator_and_no_more() {
        let service = service();
        assert!(matches!(set_up(&service, ""), Err(SetupError::Over)), "none was printed");
        let code = service.begin_setup().unwrap().unwrap();
        assert!(service.awaits_setup());
        assert!(matches!(set_up(&service, "wrong"), Err(SetupError::WrongCode)));
        assert_eq!(set_up(&service, &code).unwrap().level(), Level::ALL);
        assert!(!service.awaits_setup());
        assert!(matches!(set_up(&service, &code), Err(SetupError::Over)));
        assert!(service.begin_setup().unwrap().is_none());
    }

    #[test]
    fn an_administrator_who_was_made_otherwise_ends_it() {
        let service = service();
        let code = service.begin_setup().unwrap().unwrap();
        let new = NewUser::person("ann".parse().unwrap(), Role::Administrator, None);
        service.engine.add_user(Actor::Operator, new).unwrap();
        assert!(matches!(set_up(&service, &code), Err(SetupError::Over)));
        assert!(!service.awaits_setup());
    }
}
