use proptest::prelude::*;

use super::*;
use crate::clock::Timestamp;
use crate::entropy::{OsEntropy, SeededEntropy};
use crate::key::*;

fn actor() -> Actor {
    Actor::User { user: UserId(7), key: Some(KeyId::from_bytes([9; 16])), from: Some("::1".parse().unwrap()) }
}

fn key() -> Key {
    let ring = PepperRing::generate(&OsEntropy).unwrap();
    let id = KeyId::from_bytes([3; 16]);
    let secret = |entropy: &SeededEntropy| {
        let (issued, prefix) = KeyFormat::Filebin.issue(id, entropy).unwrap();
        let (pepper, current) = ring.current();
        let sealed = SealedCopy::seal(&issued, id, &ring, entropy).unwrap();
        StoredSecret {
            pepper,
            prefix,
            hash: current.hash_issued(&issued),
            sealed: Some(sealed),
            imported_hash: None,
        }
    };
    let entropy = SeededEntropy::new(1);
    let at = Timestamp::from_unix_ms;
    Key {
        id,
        keyspace: *Keyspace::FILEBIN.name(),
        owner: UserId(7),
        comment: "fb-client flo@Marin".parse().unwrap(),
        contact: Some("flo@example.org".parse().unwrap()),
        level: Level::OWN,
        allowlist: "1.2.3.4/24,::1".parse().unwrap(),
        rate_limits: rate_limits(),
        state: KeyState::Revoked { at: at(5), by: actor(), reason: RevokeReason::KeyCompromise },
        expiry: Expiry::At(at(9)),
        narrowed_by: NarrowedBy { state: Level::ALL, rate_limits: Level::SUPPORT, ..NarrowedBy::default() },
        created: at(1),
        serial: 4,
        secrets: Secrets { current: secret(&entropy), previous: Some((secret(&entropy), at(8))) },
        usage: Usage { count: 2, last: Some(Use { at: at(3), from: Some("1.2.3.5".parse().unwrap()) }) },
    }
}

fn rate_limits() -> RateLimits {
    let number = |number| std::num::NonZeroU32::new(number).unwrap();
    let (count, seconds, burst) = (number(100), number(60), number(20));
    RateLimits::of(vec![RateLimit { name: RateLimit::DEFAULT_NAME, count, seconds, burst }]).unwrap()
}

/// As no key gets them any more.
fn slow_rate_limits() -> RateLimits {
    let week = std::num::NonZeroU32::new(7 * 24 * 3_600).unwrap();
    let limit = rate_limits().all().iter().map(|limit| RateLimit { seconds: week, ..*limit }).collect();
    assert!(RateLimits::of(Vec::clone(&limit)).is_err());
    RateLimits::stored(limit).unwrap()
}

fn user() -> User {
    User {
        id: UserId(7),
        username: "flo".parse().unwrap(),
        display_name: Some("Flo".parse().unwrap()),
        email: Some("flo@example.org".parse().unwrap()),
        kind: UserKind::Person { password: Some(PasswordHash::from_phc("$argon2id$x".to_owned())) },
        role: Role::Moderator,
        company: Some(CompanyId::from_bytes([1; 16])),
        status: UserStatus::Blocked,
        api_access: true,
        api_access_removed_by: Level::ALL,
        demoted: Some(Timestamp::from_unix_ms(2)),
        created: Timestamp::from_unix_ms(1),
    }
}

fn event() -> AuditEvent {
    AuditEvent {
        sequence: 1,
        at: Timestamp::MAX,
        actor: actor(),
        action: AuditAction::KeyDeleted,
        subject: Subject::Key(KeyId::from_bytes([2; 16])),
        details: EventDetails::default(),
        previous: EventHash([8; 32]),
    }
}

#[test]
fn an_event_without_details_is_stored_as_ever_and_one_with_has_a_single_form() {
    let plain = event().encode().unwrap();
    assert_eq!(plain[0], 1, "its number comes first");
    let empty = EventDetails { changes: Vec::new(), reason: None, times: 2 };
    let mut detailed = AuditEvent { details: empty, ..event() }.encode().unwrap();
    assert_eq!(detailed[..2], [0, 1]);
    // Once is what an event says that says nothing.
    *detailed.last_mut().unwrap() = 1;
    assert_eq!(AuditEvent::decode(&detailed), Err(Damage::Shape));
}

