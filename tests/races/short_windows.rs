//! Moments that are too short to be met by chance: every thread is at the same key then.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use keyward::clock::{ManualClock, Timestamp};
use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::key::{Keyspace, Level, Pepper, PepperNumber, PepperRing, RateLimit, RateLimits, Role, UserId};
use keyward::limits;
use keyward::store::{MemoryStore, Store};
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};

use crate::store::{Pace, Paced};
use crate::world::BY;

const THREADS: usize = 4;
const PACE: Pace = Pace { commit: 5, scan: 0, refusals: usize::MAX };

fn open(store: &Arc<dyn Store>, peppers: &[Pepper]) -> (Engine, ManualClock) {
    let clock = ManualClock::at(Timestamp::from_unix_ms(1_800_000_000_000));
    let ring: BTreeMap<_, _> = (1..).map(PepperNumber).zip(peppers.iter().cloned()).collect();
    let parts = Parts::over(Arc::clone(store), PepperRing::new(ring).unwrap());
    (Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap(), clock)
}

fn add(engine: &Engine, name: &str) -> UserId {
    engine.add_user(BY, NewUser::person(name.parse().unwrap(), Role::User, None)).unwrap().id
}

#[test]
fn a_good_key_is_never_unknown_while_it_is_hashed_under_a_new_pepper() {
    let peppers: Vec<_> = (0..20).map(|_| Pepper::generate(&OsEntropy).unwrap()).collect();
    for peppers in peppers.windows(2).cycle().take(20 * crate::rounds()) {
        let store: Arc<dyn Store> = Arc::new(Paced::over(Arc::new(MemoryStore::new()), Arc::default(), PACE));
        let (engine, _) = open(&store, &peppers[..1]);
        let flo = add(&engine, "flo");
        let new = NewKey::new(*Keyspace::NATIVE.name(), flo, Level::OWN);
        let (key, text) = engine.create_key(BY, new).unwrap();
        let text = text.reveal().to_string();
        engine.stop().unwrap();

        let (engine, clock) = open(&store, peppers);
        let verify = || Verifier::new(engine.reader()).verify(&VerifyRequest::new(&Keyspace::NATIVE, &text));
        let old = key.secrets.current.hash;
        let hashed_anew = || engine.reader().key(key.id).unwrap().unwrap().secrets.current.hash != old;
        let (ended, verified) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while !ended.load(Ordering::SeqCst) {
                        let verdict = verify().unwrap();
                        ended.fetch_or(!matches!(verdict, Verdict::Allow(_)), Ordering::SeqCst);
                        assert!(matches!(verdict, Verdict::Allow(_)), "{verdict:?}");
                        verified.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            for user in 0.. {
                // A commit after which the lane looks for what it has to write behind.
                clock.advance_ms(limits::WRITE_BEHIND_SECONDS * 1_000);
                add(&engine, &format!("user{user}"));
                if hashed_anew() || ended.load(Ordering::SeqCst) {
                    break;
                }
            }
            let enough = verified.load(Ordering::SeqCst) + 50;
            while verified.load(Ordering::SeqCst) < enough && !ended.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            ended.store(true, Ordering::SeqCst);
        });
        engine.stop().unwrap();
        let counted = engine.reader().key(key.id).unwrap().unwrap().usage.count;
        assert_eq!(counted, verified.into_inner(), "every use was counted once");
    }
}

#[test]
fn threads_that_use_a_limited_key_at_once_spend_its_burst_and_no_more() {
    const BURST: u32 = 10;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (engine, _) = open(&store, &[Pepper::generate(&OsEntropy).unwrap()]);
    let flo = add(&engine, "flo");
    let number = |number| NonZeroU32::new(number).unwrap();
    let limit = RateLimit {
        name: RateLimit::DEFAULT_NAME,
        count: number(BURST),
        seconds: number(3_600),
        burst: number(BURST),
    };
    for _ in 0..500 * crate::rounds() {
        let new = NewKey {
            rate_limits: Some(RateLimits::of(vec![limit]).unwrap()),
            ..NewKey::new(*Keyspace::NATIVE.name(), flo, Level::OWN)
        };
        let text = engine.create_key(BY, new).unwrap().1.reveal().to_string();
        let (waiting, allowed) = (AtomicUsize::new(2), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let verifier = Verifier::new(engine.reader());
                    waiting.fetch_sub(1, Ordering::SeqCst);
                    while waiting.load(Ordering::SeqCst) > 0 {
                        std::hint::spin_loop();
                    }
                    for _ in 0..BURST {
                        match verifier.verify(&VerifyRequest::new(&Keyspace::NATIVE, &text)).unwrap() {
                            Verdict::Allow(_) => allowed.fetch_add(1, Ordering::SeqCst),
                            Verdict::Deny(DenyReason::RateLimited { .. }) => 0,
                            Verdict::Deny(reason) => panic!("{reason:?}"),
                        };
                    }
                });
            }
        });
        assert_eq!(allowed.into_inner(), u64::from(BURST));
    }
}
