//! A data directory with something of everything, the same texts and records each time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward::clock::{ManualClock, Timestamp};
use keyward::config::SecretFile;
use keyward::engine::{
    Engine, IdempotencyKey, Imported, ImportedKey, KeyChange, NewCompany, NewKey, NewKind, NewUser, Parts,
    UserChange,
};
use keyward::entropy::SeededEntropy;
use keyward::key::{
    Actor, DigestScheme, Expiry, ImportedSecret, Issuing, KeyId, Keyspace, Level, PepperRing, RevokeReason,
    Role, UserId, UserStatus,
};
use keyward::limits;
use keyward::store::sled::{OpenOptions, Opened};
use keyward::store::{MemoryStore, Revision, SledStore, Store as _};
use keyward::verify::{Verifier, VerifyRequest};
use tempfile::TempDir;
use zeroize::Zeroizing;

const BY: Actor = Actor::Operator;
const HOUR: u64 = 3_600_000;
/// When everything was made; an hour later short lives and grace periods are over.
const MADE: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);
/// Keys of each keyspace that has as many as one likes.
const OF_EACH: usize = 64;

/// Opens the directory as the binary does, a day after it was filled.
pub(crate) fn open(dir: &Path) -> Result<(Arc<SledStore>, Opened, Engine), String> {
    open_at(dir, MADE.plus_ms(24 * HOUR), 1)
}

fn open_at(dir: &Path, now: Timestamp, seed: u64) -> Result<(Arc<SledStore>, Opened, Engine), String> {
    let opened = SledStore::open(dir, OpenOptions::default());
    let (store, opened) = opened.map_err(|error| error.to_string())?;
    let (store, entropy) = (Arc::new(store), Arc::new(SeededEntropy::new(seed)));
    let secret = SecretFile::at(dir.join("secret"));
    let peppers = secret.read_or_create(store.revision() == Revision(0), entropy.as_ref());
    let peppers: PepperRing = peppers.map_err(|error| error.to_string())?;
    let clock = Arc::new(ManualClock::at(now));
    let parts = Parts { clock, entropy, ..Parts::over(store.clone(), peppers) };
    Ok((store, opened, Engine::open(parts).map_err(|error| error.to_string())?))
}

/// A directory as one kind of end left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// In good order, the whole log still to be read.
    Stopped,
    /// In good order, most of the log in a snapshot.
    Restarted,
    /// By a kill, long enough after the last change for the watermark to know of it.
    Killed,
    /// By a kill right after changes that the watermark does not know of yet.
    KilledAtOnce,
}

/// Directories of all ends, and every text that was ever issued.
pub(crate) struct Filled {
    root: TempDir,
    /// Keyspace and text, a line each.
    pub(crate) texts: PathBuf,
}

impl Filled {
    pub(crate) const ENDS: [End; 4] = [End::Stopped, End::Restarted, End::Killed, End::KilledAtOnce];

    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let texts = root.path().join("texts");
        let filled = Self { root, texts };
        let mut filling = Filling::default();
        let data = filled.root.path().join("data");
        let (_, _, engine) = open_at(&data, MADE, 7).unwrap();
        filling.fill(&engine);
        engine.stop().unwrap();
        drop(engine);
        filled.keep(End::Stopped);

        let (_, _, engine) = open_at(&data, MADE.plus_ms(1), 8).unwrap();
        filling.change(&engine, 5);
        engine.stop().unwrap();
        drop(engine);
        filled.keep(End::Restarted);

        // An open brings the watermark up to date.
        let (_, _, engine) = open_at(&data, MADE.plus_ms(2), 9).unwrap();
        filled.keep(End::Killed);
        filling.change(&engine, 6);
        filled.keep(End::KilledAtOnce);
        let before = filled.of(End::Killed).join("watermark");
        fs::copy(before, filled.of(End::KilledAtOnce).join("watermark")).unwrap();
        filling.invent();
        let lines = filling.texts.iter().map(|(keyspace, text, _)| format!("{} {text}\n", keyspace.name()));
        fs::write(&filled.texts, lines.collect::<String>()).unwrap();
        filled
    }

    pub(crate) fn of(&self, end: End) -> PathBuf {
        self.root.path().join(format!("{end:?}"))
    }

    fn keep(&self, end: End) {
        crate::directory::copy_tree(&self.root.path().join("data"), &self.of(end));
    }
}

#[derive(Default)]
struct Filling {
    texts: Vec<(Keyspace, String, KeyId)>,
    users: Vec<UserId>,
}

impl Filling {
    fn fill(&mut self, engine: &Engine) {
        let company = NewCompany { id: None, name: "Example".parse().unwrap() };
        let company = engine.add_company(BY, company).unwrap().id;
        for n in 0..18 {
            let name = format!("user{n}").parse().unwrap();
            let mut new = NewUser::person(name, Role::ALL[n % Role::ALL.len()], None);
            new.email = Some(format!("user{n}@example.org").parse().unwrap());
            new.company = (n % 2 == 0).then_some(company);
            if n % 3 == 0 {
                new.kind = NewKind::Bot;
            }
            self.users.push(engine.add_user(BY, new).unwrap().id);
        }
        for keyspace in Keyspace::all() {
            for n in 0..OF_EACH {
                self.create(engine, keyspace, n);
            }
        }
        self.import(engine);
        let mark = IdempotencyKey { name: [1; 32], content: [2; 32] };
        let new = NewKey::new(*Keyspace::NATIVE.name(), self.users[1], Level::OWN);
        engine.create_key_idempotent(BY, new, mark).unwrap();
        for round in 0..2 {
            self.change(engine, round);
        }
        let verifier = Verifier::new(engine.reader());
        for (keyspace, text, _) in &self.texts {
            verifier.verify(&VerifyRequest::new(keyspace, text)).unwrap();
        }
        let not_active = |status| UserChange { status: Some(status), ..UserChange::default() };
        engine.update_user(BY, self.users[3], not_active(UserStatus::Blocked)).unwrap();
        engine.update_user(BY, self.users[4], not_active(UserStatus::Inactive)).unwrap();
        engine.remove_user(BY, self.users[5]).unwrap();
    }

