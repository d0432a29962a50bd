//! Keys of other systems: found by what those left of them, and our own from their first use on.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use keyward::clock::{ManualClock, Timestamp};
use keyward::engine::{Engine, EngineError, Imported, ImportedKey, NewKey, NewUser, Parts, Past, UserChange};
use keyward::entropy::OsEntropy;
use keyward::key::{
    Actor, DigestScheme, HmacKey, ImportedSecret, KeyId, KeyStatus, Keyspace, Level, PartScheme, Pepper,
    PepperNumber, PepperRing, RevokeReason, Role, SaltedHash, UserId,
};
use keyward::limits;
use keyward::store::sled::OpenOptions;
use keyward::store::{MemoryStore, SledStore};
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};
use zeroize::Zeroizing;

struct World {
    engine: Engine,
    clock: ManualClock,
    flo: UserId,
}

/// An engine over `dir` under these peppers.
fn on_disk(dir: &Path, peppers: &[u8]) -> Engine {
    let (store, _) = SledStore::open(dir, OpenOptions::default()).unwrap();
    let pepper = |number: &u8| (PepperNumber(*number), Pepper::from_bytes([*number; 32]));
    Engine::open(Parts::new(store, PepperRing::new(peppers.iter().map(pepper).collect()).unwrap())).unwrap()
}

fn import_into(engine: &Engine, secrets: Vec<(UserId, ImportedSecret)>) -> Vec<&'static str> {
    let keys = secrets.into_iter().map(|(owner, secret)| {
        let new = NewKey::new(*Keyspace::NATIVE.name(), owner, Level::OWN);
        ImportedKey::new(new, secret)
    });
    let imported = engine.import_keys(Actor::Operator, keys.collect(), false).unwrap();
    let word = |one: &Imported| match one {
        Imported::Now(_) => "now",
        Imported::Before(_) => "before",
        Imported::Refused(EngineError::HasText) => "has text",
        Imported::Refused(_) => "refused",
    };
    imported.iter().map(word).collect()
}

fn add_flo(engine: &Engine) -> UserId {
    let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
    engine.add_user(Actor::Operator, flo).unwrap().id
}

fn is_good(engine: &Engine, text: &str) -> bool {
    let verdict =
        Verifier::new(engine.reader()).verify(&VerifyRequest::new(&Keyspace::NATIVE, text)).unwrap();
    matches!(verdict, Verdict::Allow(_))
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_764_100_000_000));
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        Self { engine, clock, flo }
    }

    fn import(&self, keyspace: &Keyspace, secret: ImportedSecret) -> Imported {
        let new = NewKey::new(*keyspace.name(), self.flo, Level::OWN);
        let mut imported =
            self.engine.import_keys(Actor::Operator, vec![ImportedKey::new(new, secret)], false).unwrap();
        assert_eq!(imported.len(), 1);
        imported.remove(0)
    }

    /// Has what waits written: a piece of it after each of these changes.
    fn sweep(&self) {
        self.clock.advance_ms(limits::WRITE_BEHIND_SECONDS * 1_000);
        for name in ["flo2", "flo3", "flo4", "flo"] {
            let username = Some(name.parse().unwrap());
            let change = UserChange { username, ..UserChange::default() };
            self.engine.update_user(Actor::Operator, self.flo, change).unwrap();
        }
    }

    fn verdict(&self, keyspace: &Keyspace, text: &str) -> Verdict {
        Verifier::new(self.engine.reader()).verify(&VerifyRequest::new(keyspace, text)).unwrap()
    }

    fn allowed(&self, keyspace: &Keyspace, text: &str) -> Option<KeyId> {
        match self.verdict(keyspace, text) {
            Verdict::Allow(identity) => Some(identity.key),
            Verdict::Deny(_) => None,
        }
    }
}

fn text(text: &str) -> ImportedSecret {
    ImportedSecret::Text(Zeroizing::new(text.to_owned()))
}

fn digest(scheme: DigestScheme, text: &str) -> ImportedSecret {
    let digest = scheme.digest(text.as_bytes()).to_vec();
    ImportedSecret::Digest(scheme, digest)
}

fn salted(text: &str) -> ImportedSecret {
    let hash = bcrypt::hash_with_salt(text, 4, [7; 16]).unwrap().to_string();
    ImportedSecret::Salted(text.split_at(8).0.parse().unwrap(), hash.parse::<SaltedHash>().unwrap())
}

