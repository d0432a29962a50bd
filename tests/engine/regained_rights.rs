//! No caller may do more with a backup in the place of the store, unless the comparison of both says so: after random
//! changes, every text and every password is tried with both, at every address, level and time that matters.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use keyward::clock::{Clock as _, ManualClock, Timestamp};
use keyward::engine::{
    Engine, KeyChange, NewCompany, NewKey, NewKind, NewUser, Parts, UserChange, regained_access,
};
use keyward::key::{
    Actor, CompanyId, Expiry, KeyId, Keyspace, Level, Password, Patch, Pepper, PepperNumber, PepperRing,
    RateLimit, RateLimits, RevokeReason, Role, UserId, UserStatus,
};
use keyward::store::{Batch, MemoryStore, Store};
use keyward::verify::{Verdict, Verifier, VerifyRequest};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const BEGIN: Timestamp = Timestamp::from_unix_ms(1_764_100_000_000);
const HOUR_MS: u64 = 3_600_000;
const PASSWORDS: [&str; 2] = ["first password", "second password"];
const ADDRESSES: [&str; 4] = ["10.0.0.1", "10.0.0.2", "10.0.1.1", "2001:db8::1"];
const LISTS: [&str; 4] = ["", "10.0.0.1", "10.0.0.0/24", "10.0.0.0/23,2001:db8::/32"];
const ROLES: [Role; 3] = [Role::User, Role::Support, Role::Administrator];
const BY: Actor = Actor::Operator;

