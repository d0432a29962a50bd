//! Keys of every class, as many of each, among many others.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use keyward::clock::{Clock as _, ManualClock, Timestamp};
use keyward::command::Service;
use keyward::engine::{Engine, IndexState, KeyChange, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::key::{Actor, Expiry, KeyId, Keyspace, Level, PepperRing, RevokeReason, Role};
use keyward::store::MemoryStore;
use keyward::verify::Verifier;

const BY: Actor = Actor::Operator;
/// Bytes of a key text.
pub(crate) const TEXT: usize = 32;
/// Where every request comes from.
pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
/// Texts of each class: so many that where the texts of a class happen to lie in the index does not tell.
const EACH: usize = 200_000;
/// Letters of a text that people see.
const PREFIX: usize = 8;

pub(crate) struct Keys {
    pub(crate) service: Service,
    pub(crate) verifier: Verifier,
    pub(crate) good: Vec<String>,
    pub(crate) suspended: Vec<String>,
    pub(crate) revoked: Vec<String>,
    pub(crate) expired: Vec<String>,
    pub(crate) wrong_address: Vec<String>,
    pub(crate) unknown: Vec<String>,
    pub(crate) also_unknown: Vec<String>,
    pub(crate) known_prefix: Vec<String>,
    pub(crate) wrong_first: Vec<String>,
    pub(crate) wrong_last: Vec<String>,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_800_000_000_000));
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
        let flo = engine.add_user(BY, NewUser::person("flo".parse().unwrap(), Role::User, None)).unwrap().id;
        let new = || NewKey::new(*Keyspace::FILEBIN.name(), flo, Level::OWN);
        let soon = Expiry::At(clock.now().plus_ms(1_000));
        let elsewhere = "198.51.100.0/24".parse().unwrap();
        let good = texts(create(&engine, &new()));
        let expired = texts(create(&engine, &NewKey { expiry: Some(soon), ..new() }));
        let wrong_address = texts(create(&engine, &NewKey { allowlist: Some(elsewhere), ..new() }));
        let suspended = create(&engine, &new());
        all(&suspended, |id| {
            let change = KeyChange { active: Some(false), ..KeyChange::default() };
            engine.update_key(BY, id, change).unwrap();
        });
        let revoked = create(&engine, &new());
        all(&revoked, |id| {
            engine.revoke_key(BY, id, RevokeReason::Unspecified).unwrap();
        });
        clock.advance_ms(1_000);
        // Of another engine, so no user here has them.
        let [unknown, also_unknown] = [(); 2].map(|()| texts(unknown_keys()));
        let joined = |(known, other): (&String, &String)| format!("{}{}", &known[..PREFIX], &other[PREFIX..]);
        let known_prefix = good.iter().zip(&unknown).map(joined).collect();
        let wrong_first =
            good.iter().map(|text| format!("{}{}", other_letter(&text[..1]), &text[1..])).collect();
        let wrong_last = good
            .iter()
            .map(|text| format!("{}{}", &text[..TEXT - 1], other_letter(&text[TEXT - 1..])))
            .collect();
        assert_eq!(engine.index_state(), IndexState::Ready);
        Self {
            verifier: Verifier::new(engine.reader()),
            service: Service::new(engine),
            good,
            suspended: texts(suspended),
            revoked: texts(revoked),
            expired,
            wrong_address,
            unknown,
            also_unknown,
            known_prefix,
            wrong_first,
            wrong_last,
        }
    }
}

fn unknown_keys() -> Vec<(KeyId, String)> {
    let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
    let engine = Engine::open(parts).unwrap();
    let flo = engine.add_user(BY, NewUser::person("flo".parse().unwrap(), Role::User, None)).unwrap().id;
    create(&engine, &NewKey::new(*Keyspace::FILEBIN.name(), flo, Level::OWN))
}

fn other_letter(letter: &str) -> &'static str {
    if letter == "a" { "b" } else { "a" }
}

const THREADS: usize = 16;

/// Creates keys, many at a time.
fn create(engine: &Engine, new: &NewKey) -> Vec<(KeyId, String)> {
    let some = || {
        let one = |_| {
            let (key, text) = engine.create_key(BY, new.clone()).unwrap();
            (key.id, text.reveal().to_string())
        };
        (0..EACH / THREADS).map(one).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(some)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn all(keys: &[(KeyId, String)], change: impl Fn(KeyId) + Sync) {
    std::thread::scope(|scope| {
        for part in keys.chunks(EACH / THREADS) {
            scope.spawn(|| part.iter().for_each(|(id, _)| change(*id)));
        }
    });
}

fn texts(keys: Vec<(KeyId, String)>) -> Vec<String> {
    keys.into_iter().map(|(_, text)| text).collect()
}