#[test]
fn a_key_of_another_system_verifies_and_gets_our_own_hash() {
    let hmac = || DigestScheme::HmacSha256(HmacKey::new(b"their secret".to_vec()).unwrap());
    let cases: [(&str, ImportedSecret); 6] = [
        (
            "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            digest(DigestScheme::Sha256, "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
        ),
        ("sk_test_512/+=.~", digest(DigestScheme::Sha512, "sk_test_512/+=.~")),
        ("hmac-key-000000000000", digest(hmac(), "hmac-key-000000000000")),
        ("plain.key/with+signs=", text("plain.key/with+signs=")),
        ("bcrypted-key-0123456789", salted("bcrypted-key-0123456789")),
        ("Sa71PVwKthRrrIEUIacqN9PNTouVQAWz", text("Sa71PVwKthRrrIEUIacqN9PNTouVQAWz")),
    ];
    for keyspace in [Keyspace::NATIVE, Keyspace::FILEBIN] {
        let world = World::new();
        for (held, secret) in &cases {
            let Imported::Now(id) = world.import(&keyspace, secret.clone()) else { panic!("{held}") };
            assert!(matches!(world.import(&keyspace, secret.clone()), Imported::Before(same) if same == id));
            assert_eq!(world.allowed(&keyspace, held), Some(id), "{held}");
            assert_eq!(world.allowed(&keyspace, &format!("{held}x")), None, "{held}");
            let other = if keyspace == Keyspace::NATIVE { Keyspace::FILEBIN } else { Keyspace::NATIVE };
            assert_eq!(world.allowed(&other, held), None, "{held} in another keyspace");
        }
        for round in 0..2 {
            world.sweep();
            for (held, secret) in &cases {
                let id = world.allowed(&keyspace, held).unwrap_or_else(|| panic!("{held}, round {round}"));
                assert!(
                    matches!(world.import(&keyspace, secret.clone()), Imported::Before(same) if same == id)
                );
                let current = world.engine.reader().key(id).unwrap().unwrap().secrets.current;
                assert!(current.imported_hash.is_none(), "{held}: nothing of the other system is left");
                assert!(
                    held.starts_with(current.prefix.as_str().split_at(2).0),
                    "{held}: {}",
                    current.prefix
                );
            }
            assert!(world.engine.check().unwrap().findings.is_empty());
        }
    }
}

#[test]
fn an_imported_key_obeys_what_happens_to_it_before_its_first_use() {
    let world = World::new();
    for secret in
        [digest(DigestScheme::Sha256, "imported-key-1"), salted("imported-key-2"), text("imported-key-3")]
    {
        let Imported::Now(id) = world.import(&Keyspace::NATIVE, secret) else { panic!("it is new") };
        let held = ["imported-key-1", "imported-key-2", "imported-key-3"];
        let held = held.into_iter().find(|held| world.allowed(&Keyspace::NATIVE, held) == Some(id)).unwrap();
        world.engine.revoke_key(Actor::Operator, id, RevokeReason::Unspecified).unwrap();
        assert_eq!(world.verdict(&Keyspace::NATIVE, held), Verdict::Deny(DenyReason::Revoked));
        world.engine.delete_key(Actor::Operator, id).unwrap();
        // It has another form than its keyspace's.
        assert_eq!(world.verdict(&Keyspace::NATIVE, held), Verdict::Deny(DenyReason::Malformed));
    }
}

#[test]
fn a_wrong_line_is_refused_alone_and_a_dry_run_changes_nothing() {
    let world = World::new();
    let new = |owner| NewKey::new(*Keyspace::NATIVE.name(), owner, Level::OWN);
    let keys = || {
        vec![
            ImportedKey::new(new(world.flo), text("short")),
            ImportedKey::new(new(world.flo), text("long enough, but blanks")),
            ImportedKey::new(new(world.flo), text("good-key-00000001")),
            ImportedKey::new(new(UserId(99)), text("good-key-00000002")),
            ImportedKey::new(new(world.flo), text("good-key-00000001")),
        ]
    };
    let outcomes = |dry| {
        let imported = world.engine.import_keys(Actor::Operator, keys(), dry).unwrap();
        let kind = |imported: &Imported| match imported {
            Imported::Now(_) => "now",
            Imported::Before(_) => "before",
            Imported::Refused(_) => "refused",
        };
        imported.iter().map(kind).collect::<Vec<_>>()
    };
    let expected = ["refused", "refused", "now", "refused", "before"];
    assert_eq!(outcomes(true), expected);
    assert_eq!(world.allowed(&Keyspace::NATIVE, "good-key-00000001"), None);
    assert!(!world.engine.reader().has_imported_hashes());
    assert_eq!(outcomes(false), expected);
    assert!(world.allowed(&Keyspace::NATIVE, "good-key-00000001").is_some());
    assert_eq!(outcomes(false)[2], "before");
}

