//! Verdicts on existing keys: one by one, in batches, imported ones, and explained ones.

use super::*;
use crate::engine::{Engine, ImportedKey, NewKey, NewUser, Parts};
use crate::entropy::OsEntropy;
use crate::key::{
    Actor, DigestScheme, Expiry, ImportedSecret, KeyId, Keyspace, Level, PepperRing, RateLimit, RateLimits,
    RevokeReason, Role, Spend, UserId,
};
use crate::limits;
use crate::store::MemoryStore;

struct World {
    engine: Engine,
    verifier: Verifier,
    flo: UserId,
}

impl World {
    fn new() -> Self {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        Self { verifier: Verifier::new(engine.reader()), engine, flo }
    }

    fn draft(&self) -> NewKey {
        NewKey::new(*Keyspace::NATIVE.name(), self.flo, Level::READ)
    }

    fn issue(&self, new: NewKey) -> (KeyId, String) {
        let (key, text) = self.engine.create_key(Actor::Operator, new).unwrap();
        (key.id, text.reveal().to_string())
    }

    fn import(&self, secret: ImportedSecret) {
        let key = ImportedKey::new(self.draft(), secret);
        assert_eq!(self.engine.import_keys(Actor::Operator, vec![key], false).unwrap().len(), 1);
    }

    fn verify(&self, text: &str) -> Verdict {
        self.verifier.verify(&VerifyRequest::new(&Keyspace::NATIVE, text)).unwrap()
    }

    fn verify_all(&self, texts: &[&str]) -> Vec<Verdict> {
        let requests: Vec<_> = texts.iter().map(|text| VerifyRequest::new(&Keyspace::NATIVE, text)).collect();
        self.verifier.verify_all(&requests).collect::<Result<_, _>>().unwrap()
    }

    fn explain(&self, text: &str) -> Explanation {
        self.verifier.explain(&VerifyRequest::new(&Keyspace::NATIVE, text)).unwrap()
    }

    fn uses(&self, key: KeyId) -> u64 {
        self.engine.reader().key(key).unwrap().unwrap().usage.count
    }
}

fn key_of(verdict: Verdict) -> Option<KeyId> {
    match verdict {
        Verdict::Allow(identity) => Some(identity.key),
        Verdict::Deny(_) => None,
    }
}

#[test]
fn an_allowed_use_is_counted_and_a_denied_one_is_a_denial_and_no_use() {
    let world = World::new();
    let (key, text) = world.issue(world.draft());
    let asking = |level| VerifyRequest { level, ..VerifyRequest::new(&Keyspace::NATIVE, &text) };
    let allowed = Identity {
        key,
        user: world.flo,
        keyspace: *Keyspace::NATIVE.name(),
        level: Level::READ,
        expiry: Expiry::Never,
        quota: None,
    };
    assert_eq!(world.verifier.verify(&asking(Level::READ)).unwrap(), Verdict::Allow(allowed));
    let low = DenyReason::LevelTooLow { have: Level::READ };
    let verifier = world.verifier.clone();
    assert_eq!(verifier.verify(&asking(Level::OWN)).unwrap(), Verdict::Deny(low));
    assert_eq!(verifier.verify(&asking(Level::ALL)).unwrap(), Verdict::Deny(low));
    assert_eq!(world.uses(key), 1);
    let verdicts = world.verifier.verdicts();
    assert_eq!((verdicts.allowed(), verdicts.denied()), (1, 2));
    let denied: Vec<_> = verdicts.by_reason().filter(|(_, count)| *count > 0).collect();
    assert_eq!(denied, [(low.code(), 2)]);
    assert_eq!((low.code(), verdicts.by_reason().count()), ("level_too_low", 13));
    let shown = format!("{:?}", asking(Level::READ));
    assert!(shown.contains("native") && !shown.contains(&text), "{shown}");
}

#[test]
fn a_limit_that_the_key_does_not_have_is_not_no_limit() {
    let world = World::new();
    let number = |number| std::num::NonZeroU32::new(number).unwrap();
    let limit = |name: &str| RateLimit {
        name: name.parse().unwrap(),
        count: number(1),
        seconds: number(60),
        burst: number(1),
    };
    let limits = RateLimits::of(vec![limit("default"), limit("export")]).unwrap();
    // Made first: from then on the limits bind every key of the owner.
    let (_, unlimited) = world.issue(world.draft());
    let (key, limited) = world.issue(NewKey { rate_limits: Some(limits), ..world.draft() });
    for (text, name, allowed) in [
        (&limited, "defualt", false),
        (&limited, "exports", false),
        (&unlimited, "default", false),
        (&limited, "export", true),
        (&limited, "default", true),
    ] {
        for cost in [0, 1] {
            let spend = Spend { limit: Some(name.parse().unwrap()), cost };
            let request = VerifyRequest { spend, ..VerifyRequest::new(&Keyspace::NATIVE, text) };
            let verdict = world.verifier.verify(&request).unwrap();
            let tried = world.verifier.explain(&request).unwrap();
            let refused = Verdict::Deny(DenyReason::NoSuchLimit);
            assert_eq!((verdict == refused, tried.verdict == refused), (!allowed, !allowed), "{name} {cost}");
        }
    }
    assert_eq!(world.uses(key), 4, "a refused use is none");
    assert_eq!(DenyReason::NoSuchLimit.code(), "no_such_limit");
}