fn comes_back<T: Record + PartialEq + std::fmt::Debug>(record: &T) {
    let bytes = record.encode().unwrap();
    assert_eq!(T::decode(&bytes).as_ref(), Ok(record));
    assert!(T::decode(&[bytes.as_slice(), &[0]].concat()).is_err(), "trailing bytes");
    for length in 0..bytes.len() {
        assert!(T::decode(&bytes[..length]).is_err(), "cut to {length}");
    }
}

#[test]
fn every_record_comes_back_and_nothing_else_does() {
    comes_back(&key());
    for (_, hot) in key().hot_records() {
        comes_back(&hot);
    }
    comes_back(&Key { rate_limits: slow_rate_limits(), ..key() });
    comes_back(&user());
    comes_back(&User { kind: UserKind::Bot, company: None, ..user() });
    comes_back(&event());
    let change = |old, new| FieldChange { field: AuditField::Level, old, new };
    for by in [Level::AUTHENTICATE, Level::ALL] {
        comes_back(&Deleted { key: key(), by, until: Timestamp::from_unix_ms(9) });
    }
    comes_back(&OwnerLimits { level: Level::ALL, limits: rate_limits() });
    comes_back(&AuditEvent {
        details: EventDetails {
            changes: vec![change(None, Some("2".to_owned())), change(Some("é".repeat(200)), None)],
            reason: Some("revoked".to_owned()),
            times: 7,
        },
        ..event()
    });
    comes_back(&AuditHead { sequence: 300, hash: EventHash([8; 32]) });
    comes_back(&UserId(300));
    comes_back(&PepperChecks(vec![(PepperNumber(1), [1; 16]), (PepperNumber(2), [2; 16])]));
}

/// The entry's value is read as a record of its place, and as damage in any other.
fn stays_in_its_place<T: Record + PartialEq + std::fmt::Debug>(record: &T, own: Vec<u8>, other: Vec<u8>) {
    let value = record.encode().unwrap();
    let read = |key| T::from_entry(&Entry { key, value: value.clone(), version: crate::store::Revision(1) });
    assert_eq!(&read(own).unwrap(), record);
    assert!(matches!(read(other), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_key_or_user_in_the_place_of_another_is_damage() {
    stays_in_its_place(&key(), schema::key(&[3; 16]), schema::key(&[4; 16]));
    stays_in_its_place(&user(), schema::user(7), schema::user(8));
}

#[test]
fn a_level_above_eight_is_told_apart_from_other_damage() {
    let hot = key().hot_records().next().unwrap().1;
    let mut bytes = hot.encode().unwrap();
    // id 16, keyspace 1 + 7, owner 1; with the sign that rate limits follow.
    assert_eq!(std::mem::replace(&mut bytes[25], 0x19), 0x14);
    assert_eq!(HotRecord::decode(&bytes), Err(Damage::Level));
}

#[test]
fn a_key_of_before_says_by_its_state_alone_what_was_taken_from_it() {
    for (state, held) in [(KeyState::Active, Level::AUTHENTICATE), (KeyState::Suspended, Level::ALL)] {
        let held = NarrowedBy { state: held, ..NarrowedBy::default() };
        let old = Key { state, narrowed_by: held, ..key() };
        comes_back(&old);
        let more = Key { narrowed_by: NarrowedBy { expiry: Level::ALL, ..held }, ..old.clone() };
        let (old, more) = (old.encode().unwrap(), more.encode().unwrap());
        assert_eq!(old.len() + 5, more.len(), "nothing is written of it");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Key::decode(&bytes);
        let _ = HotRecord::decode(&bytes);
        let _ = User::decode(&bytes);
        let _ = Deleted::decode(&bytes);
        let _ = OwnerLimits::decode(&bytes);
        let _ = AuditEvent::decode(&bytes);
        let _ = PepperChecks::decode(&bytes);
    }
}
