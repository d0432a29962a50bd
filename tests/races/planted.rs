//! The checker itself: it finds what cannot have happened, and says nothing about what can.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, RwLock};

use keyward::clock::Timestamp;
use keyward::key::{Allowlist, Expiry, KeyId, Keyspace, Level, Role, UserId};

use crate::checker;
use crate::history::{
    Ask, KeyTrack, Look, Register, Secret, Seen, Span, Standing, TextTrack, TrackedStatus, UserTrack,
};

const NOON: Timestamp = Timestamp::from_unix_ms(1_000_000);
const CREATED: Span = Span { start: 10, end: 20 };
const ALLOWED: Seen = Seen::Allowed(Level::OWN);

fn span(start: u64, end: u64) -> Span {
    Span { start, end }
}

/// A key that was created between the stamps 10 and 20.
fn key() -> (Arc<KeyTrack>, Arc<TextTrack>) {
    let owner = Arc::new(UserTrack {
        id: UserId(1),
        status: Register::new(span(1, 2), TrackedStatus::Active),
        level: Register::new(span(1, 2), Role::User.level()),
        removed: RwLock::new(false),
    });
    let text = Arc::new(TextTrack { text: String::new(), secret: Register::new(CREATED, Secret::Current) });
    let key = Arc::new(KeyTrack {
        id: KeyId::from_bytes([1; 16]),
        keyspace: Keyspace::NATIVE,
        owner,
        standing: Register::new(CREATED, Standing::Active),
        level: Register::new(CREATED, Level::OWN),
        expiry: Register::new(CREATED, Expiry::Never),
        allowlist: Register::new(CREATED, Allowlist::Anyone),
        texts: Mutex::new(vec![Arc::clone(&text)]),
        allowed: AtomicU64::new(0),
    });
    (key, text)
}

/// Whether a look at this time may have seen this.
fn agrees(track: &(Arc<KeyTrack>, Arc<TextTrack>), (start, end): (u64, u64), seen: Seen) -> bool {
    agrees_at(track, (start, end), (NOON, NOON), seen)
}

fn agrees_at(
    (key, text): &(Arc<KeyTrack>, Arc<TextTrack>),
    (start, end): (u64, u64),
    clock: (Timestamp, Timestamp),
    seen: Seen,
) -> bool {
    let ask = Ask { client: Some("192.0.2.7".parse().unwrap()), level: Level::READ };
    let (key, text) = (Arc::clone(key), Arc::clone(text));
    checker::check(&[Look { key, text, span: span(start, end), clock, ask, seen }]).is_empty()
}

#[test]
fn a_created_key_is_allowed_from_its_answer_on_and_not_before_it_was_durable() {
    let track = key();
    assert!(agrees(&track, (21, 22), ALLOWED));
    assert!(!agrees(&track, (21, 22), Seen::Denied("unknown")), "denied after create was acknowledged");
    assert!(agrees(&track, (15, 22), ALLOWED));
    assert!(!agrees(&track, (5, 9), ALLOWED), "seen before it was durable");
}

#[test]
fn an_allow_that_starts_after_an_acknowledged_stop_is_found() {
    let stops = [Standing::Suspended, Standing::Revoked, Standing::Deleted];
    for (stop, denied) in stops.into_iter().zip(["suspended", "revoked", "unknown"]) {
        let track = key();
        track.0.standing.write(span(30, 40), stop);
        assert!(!agrees(&track, (41, 42), ALLOWED), "{stop:?}");
        assert!(agrees(&track, (41, 42), Seen::Denied(denied)), "{stop:?}");
        assert!(!agrees(&track, (21, 29), Seen::Denied(denied)), "{stop:?} was seen before it was durable");
        for overlap in [(25, 35), (31, 39), (35, 45), (25, 45)] {
            assert!(agrees(&track, overlap, ALLOWED) && agrees(&track, overlap, Seen::Denied(denied)));
        }
    }
}

