//! A large store that was stopped in good order and is older than what was acknowledged: it is found while it is open.

use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::key::{Actor, Keyspace, Level, PepperRing, RevokeReason, Role};
use keyward::store::{Batch, SledStore, Store as _, schema};
use keyward::verify::{Verifier, VerifyRequest};

use super::raw_sled::with_sled;
use super::store::{UNCOUNTED, open};

/// Whether it comes about while others work.
fn soon(mut it_is: impl FnMut() -> bool) -> bool {
    std::iter::repeat_with(std::thread::yield_now).take(50_000_000).any(|()| it_is())
}

#[test]
fn a_revoked_key_that_came_back_is_refused_once_everything_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let peppers = PepperRing::generate(&OsEntropy).unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let mut others = Batch::default();
    for n in 0..5_000u16 {
        others.put([schema::PREFIXES, b"other/", &n.to_be_bytes()].concat(), b"");
    }
    store.commit(others).unwrap();
    let engine = Engine::open(Parts::new(store, peppers.clone())).unwrap();
    let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
    let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
    let new = NewKey::new(*Keyspace::NATIVE.name(), flo, Level::READ);
    let (key, text) = engine.create_key(Actor::Operator, new).unwrap();
    engine.stop().unwrap();
    drop(engine);
    let live: Vec<_> = with_sled(dir.path(), |db| db.scan_prefix(schema::HOT).map(Result::unwrap).collect());

    let engine = Engine::open(Parts::new(open(dir.path()).unwrap().0, peppers.clone())).unwrap();
    engine.revoke_key(Actor::Operator, key.id, RevokeReason::KeyCompromise).unwrap();
    engine.stop().unwrap();
    drop(engine);
    with_sled(dir.path(), |db| live.iter().for_each(|(place, value)| drop(db.insert(place, value).unwrap())));

    let (store, _) = SledStore::open(dir.path(), UNCOUNTED).unwrap();
    let engine = Engine::open(Parts::new(store, peppers)).unwrap();
    assert!(soon(|| engine.closed().is_some()), "nothing was found");
    let verifier = Verifier::new(engine.reader());
    let text = text.reveal();
    // Those that were under way may still be answered.
    let decided = || verifier.verify(&VerifyRequest::new(&Keyspace::NATIVE, &text));
    assert!(soon(|| decided().is_err()), "{:?}", decided());
    assert!(engine.stop().is_err(), "it was not stopped in good order");
    drop((verifier, engine));
    assert!(open(dir.path()).is_err());
}
