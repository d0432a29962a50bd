//! Setup code: makes the first administrator who can log in.
//!
//! The server prints the code at the start of an empty store, so the first client to reach a new server cannot take it
//! over. The code ends with the first administrator who has a password, and with the process.

use std::net::IpAddr;
use std::sync::{MutexGuard, PoisonError};

use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use super::setup_code::{CODE_LENGTH, LETTERS, SetupCode};
use super::{Authenticator, Login};
use crate::engine::{EngineError, NewUser};
use crate::entropy::letters;
use crate::key::{Actor, Password, Role, Username};

/// The first administrator was not made.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The code is wrong.
    #[error("the code is wrong")]
    WrongCode,
    /// An administrator can log in already, or no code was made.
    #[error("there is an administrator already")]
    Over,
    /// The engine refused the user or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Authenticator {
    /// Makes a setup code, if no administrator can log in yet. It counts once, until the process ends.
    ///
    /// # Errors
    /// [`EngineError`] when the users were not read, or the system has no randomness.
    ///
    /// # Security
    /// A client with the code becomes administrator: show it to the operator alone.
    pub fn begin_setup(&self) -> Result<Option<Zeroizing<String>>, EngineError> {
        let looked = self.engine.reader().revision();
        if self.has_administrator()? {
            return Ok(None);
        }
        let code = letters(self.engine.entropy(), LETTERS, CODE_LENGTH)?;
        let code = Zeroizing::new(code);
        *self.awaited() = Some(SetupCode { code: code.clone(), looked });
        Ok(Some(code))
    }

    /// Whether a setup code still counts: until an administrator can log in.
    pub fn awaits_setup(&self) -> bool {
        self.still(&mut self.awaited()).unwrap_or(false)
    }

    fn awaited(&self) -> MutexGuard<'_, Option<SetupCode>> {
        self.memory.setup.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the code still counts; removes it when an administrator can log in.
    fn still(&self, awaited: &mut Option<SetupCode>) -> Result<bool, EngineError> {
        let Some(SetupCode { looked, .. }) = awaited else { return Ok(false) };
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

    /// Makes the first administrator, by code.
    ///
    /// # Errors
    /// [`SetupError`]: each variant names the reason.
    ///
    /// # Durability
    /// When this returns `Ok`, the administrator survives a power cut.
    pub fn set_up(
        &self,
        code: &str,
        name: Username,
        password: Password,
        client: Option<IpAddr>,
    ) -> Result<Login, SetupError> {
        // Locked until the end, so that the code counts once.
        let mut awaited = self.awaited();
        let right = awaited.as_ref().map(|awaited| awaited.code.clone()).ok_or(SetupError::Over)?;
        if !bool::from(right.as_bytes().ct_eq(code.trim().as_bytes())) {
            return Err(SetupError::WrongCode);
        }
        if !self.still(&mut awaited)? {
            return Err(SetupError::Over);
        }
        let new = NewUser::person(name, Role::Administrator, Some(password));
        let user = self.engine.add_user(Actor::Operator, new)?;
        *awaited = None;
        Ok(Login::of(&user, client))
    }

    /// Whether an administrator can log in.
    ///
    /// # Errors
    /// [`EngineError`] when the users were not read.
    pub fn has_administrator(&self) -> Result<bool, EngineError> {
        self.engine.reader().has_administrator()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Parts};
    use crate::entropy::OsEntropy;
    use crate::key::{Level, PepperRing};
    use crate::store::MemoryStore;
    use crate::verify::Verifier;

    fn authenticator() -> Authenticator {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let verifier = Verifier::new(engine.reader());
        Authenticator::new(engine, verifier)
    }

    fn set_up(logins: &Authenticator, code: &str) -> Result<Login, SetupError> {
        logins.set_up(code, "root".parse().unwrap(), Password::new(b"pw").unwrap(), None)
    }

    #[test]
    fn the_code_makes_one_administrator_and_no_more() {
        let logins = authenticator();
        assert!(matches!(set_up(&logins, ""), Err(SetupError::Over)), "none was printed");
        let code = logins.begin_setup().unwrap().unwrap();
        assert!(logins.awaits_setup());
        assert!(matches!(set_up(&logins, "wrong"), Err(SetupError::WrongCode)));
        assert_eq!(set_up(&logins, &code).unwrap().level(), Level::ALL);
        assert!(!logins.awaits_setup());
        assert!(matches!(set_up(&logins, &code), Err(SetupError::Over)));
        assert!(logins.begin_setup().unwrap().is_none());
    }

    #[test]
    fn only_an_administrator_who_can_log_in_ends_it() {
        let logins = authenticator();
        let code = logins.begin_setup().unwrap().unwrap();
        let add = |name: &str, role, password: Option<&[u8]>| {
            let password = password.map(|password| Password::new(password).unwrap());
            let new = NewUser::person(name.parse().unwrap(), role, password);
            logins.engine.add_user(Actor::Operator, new).unwrap().id
        };
        let ann = add("ann", Role::Administrator, None);
        add("flo", Role::Support, Some(b"password"));
        assert!(logins.awaits_setup(), "nobody who is there can log in and administer");
        assert!(logins.begin_setup().unwrap().is_some());
        logins.engine.set_password(Actor::Operator, ann, &Password::new(b"password").unwrap()).unwrap();
        assert!(!logins.awaits_setup());
        assert!(matches!(set_up(&logins, &code), Err(SetupError::Over)));
        assert!(logins.begin_setup().unwrap().is_none());
    }
}