#[test]
fn a_deny_after_an_acknowledged_resume_is_found() {
    let track = key();
    track.0.standing.write(span(30, 40), Standing::Suspended);
    track.0.standing.write(span(50, 60), Standing::Active);
    assert!(!agrees(&track, (61, 62), Seen::Denied("suspended")));
    assert!(agrees(&track, (55, 56), Seen::Denied("suspended")) && agrees(&track, (55, 56), ALLOWED));
}

#[test]
fn of_changes_at_the_same_time_either_may_have_come_last() {
    let track = key();
    track.0.standing.write(span(30, 50), Standing::Suspended);
    track.0.standing.write(span(40, 60), Standing::Active);
    assert!(agrees(&track, (61, 62), Seen::Denied("suspended")) && agrees(&track, (61, 62), ALLOWED));
    track.0.standing.write(span(41, 59), Standing::Revoked);
    assert!(!agrees(&track, (61, 62), ALLOWED), "but a revoke always did");
}

#[test]
fn whatever_comes_back_from_its_end_is_found() {
    let track = key();
    track.0.standing.write(span(30, 40), Standing::Revoked);
    track.0.standing.write(span(50, 60), Standing::Active);
    assert!(!agrees(&track, (21, 22), ALLOWED), "a resume was answered after a revoke");
    let track = key();
    track.1.secret.write(span(30, 40), Secret::Replaced);
    track.1.secret.write(span(50, 60), Secret::Retiring(NOON));
    assert!(!agrees(&track, (21, 22), ALLOWED));
}

#[test]
fn a_replaced_text_that_is_allowed_is_found() {
    let track = key();
    track.1.secret.write(span(30, 40), Secret::Replaced);
    assert!(!agrees(&track, (41, 42), ALLOWED));
    let track = key();
    track.1.secret.write(span(30, 40), Secret::Retiring(NOON));
    let before = Timestamp::from_unix_ms(NOON.unix_ms() - 1);
    let rotated_out = Seen::Denied("rotated_out");
    assert!(agrees_at(&track, (41, 42), (before, before), ALLOWED));
    assert!(!agrees_at(&track, (41, 42), (before, before), rotated_out), "grace was cut short");
    assert!(!agrees_at(&track, (41, 42), (NOON, NOON), ALLOWED), "grace did not end");
    assert!(agrees_at(&track, (41, 42), (before, NOON), ALLOWED), "the clock moved meanwhile");
    assert!(agrees_at(&track, (41, 42), (before, NOON), rotated_out));
}

#[test]
fn a_verdict_by_an_older_level_allowlist_expiry_or_owner_is_found() {
    let track = key();
    track.0.level.write(span(30, 40), Level::AUTHENTICATE);
    assert!(!agrees(&track, (41, 42), ALLOWED) && agrees(&track, (41, 42), Seen::Denied("level_too_low")));
    let track = key();
    track.0.owner.level.write(span(30, 40), Role::ReadOnly.level());
    assert!(!agrees(&track, (41, 42), ALLOWED), "with the level of before the demotion");
    assert!(agrees(&track, (41, 42), Seen::Allowed(Role::ReadOnly.level())));
    let track = key();
    track.0.allowlist.write(span(30, 40), "10.0.0.0/8".parse().unwrap());
    assert!(!agrees(&track, (41, 42), ALLOWED));
    assert!(agrees(&track, (41, 42), Seen::Denied("address_not_allowed")));
    let track = key();
    track.0.expiry.write(span(30, 40), Expiry::At(NOON));
    assert!(!agrees(&track, (41, 42), ALLOWED) && agrees(&track, (41, 42), Seen::Denied("expired")));
    let track = key();
    track.0.owner.status.write(span(30, 40), TrackedStatus::Blocked);
    assert!(!agrees(&track, (41, 42), ALLOWED) && agrees(&track, (41, 42), Seen::Denied("owner_not_active")));
}

#[test]
fn a_refusal_without_a_cause_is_found() {
    let track = key();
    assert!(!agrees(&track, (41, 42), Seen::NoSuchKey) && !agrees(&track, (41, 42), Seen::KeyRevoked));
    track.0.standing.write(span(30, 40), Standing::Revoked);
    assert!(agrees(&track, (41, 42), Seen::KeyRevoked) && !agrees(&track, (41, 42), Seen::NoSuchKey));
}
