//! The first administrator who can log in, made by whoever has the code that the server printed.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::command::{AddUser, Caller, CommandError, Login, Service};
use crate::engine::{EngineError, NewUser};
use crate::entropy::letters;
use crate::key::{Password, Role, Username};
use crate::store::Revision;

/// Without the letters and digits that look like others.
const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
const CODE_LENGTH: usize = 24;

#[derive(Default)]
pub(in crate::command) struct Setup(Mutex<Option<Awaited>>);

/// The code that is waited for.
struct Awaited {
    code: Zeroizing<String>,
    /// The newest commit after which nobody could administer: asking again before another costs nothing.
    looked: Revision,
}

/// Why the first administrator was not made.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The code is not the one that was printed.
    #[error("the code is wrong")]
    WrongCode,
    /// There is an administrator who can log in, or no code was printed.
    #[error("there is an administrator already")]
    Over,
    /// It was not carried out.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Service {
    /// Makes a code for setting up, if no administrator can log in yet. It counts once, until the process ends.
    ///
    /// # Errors
    /// [`CommandError`] when the users could not be read, or for want of randomness.
    ///
    /// # Security
    /// Whoever has the code becomes administrator: show it to the machine's owner alone.
    pub fn begin_setup(&self) -> Result<Option<Zeroizing<String>>, CommandError> {
        let looked = self.engine.reader().revision();
        if self.has_administrator()? {
            return Ok(None);
        }
        let code = letters(self.engine.entropy(), LETTERS, CODE_LENGTH).map_err(EngineError::Entropy)?;
        let code = Zeroizing::new(code);
        *self.awaited() = Some(Awaited { code: code.clone(), looked });
        Ok(Some(code))
    }

    /// Whether an administrator can be made by code: not any more once one can log in.
    pub fn awaits_setup(&self) -> bool {
        self.still(&mut self.awaited()).unwrap_or(false)
    }

    fn awaited(&self) -> MutexGuard<'_, Option<Awaited>> {
        self.memory.setup.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a code is waited for still; ends that when there is an administrator.
    fn still(&self, awaited: &mut Option<Awaited>) -> Result<bool, CommandError> {
        let Some(Awaited { looked, .. }) = awaited else { return Ok(false) };
        let newest = self.engine.reader().revision();
        if *looked != newest {
            if self.has_administrator()? {
                *awaited = None;
                return Ok(false);
            }
            *looked = newest;
        }
        Ok(true)
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
    ) -> Result<Login, SetupError> {
        // Held meanwhile: the code counts once.
        let mut awaited = self.awaited();
        let right = awaited.as_ref().map(|awaited| awaited.code.clone()).ok_or(SetupError::Over)?;
        if !bool::from(right.as_bytes().ct_eq(code.trim().as_bytes())) {
            return Err(SetupError::WrongCode);
        }
        if !self.still(&mut awaited)? {
            return Err(SetupError::Over);
        }
        let new = NewUser::person(name, Role::Administrator, Some(password));
        let user = self.run(&Caller::operator(), AddUser(new))?;
        *awaited = None;
        Ok(Login::of(&user, client))
    }

    /// Whether an administrator can log in.
    ///
    /// # Errors
    /// [`CommandError`] when the users could not be read.
    pub fn has_administrator(&self) -> Result<bool, CommandError> {
        Ok(self.engine.reader().has_administrator()?)
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

    fn set_up(service: &Service, code: &str) -> Result<Login, SetupError> {
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
    fn only_an_administrator_who_can_log_in_ends_it() {
        let service = service();
        let code = service.begin_setup().unwrap().unwrap();
        let add = |name: &str, role, password: Option<&[u8]>| {
            let password = password.map(|password| Password::new(password).unwrap());
            let new = NewUser::person(name.parse().unwrap(), role, password);
            service.engine.add_user(Actor::Operator, new).unwrap().id
        };
        let ann = add("ann", Role::Administrator, None);
        add("flo", Role::Support, Some(b"password"));
        assert!(service.awaits_setup(), "nobody who is there can log in and administer");
        assert!(service.begin_setup().unwrap().is_some());
        service.engine.set_password(Actor::Operator, ann, &Password::new(b"password").unwrap()).unwrap();
        assert!(!service.awaits_setup());
        assert!(matches!(set_up(&service, &code), Err(SetupError::Over)));
        assert!(service.begin_setup().unwrap().is_none());
    }
}