#[test]
fn salted_keys_that_became_our_own_verify_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let text = "bcrypted-key-0123456789";
    let engine = on_disk(dir.path(), &[1]);
    let flo = add_flo(&engine);
    assert_eq!(import_into(&engine, vec![(flo, salted(text))]), ["now"]);
    assert!(is_good(&engine, text));
    // At the stop its own hash is written, and no salted one is left.
    drop(engine);
    assert!(is_good(&on_disk(dir.path(), &[1]), text));
}

#[test]
fn a_salted_key_that_comes_back_is_looked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let text = "bcrypted-key-0123456789";
    let engine = on_disk(dir.path(), &[1]);
    let flo = add_flo(&engine);
    import_into(&engine, vec![(flo, salted(text))]);
    let id = engine.reader().keys_of(flo, None, None, 1).unwrap().0[0].id;
    engine.delete_key(Actor::Operator, id).unwrap();
    drop(engine);
    let engine = on_disk(dir.path(), &[1]);
    assert!(!is_good(&engine, text));
    engine.undelete_key(Actor::Operator, id).unwrap();
    assert!(is_good(&engine, text));
}

#[test]
fn a_list_is_recognised_after_a_new_pepper_and_so_is_a_text_of_our_own() {
    let dir = tempfile::tempdir().unwrap();
    let engine = on_disk(dir.path(), &[1]);
    let flo = add_flo(&engine);
    let own = NewKey::new(*Keyspace::NATIVE.name(), flo, Level::OWN);
    let own = engine.create_key(Actor::Operator, own).unwrap().1.reveal();
    let list = || vec![(flo, digest(DigestScheme::Sha256, "sha256-key-0123")), (flo, text("plain-key-0123"))];
    assert_eq!(import_into(&engine, list()), ["now", "now"]);
    drop(engine);
    let engine = on_disk(dir.path(), &[1, 2]);
    assert_eq!(import_into(&engine, list()), ["before", "before"]);
    assert_eq!(import_into(&engine, vec![(flo, text(&own))]), ["has text"]);
}

#[test]
fn a_key_that_is_refused_stands_in_no_other_s_way() {
    let world = World::new();
    let secret = || text("good-key-00000001");
    let lines = vec![(UserId(99), secret()), (world.flo, secret()), (world.flo, secret())];
    assert_eq!(import_into(&world.engine, lines), ["refused", "now", "before"]);
}

#[test]
fn a_key_does_not_come_back_beside_another_with_its_text() {
    let world = World::new();
    let new = NewKey::new(*Keyspace::NATIVE.name(), world.flo, Level::OWN);
    let (key, issued) = world.engine.create_key(Actor::Operator, new).unwrap();
    world.engine.delete_key(Actor::Operator, key.id).unwrap();
    assert_eq!(import_into(&world.engine, vec![(world.flo, text(&issued.reveal()))]), ["now"]);
    let back = world.engine.undelete_key(Actor::Operator, key.id);
    assert!(matches!(back, Err(EngineError::HasText)), "{back:?}");
}

/// A digest of a part, behind this if that is known.
fn part(of: &str, text: &str, before: Option<&str>) -> ImportedSecret {
    let scheme = PartScheme { scheme: DigestScheme::Sha256, part: of.parse().unwrap() };
    let (_, part) = scheme.part.split(text).unwrap();
    let digest = scheme.scheme.digest(part.as_bytes()).to_vec();
    ImportedSecret::PartDigest(scheme, before.map(|before| before.parse().unwrap()), digest)
}