#[test]
fn many_at_once_are_decided_in_their_order_and_counted() {
    let world = World::new();
    let keys: Vec<_> = (0..2 * limits::PREFETCHED_KEYS_MAX + 3).map(|_| world.issue(world.draft())).collect();
    let unknown_text = World::new().issue(world.draft()).1;
    let mut texts: Vec<&str> = keys.iter().map(|(_, text)| text.as_str()).collect();
    let mut expected: Vec<_> = keys.iter().map(|(id, _)| Some(*id)).collect();
    for (at, text) in [(5, unknown_text.as_str()), (20, "no key"), (30, "")] {
        texts.insert(at, text);
        expected.insert(at, None);
    }
    let verdicts = world.verify_all(&texts);
    assert_eq!(verdicts.iter().copied().map(key_of).collect::<Vec<_>>(), expected);
    assert_eq!(verdicts[5], Verdict::Deny(DenyReason::Unknown));
    assert_eq!(verdicts[20], Verdict::Deny(DenyReason::Malformed));
    let counted = world.verifier.verdicts();
    assert_eq!((counted.allowed(), counted.denied()), (keys.len() as u64, 3));
    let requests: Vec<_> = texts.iter().map(|text| VerifyRequest::new(&Keyspace::NATIVE, text)).collect();
    let mut in_turn = world.verifier.verify_all(&requests);
    for left in (0..texts.len()).rev() {
        assert!(in_turn.next().is_some());
        assert_eq!(in_turn.len(), left);
    }
    assert!(in_turn.next().is_none());
}

#[test]
fn a_use_is_spent_from_the_rate_limit_and_one_too_many_is_denied() {
    let world = World::new();
    let number = |number: u32| number.try_into().unwrap();
    let limit = RateLimit {
        name: RateLimit::DEFAULT_NAME,
        count: number(2),
        seconds: number(3_600),
        burst: number(2),
    };
    let (key, text) =
        world.issue(NewKey { rate_limits: Some(RateLimits::of(vec![limit]).unwrap()), ..world.draft() });
    for left in [1, 0] {
        let Verdict::Allow(identity) = world.verify(&text) else { panic!("{left} left") };
        assert_eq!(identity.quota.map(|quota| quota.remaining), Some(left));
    }
    let Verdict::Deny(reason) = world.verify(&text) else { panic!("a third use") };
    assert!(matches!(reason, DenyReason::RateLimited { quota, retry_ms: Some(_) } if quota.remaining == 0));
    assert_eq!((reason.code(), world.uses(key)), ("rate_limited", 2));
}

#[test]
fn keys_of_other_systems_are_found_where_no_own_key_has_the_text() {
    let world = World::new();
    let text = "sk_live_of_another_system";
    assert_eq!(world.verify(text), Verdict::Deny(DenyReason::Malformed));
    world.import(ImportedSecret::Text(text.to_owned().into()));
    let found = key_of(world.verify(text)).unwrap();
    assert_eq!(world.verify_all(&[text]).into_iter().map(key_of).collect::<Vec<_>>(), [Some(found)]);
    assert_eq!(world.explain(text).key, Some((found, world.flo)));
}

#[test]
fn what_became_of_a_key_counts_more_than_a_hash_of_its_text() {
    let world = World::new();
    let (key, text) = world.issue(world.draft());
    world.engine.revoke_key(Actor::Operator, key, RevokeReason::KeyCompromise).unwrap();
    let digest = DigestScheme::Sha256.digest(text.as_bytes()).to_vec();
    world.import(ImportedSecret::Digest(DigestScheme::Sha256, digest));
    let revoked = Verdict::Deny(DenyReason::Revoked);
    assert_eq!((world.verify(&text), world.verify_all(&[&text])), (revoked, vec![revoked]));
    let explanation = world.explain(&text);
    assert_eq!((explanation.verdict, explanation.key), (revoked, Some((key, world.flo))));
}

#[test]
fn trying_out_says_what_verifying_would_and_is_no_use() {
    let world = World::new();
    let (key, text) = world.issue(world.draft());
    let unknown_text = World::new().issue(world.draft()).1;
    let explanation = world.explain(&text);
    assert_eq!((key_of(explanation.verdict), explanation.key), (Some(key), Some((key, world.flo))));
    assert_eq!(explanation.checks.len(), 8);
    assert!(explanation.checks.iter().all(|(_, refused)| refused.is_none()), "{:?}", explanation.checks);
    for (text, reason) in [(unknown_text.as_str(), DenyReason::Unknown), ("no key", DenyReason::Malformed)] {
        let explanation = world.explain(text);
        assert_eq!(
            (explanation.verdict, explanation.key, explanation.checks),
            (Verdict::Deny(reason), None, vec![])
        );
    }
    assert_eq!((world.uses(key), world.verifier.verdicts()), (0, Verdicts::default()));
}

#[test]
fn the_owner_of_an_allowed_key_is_known() {
    let world = World::new();
    let owner = world.verifier.owner(world.flo).unwrap().unwrap();
    assert_eq!(owner.rights.level, Role::User.level());
    assert!(world.verifier.owner(UserId(7)).unwrap().is_none());
}
