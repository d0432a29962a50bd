//! Password hashing: argon2id on one thread of low priority, so that a flood of logins takes neither memory nor
//! processor time from serving.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;

use crate::engine::EngineError;
use crate::entropy::Entropy;
use crate::key::{Password, PasswordHash, User, UserKind};
use crate::limits;
use crate::store::StoreError;

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// Salt for users who do not exist, so that they take the same time as others.
const NOBODY: &[u8; SALT_BYTES] = b"no user, no salt";

/// Handle of the hashing thread, which ends when the last handle is dropped.
#[derive(Clone)]
pub(in crate::engine) struct PasswordHasher {
    jobs: SyncSender<Job>,
    entropy: Arc<dyn Entropy>,
}

enum Job {
    /// Hash a password.
    Hash { password: Password, params: Params, salt: Vec<u8>, answer: SyncSender<Option<[u8; HASH_BYTES]>> },
}

impl PasswordHasher {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the system gives no thread.
    pub(in crate::engine) fn start(entropy: Arc<dyn Entropy>) -> Result<Self, EngineError> {
        let (jobs, waiting) = sync_channel(limits::PASSWORD_QUEUE_MAX);
        std::thread::Builder::new()
            .name("passwords".to_owned())
            .spawn(move || work(&waiting))
            .map_err(|source| StoreError::Io { what: "starting the password thread", source })?;
        Ok(Self { jobs, entropy })
    }

    /// Hashes a new password with a fresh salt.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when too many passwords wait; [`EngineError::Entropy`].
    pub(in crate::engine) fn hash(&self, password: &Password) -> Result<PasswordHash, EngineError> {
        let mut salt = [0; SALT_BYTES];
        self.entropy.fill(&mut salt)?;
        let hash = self.compute(password, params()?, &salt)?.ok_or(EngineError::Stopped)?;
        let phc = phc(&salt, &hash).ok_or(EngineError::Stopped)?;
        Ok(PasswordHash::from_phc(phc))
    }

    /// Whether `password` is the password of `user`. The same work is done for no user, a bot, and a person without a
    /// password; the result is then `false`.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when too many passwords wait.
    pub(in crate::engine) fn check(
        &self,
        user: Option<&User>,
        password: &Password,
    ) -> Result<bool, EngineError> {
        let stored = user.and_then(|user| match &user.kind {
            UserKind::Person { password } => password.as_ref(),
            UserKind::Bot => None,
        });
        match stored.and_then(stored_parts) {
            Some((params, salt, right)) => {
                let hash = self.compute(password, params, &salt)?;
                Ok(hash.is_some_and(|hash| hash.as_slice().ct_eq(&right).into()))
            }
            None => self.compute(password, params()?, NOBODY).map(|_| false),
        }
    }

    fn compute(
        &self,
        password: &Password,
        params: Params,
        salt: &[u8],
    ) -> Result<Option<[u8; HASH_BYTES]>, EngineError> {
        let (answer, answered) = sync_channel(1);
        self.send(Job::Hash { password: password.clone(), params, salt: salt.to_vec(), answer })?;
        answered.recv().map_err(|_| EngineError::Stopped)
    }

    fn send(&self, job: Job) -> Result<(), EngineError> {
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                EngineError::Busy { retry_after_seconds: limits::PASSWORD_RETRY_AFTER_SECONDS }
            }
            TrySendError::Disconnected(_) => EngineError::Stopped,
        })
    }
}

fn work(waiting: &Receiver<Job>) {
    // On Linux this sets the priority of the calling thread alone. If it fails, hashing still works, at the cost of
    // serving.
    if let Err(error) = rustix::process::setpriority_process(None, limits::NICENESS_MAX) {
        tracing::warn!(%error, "password hashing runs at normal priority");
    }
    // One buffer for all hashes: with a fresh buffer each, the allocator keeps gigabytes.
    let mut memory = Vec::new();
    for job in waiting {
        match job {
            Job::Hash { password, params, salt, answer } => {
                // The caller may have dropped its end; then the result is not needed.
                let _ = answer.send(hashed(&password, params, &salt, &mut memory));
            }
        }
    }
}

fn hashed(
    password: &Password,
    params: Params,
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> Option<[u8; HASH_BYTES]> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    let mut hash = [0; HASH_BYTES];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let memory = memory.get_mut(..blocks).unwrap_or_default();
    let done = argon2.hash_password_into_with_memory(password.reveal(), salt, &mut hash, memory);
    done.is_ok().then_some(hash)
}

fn params() -> Result<Params, EngineError> {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).map_err(|_| EngineError::Stopped)
}

fn phc(salt: &[u8], hash: &[u8]) -> Option<String> {
    let params = params().ok()?;
    let whole = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: phc::ParamsString::try_from(&params).ok()?,
        salt: Some(phc::Salt::new(salt).ok()?),
        hash: Some(phc::Output::new(hash).ok()?),
    };
    Some(whole.to_string())
}

/// Parameters, salt and hash of a stored password; `None` when the hash is of another program.
fn stored_parts(stored: &PasswordHash) -> Option<(Params, Vec<u8>, Vec<u8>)> {
    let whole = phc::PasswordHash::new(stored.as_phc()).ok()?;
    let params = Params::try_from(&whole).ok().filter(|params| params.m_cost() <= MEMORY_KIB)?;
    let hash = whole.hash.filter(|hash| hash.len() == HASH_BYTES)?;
    Some((params, whole.salt?.as_ref().to_vec(), hash.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::entropy::OsEntropy;
    use crate::key::{Level, Role, UserId, UserStatus};

    fn user(kind: UserKind) -> User {
        User {
            id: UserId(1),
            username: "flo".parse().unwrap(),
            display_name: None,
            email: None,
            kind,
            role: Role::User,
            company: None,
            status: UserStatus::Active,
            api_access: false,
            api_access_removed_by: Level::AUTHENTICATE,
            demoted: None,
            created: Timestamp::from_unix_ms(0),
        }
    }

    #[test]
    fn only_the_right_password_of_a_person_with_one_is_right() {
        let passwords = PasswordHasher::start(Arc::new(OsEntropy)).unwrap();
        let (right, wrong) = (Password::new(b"test").unwrap(), Password::new(b"Test").unwrap());
        let hash = passwords.hash(&right).unwrap();
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_phc());
        assert_ne!(hash, passwords.hash(&right).unwrap(), "every hash has a salt of its own");
        let flo = user(UserKind::Person { password: Some(hash) });
        assert!(passwords.check(Some(&flo), &right).unwrap());
        assert!(!passwords.check(Some(&flo), &wrong).unwrap());
        for nobody in [None, Some(&user(UserKind::Bot)), Some(&user(UserKind::Person { password: None }))] {
            assert!(!passwords.check(nobody, &right).unwrap());
        }
    }

    #[test]
    fn a_flood_is_told_to_come_back_instead_of_piling_up() {
        let passwords = PasswordHasher::start(Arc::new(OsEntropy)).unwrap();
        let busy = std::thread::scope(|scope| {
            let logins: Vec<_> = (0..limits::PASSWORD_QUEUE_MAX * 4)
                .map(|_| scope.spawn(|| passwords.check(None, &Password::new(b"guess").unwrap())))
                .collect();
            logins.into_iter().map(|login| login.join().unwrap()).filter(Result::is_err).count()
        });
        assert!(busy > 0, "with a bounded queue some of four times its length must be refused");
        assert!(passwords.check(None, &Password::new(b"later").unwrap()).is_ok());
    }
}