#[test]
fn a_digest_of_a_part_is_found_by_that_part_and_what_stands_before_it_where_that_is_known() {
    let (sanctum, seam) = ("12|0123456789abcdefghij", "seam_short_0123456789abcdefghij");
    let world = World::new();
    let Imported::Now(open) = world.import(&Keyspace::NATIVE, part("after:|", sanctum, None)) else {
        panic!()
    };
    let Imported::Now(known) = world.import(&Keyspace::NATIVE, part("last:_", seam, Some("seam_short")))
    else {
        panic!("two parts go beside each other")
    };
    for _ in 0..3 {
        let allowed = |text: &str| world.allowed(&Keyspace::NATIVE, text);
        assert_eq!((allowed(sanctum), allowed(seam)), (Some(open), Some(known)));
        assert_eq!(allowed("13|0123456789abcdefghij"), Some(open), "its number was not given");
        for wrong in [
            "0123456789abcdefghij",
            "12|0123456789abcdefghi",
            "12|x0123456789abcdefghij",
            "seam_other_0123456789abcdefghij",
            "x_seam_short_0123456789abcdefghij",
            "seam_short_0123456789abcdefghi",
        ] {
            assert_eq!(allowed(wrong), None, "{wrong}");
        }
        world.sweep();
    }
    assert!(matches!(world.import(&Keyspace::NATIVE, text(sanctum)), Imported::Before(same) if same == open));
    assert!(matches!(world.import(&Keyspace::NATIVE, text(seam)), Imported::Before(same) if same == known));
    world.engine.revoke_key(Actor::Operator, open, RevokeReason::Unspecified).unwrap();
    for revoked in [sanctum, "13|0123456789abcdefghij"] {
        assert_eq!(world.verdict(&Keyspace::NATIVE, revoked), Verdict::Deny(DenyReason::Revoked));
    }
}

#[test]
fn parts_are_known_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let engine = on_disk(dir.path(), &[1]);
    let flo = add_flo(&engine);
    let text = "12|0123456789abcdefghij";
    assert_eq!(import_into(&engine, vec![(flo, part("after:|", text, None))]), ["now"]);
    drop(engine);
    let engine = on_disk(dir.path(), &[1, 2]);
    assert!(is_good(&engine, text) && !is_good(&engine, "12|0123456789abcdefghi"));
}

/// The forms in which one text may come from another system, but for salted ones.
fn forms(text: &str) -> Vec<ImportedSecret> {
    let hmac = DigestScheme::HmacSha256(HmacKey::new(b"their secret".to_vec()).unwrap());
    vec![
        digest(DigestScheme::Sha256, text),
        digest(DigestScheme::Sha512, text),
        digest(hmac, text),
        part("after:|", text, None),
        part("after:|", text, Some("twice")),
    ]
}

#[test]
fn a_text_whose_digest_is_there_is_the_same_key_and_revoked_with_it() {
    let held = "twice|0123456789abcdef";
    for (at, form) in forms(held).into_iter().enumerate() {
        for used_before in [false, true] {
            let world = World::new();
            let Imported::Now(id) = world.import(&Keyspace::NATIVE, form.clone()) else { panic!("{at}") };
            if used_before {
                assert_eq!(world.allowed(&Keyspace::NATIVE, held), Some(id));
                world.sweep();
            }
            let again = world.import(&Keyspace::NATIVE, text(held));
            assert!(matches!(again, Imported::Before(same) if same == id), "form {at}: {again:?}");
            world.engine.revoke_key(Actor::Operator, id, RevokeReason::Unspecified).unwrap();
            let again = world.import(&Keyspace::NATIVE, text(held));
            assert!(matches!(again, Imported::Before(same) if same == id), "form {at}: {again:?}");
            assert_eq!(world.verdict(&Keyspace::NATIVE, held), Verdict::Deny(DenyReason::Revoked), "{at}");
        }
    }
}

#[test]
fn the_usual_digest_of_a_text_that_is_there_is_the_same_key() {
    let held = "twice|0123456789abcdef";
    let world = World::new();
    let Imported::Now(id) = world.import(&Keyspace::NATIVE, text(held)) else { panic!("it is new") };
    let again = world.import(&Keyspace::NATIVE, digest(DigestScheme::Sha256, held));
    assert!(matches!(again, Imported::Before(same) if same == id), "{again:?}");
}

#[test]
fn one_text_in_several_forms_in_one_import_is_one_key() {
    let held = "twice|0123456789abcdef";
    for form in forms(held) {
        for both in [[text(held), form.clone()], [form.clone(), text(held)]] {
            let world = World::new();
            let both = both.into_iter().map(|secret| (world.flo, secret)).collect();
            assert_eq!(import_into(&world.engine, both), ["now", "before"], "{form:?}");
        }
    }
}