    fn create(&mut self, engine: &Engine, keyspace: Keyspace, n: usize) {
        let owner = match keyspace.issuing() {
            Issuing::Freely => self.users[n % self.users.len()],
            // A person who has none; a bot that has none.
            Issuing::WithAccess if n < 6 => self.users[n * 3 + 1],
            Issuing::OnePerBot if n < 6 => self.users[n * 3],
            _ => return,
        };
        let mut new = NewKey::new(*keyspace.name(), owner, Level::new((n % 9) as u8).unwrap());
        if n.is_multiple_of(3) {
            new.allowlist = Some("10.0.0.0/8,2001:db8::1".parse().unwrap());
        }
        new.expiry = Some(match n % 5 {
            0 => Expiry::At(MADE.plus_ms(HOUR)),
            1 => Expiry::At(MADE.plus_ms(1_000 * HOUR)),
            _ => Expiry::Never,
        });
        let (key, text) = engine.create_key(BY, new).unwrap();
        self.texts.push((keyspace, text.reveal().to_string(), key.id));
    }

    /// As many keys of another system as make the index leave an image of itself.
    fn import(&mut self, engine: &Engine) {
        let texts: Vec<String> = (0..limits::PAGE_MAX).map(|n| format!("sk_other_{n:022}")).collect();
        let foreign = |(n, text): (usize, &String)| {
            let secret = match n % 2 {
                0 => ImportedSecret::Text(Zeroizing::new(text.clone())),
                _ => ImportedSecret::Digest(
                    DigestScheme::Sha256,
                    DigestScheme::Sha256.digest(text.as_bytes()).to_vec(),
                ),
            };
            ImportedKey::new(NewKey::new(*Keyspace::NATIVE.name(), self.users[n % 3], Level::READ), secret)
        };
        let imported = texts.iter().enumerate().map(foreign).collect();
        let imported = engine.import_keys(BY, imported, false).unwrap();
        for (text, imported) in texts.into_iter().zip(imported) {
            let Imported::Now(id) = imported else { panic!("{imported:?}") };
            self.texts.push((Keyspace::NATIVE, text, id));
        }
    }

    /// Adds texts that were never issued: of the right form, and others with the last letter changed.
    fn invent(&mut self) {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&SeededEntropy::new(1)).unwrap());
        let others = Engine::open(Parts { entropy: Arc::new(SeededEntropy::new(99)), ..parts }).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = others.add_user(BY, flo).unwrap().id;
        let changed = self.texts.iter().step_by(9).map(|(keyspace, text, id)| {
            let last = if text.ends_with('1') { '2' } else { '1' };
            (*keyspace, format!("{}{last}", text.split_at(text.len() - 1).0), *id)
        });
        let changed: Vec<_> = changed.collect();
        self.texts.extend(changed);
        for keyspace in Keyspace::all().filter(|keyspace| keyspace.issuing() == Issuing::Freely) {
            for _ in 0..20 {
                let new = NewKey::new(*keyspace.name(), flo, Level::OWN);
                let (key, text) = others.create_key(BY, new).unwrap();
                self.texts.push((keyspace, text.reveal().to_string(), key.id));
            }
        }
    }

    /// Takes rights from keys in every way, from others in each `round`.
    fn change(&mut self, engine: &Engine, round: usize) {
        let keys: Vec<_> = self.texts.iter().map(|(keyspace, _, id)| (*keyspace, *id)).collect();
        for (n, (keyspace, id)) in keys.into_iter().enumerate().skip(round).step_by(8) {
            // Rotated out, revoked or deleted before.
            if engine.reader().key(id).unwrap().is_none_or(|key| !key.is_live()) {
                continue;
            }
            let change = |change: KeyChange| drop(engine.update_key(BY, id, change).unwrap());
            match n / 8 % 7 {
                grace @ 0..3 => {
                    let grace = [0, HOUR / 2, 1_000 * HOUR][grace];
                    let (key, text) = engine.rotate_key(BY, id, grace).unwrap();
                    self.texts.push((keyspace, text.reveal().to_string(), key.id));
                }
                3 => change(KeyChange { active: Some(false), ..KeyChange::default() }),
                4 => drop(engine.revoke_key(BY, id, RevokeReason::KeyCompromise).unwrap()),
                5 => {
                    engine.delete_key(BY, id).unwrap();
                    if n % 2 == 0 {
                        engine.undelete_key(BY, id).unwrap();
                    }
                }
                _ => change(KeyChange {
                    level: Some(Level::AUTHENTICATE),
                    allowlist: Some("192.0.2.0/24".parse().unwrap()),
                    ..KeyChange::default()
                }),
            }
        }
    }
}
