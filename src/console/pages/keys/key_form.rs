//! Form of a key: comment, level, allowlist, expiry.

use crate::clock::Timestamp;
use crate::console::form::{Input, Problem};
use crate::console::refusal::Refusal;
use crate::engine::{IdempotencyKey, KeyChange, NewKey};
use crate::key::{AccessLevel, Allowlist, Expiry, Keyspace, KeyspaceName, Level, UserId};

const DAY_MS: u64 = 24 * 3_600_000;

/// Lifetimes that a new key may have: days, and their label.
pub(in crate::console) const LIVES: [(&str, &str); 5] = [
    ("", "Never"),
    ("7", "After 7 days"),
    ("30", "After 30 days"),
    ("90", "After 90 days"),
    ("365", "After 1 year"),
];

/// Grace periods that a rotation may have: hours, and their label.
pub(in crate::console) const GRACES: [(&str, &str); 4] =
    [("0", "Ends at once"), ("1", "1 hour more"), ("24", "1 day more"), ("168", "7 days more")];

/// Levels that a user of level `cap` may give, lowest first, by their names in the keyspace.
pub(in crate::console) fn levels(keyspace: &Keyspace, cap: Level) -> Vec<(String, String)> {
    if *keyspace == Keyspace::FILEBIN {
        let access = [AccessLevel::Basic, AccessLevel::Apikey, AccessLevel::Full];
        let given = access.into_iter().filter(|access| access.level() <= cap);
        return given.map(|access| (access.level().to_string(), access.name().to_owned())).collect();
    }
    let all = (0..=cap.number()).filter_map(|number| Level::new(number).ok());
    all.map(|level| (level.to_string(), format!("{level}: {}", level.permission()))).collect()
}

/// Name of a level in the keyspace.
pub(in crate::console) fn level_name(keyspace: &KeyspaceName, level: Level) -> String {
    if keyspace == Keyspace::FILEBIN.name() {
        AccessLevel::of(level).name().to_owned()
    } else {
        format!("{level}: {}", level.permission())
    }
}

/// Reads a new key from a form.
pub(in crate::console) fn new_key(
    input: &Input,
    keyspace: &Keyspace,
    owner: UserId,
    now: Timestamp,
) -> Result<NewKey, Refusal> {
    let days: u64 = match input.text("life") {
        "" => 0,
        days => days.parse().map_err(|_| Problem::of("life", "Expires: choose one of the list."))?,
    };
    let end = || Expiry::At(now.plus_ms(days.saturating_mul(DAY_MS)));
    Ok(NewKey {
        comment: input.parsed("comment", "Comment")?,
        allowlist: filled_in(input.parsed("allowlist", "IP addresses")?),
        expiry: (days > 0).then(end),
        ..NewKey::new(*keyspace.name(), owner, input.parsed("level", "Access")?)
    })
}

/// Allowlist, or `None` for an empty field.
fn filled_in(allowlist: Allowlist) -> Option<Allowlist> {
    Some(allowlist).filter(|list| *list != Allowlist::Anyone)
}

/// What tells a form that is sent again from a new one.
pub(in crate::console) fn mark(input: &Input) -> Option<IdempotencyKey> {
    let once = input.bytes("once");
    if once.is_empty() {
        return None;
    }
    let mut content = blake3::Hasher::new();
    for field in ["comment", "level", "allowlist", "life", "owner"] {
        content.update(input.bytes(field)).update(&[0xff]);
    }
    Some(IdempotencyKey { name: *blake3::hash(once).as_bytes(), content: *content.finalize().as_bytes() })
}

/// Reads the changes of a key from a form.
pub(in crate::console) fn change(input: &Input) -> Result<KeyChange, Refusal> {
    Ok(KeyChange {
        comment: Some(input.parsed("comment", "Comment")?),
        level: Some(input.parsed("level", "Access")?),
        allowlist: Some(input.parsed("allowlist", "IP addresses")?),
        expiry: Some(end(input.text("expires"))?),
        ..KeyChange::default()
    })
}

fn end(text: &str) -> Result<Expiry, Problem> {
    if text.is_empty() {
        return Ok(Expiry::Never);
    }
    let end = Timestamp::parse(text).map(Expiry::At);
    end.ok_or_else(|| Problem::of("expires", "Expires: must be empty or like 2027-01-31T12:00:00Z."))
}

/// Grace period of a rotation, in milliseconds.
pub(in crate::console) fn grace_ms(input: &Input) -> Result<u64, Problem> {
    let hours: u64 = input.parsed("grace", "The old key")?;
    Ok(hours.saturating_mul(3_600_000))
}