#[test]
fn texts_up_to_512_bytes_are_taken_and_verify() {
    let world = World::new();
    for (length, is_one) in [(164, true), (512, true), (513, false)] {
        let held = format!("sk-proj-{}", "x".repeat(length - 8));
        let imported = world.import(&Keyspace::NATIVE, text(&held));
        assert_eq!(matches!(imported, Imported::Now(_)), is_one, "{length}");
        assert_eq!(world.allowed(&Keyspace::NATIVE, &held).is_some(), is_one, "{length}");
        let held = format!("sk-dig-{}", "x".repeat(length - 7));
        world.import(&Keyspace::NATIVE, digest(DigestScheme::Sha256, &held));
        assert_eq!(world.allowed(&Keyspace::NATIVE, &held).is_some(), is_one, "{length}");
    }
}

#[test]
fn what_a_key_went_through_comes_along() {
    let world = World::new();
    let ms = |days: u64| Timestamp::from_unix_ms(1_764_100_000_000 - days * 86_400_000);
    let import = |held: &str, past: Past| {
        let new = NewKey::new(*Keyspace::NATIVE.name(), world.flo, Level::OWN);
        let key = ImportedKey { past, ..ImportedKey::new(new, text(held)) };
        world.engine.import_keys(Actor::Operator, vec![key], false).unwrap().remove(0)
    };
    let past = Past { created: Some(ms(30)), last_used: Some(ms(2)), revoked: None };
    let Imported::Now(id) = import("used-key-00000001", past) else { panic!("it is new") };
    let key = world.engine.reader().key(id).unwrap().unwrap();
    assert_eq!((key.created, key.usage.last.map(|last| last.at)), (ms(30), Some(ms(2))));
    assert_eq!(world.allowed(&Keyspace::NATIVE, "used-key-00000001"), Some(id));

    let past = Past { revoked: Some(ms(1)), ..past };
    let Imported::Now(id) = import("gone-key-00000001", past) else { panic!("it is new") };
    let key = world.engine.reader().key(id).unwrap().unwrap();
    assert_eq!(key.status(ms(0)), KeyStatus::Revoked);
    assert_eq!(world.verdict(&Keyspace::NATIVE, "gone-key-00000001"), Verdict::Deny(DenyReason::Revoked));

    let ahead = Timestamp::from_unix_ms(1_764_100_000_001);
    for wrong in [
        Past { created: Some(ahead), ..Past::default() },
        Past { last_used: Some(ahead), ..Past::default() },
        Past { revoked: Some(ahead), ..Past::default() },
        Past { created: Some(ms(1)), last_used: Some(ms(2)), revoked: None },
        Past { created: Some(ms(1)), last_used: None, revoked: Some(ms(2)) },
    ] {
        let imported = import("other-key-0000001", wrong);
        assert!(matches!(imported, Imported::Refused(EngineError::Parse(_))), "{wrong:?}");
    }
}

#[test]
fn a_revoked_key_that_is_imported_is_not_the_one_that_its_owner_may_have() {
    let world = World::new();
    let import = |held: &str, revoked| {
        let new = NewKey::new(*Keyspace::TELVUE.name(), world.flo, Level::OWN);
        let past = Past { revoked, ..Past::default() };
        let key = ImportedKey { past, ..ImportedKey::new(new, text(held)) };
        world.engine.import_keys(Actor::Operator, vec![key], false).unwrap().remove(0)
    };
    let now = Some(Timestamp::from_unix_ms(1_764_100_000_000));
    assert!(matches!(import("7e14204fcce1e00152b4", now), Imported::Now(_)));
    assert!(!world.engine.reader().user(world.flo).unwrap().unwrap().api_access);
    assert!(matches!(import("7e14204fcce1e00152b5", None), Imported::Now(_)));
    assert!(matches!(import("7e14204fcce1e00152b6", now), Imported::Now(_)));
    assert!(matches!(import("7e14204fcce1e00152b7", None), Imported::Refused(EngineError::HasKey)));
}

#[test]
fn a_text_longer_than_bcrypt_reads_takes_no_key_over() {
    let world = World::new();
    let held = format!("acme-key{}", "A".repeat(64));
    let Imported::Now(id) = world.import(&Keyspace::NATIVE, salted(&held)) else { panic!("it is new") };
    assert_eq!(world.allowed(&Keyspace::NATIVE, &format!("{held}WRONG")), None);
    world.sweep();
    assert_eq!(world.allowed(&Keyspace::NATIVE, &held), Some(id), "the holder is not locked out");
    assert_eq!(world.allowed(&Keyspace::NATIVE, &format!("{held}WRONG")), None);
}