/// A store at work, with everything that anybody was ever given.
struct World {
    store: Arc<MemoryStore>,
    engine: Engine,
    clock: ManualClock,
    peppers: u8,
    users: Vec<UserId>,
    keys: Vec<(KeyId, &'static Keyspace)>,
    texts: Vec<(String, &'static Keyspace)>,
}

fn ring(peppers: u8) -> PepperRing {
    let pepper = |n| (PepperNumber(n), Pepper::from_bytes([n; 32]));
    PepperRing::new((1..=peppers).map(pepper).collect()).unwrap()
}

fn open(store: &Arc<MemoryStore>, clock: &ManualClock, peppers: u8) -> Engine {
    let parts = Parts::over(Arc::<MemoryStore>::clone(store), ring(peppers));
    Engine::open(Parts { clock: Arc::new(clock.clone()), index_slots_max: 4_096, ..parts }).unwrap()
}

/// Everything that is stored, in a store of its own.
fn copy(store: &dyn Store) -> Arc<MemoryStore> {
    let mut batch = Batch::default();
    for entry in store.scan(b"", None, usize::MAX).unwrap() {
        batch.put(entry.key, entry.value);
    }
    let copy = MemoryStore::new();
    copy.commit(batch).unwrap();
    Arc::new(copy)
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// None, tighter or looser ones.
fn rate_limits(nth: u8) -> RateLimits {
    let limit = |count, burst| RateLimit {
        name: RateLimit::DEFAULT_NAME,
        count: number(count),
        seconds: number(3_600),
        burst: number(burst),
    };
    RateLimits::of(match nth % 4 {
        0 => Vec::new(),
        1 => vec![limit(60, 3)],
        2 => vec![limit(60, 2)],
        _ => vec![limit(3_600, 2)],
    })
    .unwrap()
}

fn expiry(nth: u8) -> Expiry {
    match nth % 4 {
        0 => Expiry::Never,
        nth => Expiry::At(BEGIN.plus_ms(u64::from(nth) * 30 * HOUR_MS)),
    }
}

fn password(nth: u8) -> Password {
    Password::new(PASSWORDS[usize::from(nth) % PASSWORDS.len()].as_bytes()).unwrap()
}

fn company(nth: u8) -> CompanyId {
    CompanyId::from_bytes([nth % 2 + 1; 16])
}

impl World {
    fn new() -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::at(BEGIN));
        let engine = open(&store, &clock, 1);
        let mut world =
            Self { store, engine, clock, peppers: 1, users: Vec::new(), keys: Vec::new(), texts: Vec::new() };
        for nth in 0..2 {
            let new = NewCompany { id: Some(company(nth)), name: "Example".parse().unwrap() };
            world.engine.add_company(BY, new).unwrap();
        }
        for nth in 0..3 {
            world.add_user(nth, nth);
        }
        for nth in 0..4 {
            world.create(nth, nth);
        }
        world
    }

    fn add_user(&mut self, a: u8, b: u8) {
        let nth = self.users.len();
        let kind = if a % 3 == 2 { NewKind::Bot } else { NewKind::Person { password: Some(password(b)) } };
        let email = b.is_multiple_of(2).then(|| format!("user{nth}@example.org").parse().unwrap());
        let new = NewUser {
            username: Some(format!("user{nth}").parse().unwrap()),
            display_name: None,
            email,
            kind,
            role: ROLES[usize::from(a) % 3],
            company: b.is_multiple_of(3).then(|| company(a)),
        };
        self.users.push(self.engine.add_user(BY, new).unwrap().id);
    }

    fn create(&mut self, a: u8, b: u8) {
        let keyspace = [&Keyspace::NATIVE, &Keyspace::FILEBIN, &Keyspace::FREESEWING][usize::from(a) % 3];
        let new = NewKey {
            allowlist: Some(LISTS[usize::from(b) % LISTS.len()].parse().unwrap()),
            rate_limits: Some(rate_limits(b)),
            expiry: Some(expiry(b / 4)),
            ..NewKey::new(*keyspace.name(), self.user(a), Level::new(b % 9).unwrap())
        };
        // Its owner may be gone, or not come to keys in this way.
        if let Ok((key, text)) = self.engine.create_key(BY, new) {
            self.keys.push((key.id, keyspace));
            self.texts.push((text.reveal().to_string(), keyspace));
        }
    }

    fn user(&self, nth: u8) -> UserId {
        self.users[usize::from(nth) % self.users.len()]
    }

    /// One thing that happens; what is refused changes nothing.
    fn change(&mut self, (what, a, b): (u8, u8, u8)) {
        let user = self.user(a);
        let (key, keyspace) = self.keys[usize::from(a) % self.keys.len()];
        let of_key = |change| drop(self.engine.update_key(BY, key, change));
        let of_user = |change| drop(self.engine.update_user(BY, user, change));
        match what {
            0 => of_key(KeyChange { level: Some(Level::new(b % 9).unwrap()), ..KeyChange::default() }),
            1 => {
                let allowlist = LISTS[usize::from(b) % LISTS.len()].parse().unwrap();
                of_key(KeyChange { allowlist: Some(allowlist), ..KeyChange::default() });
            }
            2 => of_key(KeyChange { rate_limits: Some(rate_limits(b)), ..KeyChange::default() }),
            3 => of_key(KeyChange { expiry: Some(expiry(b)), ..KeyChange::default() }),
            4 => of_key(KeyChange { active: Some(b % 2 == 0), ..KeyChange::default() }),
            5 => drop(self.engine.revoke_key(BY, key, RevokeReason::default())),
            6 => {
                if let Ok((_, text)) = self.engine.rotate_key(BY, key, u64::from(b % 3) * 20 * HOUR_MS) {
                    self.texts.push((text.reveal().to_string(), keyspace));
                }
            }
            7 => drop(self.engine.delete_key(BY, key)),
            8 => drop(self.engine.undelete_key(BY, key)),
            9 => self.create(a, b),
            10 => drop(self.engine.set_password(BY, user, &password(b))),
            11 => of_user(UserChange { role: Some(ROLES[usize::from(b) % 3]), ..UserChange::default() }),
            12 => of_user(UserChange {
                status: Some(UserStatus::ALL[usize::from(b) % 3]),
                ..UserChange::default()
            }),
            13 => {
                let company = if b % 3 == 0 { Patch::Clear } else { Patch::Set(company(b)) };
                of_user(UserChange { company, ..UserChange::default() });
            }
            14 => of_user(UserChange { api_access: Some(b % 2 == 0), ..UserChange::default() }),
            15 => {
                let email = format!("other{b}@example.org").parse().unwrap();
                let email = if b % 2 == 0 { Patch::Clear } else { Patch::Set(email) };
                of_user(UserChange { email, ..UserChange::default() });
            }
            16 => of_user(UserChange { username: format!("other{b}").parse().ok(), ..UserChange::default() }),
            17 => drop(self.engine.remove_user(BY, user)),
            18 => self.add_user(a, b),
            19 => self.clock.advance_ms(u64::from(b) * HOUR_MS),
            20 if self.peppers < 3 => {
                self.engine.stop().unwrap();
                self.peppers += 1;
                self.store = copy(self.store.as_ref());
                self.engine = open(&self.store, &self.clock, self.peppers);
            }
            // Used, a text is hashed under the newest pepper.
            _ => {
                let verifier = Verifier::new(self.engine.reader());
                tried(&verifier, &self.texts[usize::from(a) % self.texts.len()], None, Level::OWN, true);
            }
        }
    }
}

/// The user that a text is good for. Rate limits count where they are spent from, and only there.
fn tried(
    verifier: &Verifier,
    (text, keyspace): &(String, &'static Keyspace),
    client: Option<IpAddr>,
    level: Level,
    spend: bool,
) -> Option<UserId> {
    let request = VerifyRequest { client, level, ..VerifyRequest::new(keyspace, text) };
    let verdict =
        if spend { verifier.verify(&request).unwrap() } else { verifier.explain(&request).unwrap().verdict };
    match verdict {
        Verdict::Allow(identity) => Some(identity.user),
        Verdict::Deny(_) => None,
    }
}

/// Everything that anybody can do with a copy of `store`, given all that anybody ever had; and what more would be
/// possible if every key were resumed and every deleted one brought back.
fn powers(world: &World, store: &dyn Store) -> BTreeSet<String> {
    let mut powers = BTreeSet::new();
    for brought_back in [false, true] {
        let clock = ManualClock::at(world.clock.now());
        let engine = open(&copy(store), &clock, world.peppers);
        if brought_back {
            for (key, _) in &world.keys {
                let _ = engine.undelete_key(BY, *key);
                let _ = engine.update_key(BY, *key, KeyChange { active: Some(true), ..KeyChange::default() });
            }
        }
        let verifier = Verifier::new(engine.reader());
        for hours in [0, 1, 25, 24, 60, 24 * 40] {
            for (nth, text) in world.texts.iter().enumerate() {
                for address in [None].into_iter().chain(ADDRESSES.map(|address| address.parse().ok())) {
                    for level in 0..9 {
                        let user = tried(&verifier, text, address, Level::new(level).unwrap(), false);
                        let Some(user) = user else { break };
                        let user = engine.reader().user(user).unwrap().unwrap();
                        let who = format!("{} of {:?}", user.username, user.company);
                        powers.insert(format!(
                            "{nth} from {address:?} at {level} as {who}, {hours}, {brought_back}"
                        ));
                    }
                }
            }
            clock.advance_ms(hours * HOUR_MS);
        }
    }
    powers.extend(uses_in_a_row(world, store));
    let engine = open(&copy(store), &ManualClock::at(world.clock.now()), world.peppers);
    for user in engine.reader().users(None, 1_000).unwrap() {
        let able = user.status == UserStatus::Active;
        let mut noted = |what: String| {
            powers.insert(format!("{} {what}", user.username));
        };
        if user.api_access {
            noted("has API access".to_owned());
        }
        for level in 0..=user.role.level().number() {
            noted(format!(
                "could act at {level} for {:?}, {}",
                user.company,
                user.status != UserStatus::Blocked
            ));
        }
        let names = [Some(user.username.to_string()), user.email.as_ref().map(ToString::to_string)];
        for password in PASSWORDS.iter().filter(|_| able) {
            let given = Password::new(password.as_bytes()).unwrap();
            if engine.check_password(Some(&user), &given).unwrap() {
                for name in names.iter().flatten() {
                    noted(format!("logs in as {name} with {password}"));
                }
            }
        }
    }
    powers
}

/// How often each text may be used at once, and again after a while.
fn uses_in_a_row(world: &World, store: &dyn Store) -> BTreeSet<String> {
    let clock = ManualClock::at(world.clock.now());
    let engine = open(&copy(store), &clock, world.peppers);
    let verifier = Verifier::new(engine.reader());
    let mut uses = BTreeSet::new();
    // The account is emptied first, so that what comes back afterwards is the rate alone.
    for minutes in [0, 1, 2] {
        clock.advance_ms(minutes * 60_000);
        for (nth, text) in world.texts.iter().enumerate() {
            for address in [ADDRESSES[0], ADDRESSES[3]] {
                let from = address.parse().ok();
                let used = || tried(&verifier, text, from, Level::AUTHENTICATE, true).is_some();
                let times = (0..6).take_while(|_| used()).count();
                uses.extend(
                    (1..=times).map(|times| format!("{nth} from {address}, {times} times, {minutes}")),
                );
            }
        }
    }
    uses
}

#[test]
fn nobody_can_do_more_with_a_backup_unless_the_comparison_says_so() {
    let change = || (0..22_u8, any::<u8>(), any::<u8>());
    let changes = (prop::collection::vec(change(), 0..8), prop::collection::vec(change(), 0..3));
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let (silents, tolds) = (Cell::new(0), Cell::new(0));
    let run = runner.run(&changes, |(before, since)| {
        let mut world = World::new();
        before.into_iter().for_each(|change| world.change(change));
        let then = copy(world.store.as_ref());
        since.iter().for_each(|change| world.change(*change));
        // Uses that wait are written, so that what is stored is all there is.
        world.engine.stop().unwrap();
        let found = regained_access(then.as_ref(), world.store.as_ref(), world.clock.now()).unwrap();
        if found.is_empty() {
            let more: Vec<_> = powers(&world, then.as_ref())
                .difference(&powers(&world, world.store.as_ref()))
                .cloned()
                .collect();
            prop_assert!(more.is_empty(), "after {since:?}: {more:#?}");
            silents.set(silents.get() + u32::from(!since.is_empty()));
        } else {
            tolds.set(tolds.get() + 1);
        }
        Ok(())
    });
    run.unwrap();
    let (silent, told) = (silents.get(), tolds.get());
    assert!(silent > 4 && told > 4, "{silent} with nothing to say, {told} with something");
}

/// One change since the backup, and what the comparison says of it.
type Case = (fn(&World, UserId, KeyId), &'static [&'static str]);

fn of_key(world: &World, key: KeyId, change: KeyChange) {
    world.engine.update_key(BY, key, change).unwrap();
}

fn of_user(world: &World, user: UserId, change: UserChange) {
    world.engine.update_user(BY, user, change).unwrap();
}

#[test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
fn each_thing_that_was_taken_away_is_named_and_nothing_else() {
    let cases: &[Case] = &[
        (
            |w, _, key| of_key(w, key, KeyChange { level: Some(Level::READ), ..KeyChange::default() }),
            &["of flo: given a lower level"],
        ),
        (
            |w, _, key| {
                of_key(w, key, KeyChange { allowlist: LISTS[1].parse().ok(), ..KeyChange::default() })
            },
            &["of flo: limited to other addresses"],
        ),
        (
            |w, _, key| {
                of_key(w, key, KeyChange { rate_limits: Some(rate_limits(2)), ..KeyChange::default() })
            },
            // Every later key of flo is limited as well.
            &["of flo: limited to fewer uses", "user flo: limited to fewer uses"],
        ),
        (
            |w, _, key| of_key(w, key, KeyChange { expiry: Some(expiry(1)), ..KeyChange::default() }),
            &["of flo: given an earlier end"],
        ),
        (
            |w, _, key| of_key(w, key, KeyChange { active: Some(false), ..KeyChange::default() }),
            &["of flo: suspended"],
        ),
        (|w, _, key| drop(w.engine.revoke_key(BY, key, RevokeReason::default())), &["of flo: revoked"]),
        (|w, _, key| w.engine.delete_key(BY, key).unwrap(), &["of flo: deleted"]),
        (|w, _, key| drop(w.engine.rotate_key(BY, key, HOUR_MS)), &["of flo: rotated"]),
        (
            |w, flo, _| drop(w.engine.set_password(BY, flo, &password(1))),
            &["user flo: given another password"],
        ),
        (
            |w, flo, _| {
                of_user(w, flo, UserChange { status: Some(UserStatus::Blocked), ..UserChange::default() })
            },
            &["user flo: blocked"],
        ),
        (
            |w, flo, _| {
                of_user(w, flo, UserChange { status: Some(UserStatus::Inactive), ..UserChange::default() })
            },
            &["user flo: made inactive"],
        ),
        (
            |w, flo, _| of_user(w, flo, UserChange { role: Some(Role::User), ..UserChange::default() }),
            &["user flo: demoted"],
        ),
        (
            |w, flo, _| of_user(w, flo, UserChange { company: Patch::Clear, ..UserChange::default() }),
            &["user flo: moved to another company"],
        ),
        (
            |w, flo, _| of_user(w, flo, UserChange { email: Patch::Clear, ..UserChange::default() }),
            &["user flo: given another e-mail address"],
        ),
        (
            |w, flo, _| of_user(w, flo, UserChange { username: "bo".parse().ok(), ..UserChange::default() }),
            &["user flo: renamed"],
        ),
        (|w, flo, _| w.engine.remove_user(BY, flo).unwrap(), &["of flo: deleted", "user flo: removed"]),
        (
            |w, _, _| w.engine.remove_company(BY, company(1)).unwrap(),
            &[
                "company 02020202-0202-0202-0202-020202020202 Example: removed",
                "user company-02020202-0202-0202-0202-020202020202: removed",
            ],
        ),
        // What gives more, or is about something else, takes nothing away.
        (|w, _, key| of_key(w, key, KeyChange { level: Some(Level::ALL), ..KeyChange::default() }), &[]),
        (
            |w, flo, _| {
                of_user(w, flo, UserChange { role: Some(Role::Administrator), ..UserChange::default() })
            },
            &[],
        ),
        (
            |w, flo, _| of_user(w, flo, UserChange { display_name: Patch::Clear, ..UserChange::default() }),
            &[],
        ),
        (
            |w, flo, _| drop(w.engine.create_key(BY, NewKey::new(*Keyspace::NATIVE.name(), flo, Level::OWN))),
            &[],
        ),
        (|w, _, _| w.clock.advance_ms(HOUR_MS), &[]),
    ];
    for (nth, (change, expected)) in cases.iter().enumerate() {
        let mut world = World::new();
        let mut flo = NewUser::person("flo".parse().unwrap(), Role::Support, Some(password(0)));
        (flo.company, flo.email) = (Some(company(0)), "flo@example.org".parse().ok());
        flo.display_name = "Flo".parse().ok();
        let flo = world.engine.add_user(BY, flo).unwrap().id;
        let new = NewKey::new(*Keyspace::NATIVE.name(), flo, Level::OWN);
        let (key, text) = world.engine.create_key(BY, new).unwrap();
        world.texts = vec![(text.reveal().to_string(), &Keyspace::NATIVE)];
        let then = copy(world.store.as_ref());
        change(&world, flo, key.id);
        let found = regained_access(then.as_ref(), world.store.as_ref(), world.clock.now()).unwrap();
        let found: BTreeSet<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "case {nth}: {found:?}");
        for expected in *expected {
            let expected = format!("{expected} since");
            assert!(found.iter().any(|found| found.ends_with(&expected)), "case {nth}: {found:?}");
        }
        // Nor does a restore of what is there.
        let same = regained_access(world.store.as_ref(), world.store.as_ref(), world.clock.now()).unwrap();
        assert!(same.is_empty(), "case {nth}: {same:?}");
    }
}
