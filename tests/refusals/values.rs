//! Values of fields: as they should be, most often, and every way in which they should not.

use serde_json::{Value as Json, json};

use crate::seeded_choice::Chance;
use crate::world::World;

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A key of the API's keyspace that proves who asks.
    Proof,
    /// A key text of the API's keyspace.
    Text,
    /// A key text of any keyspace.
    AnyText,
    /// A key text of another system.
    ForeignText,
    Digest,
    Username,
    /// The name of the user that the request is about.
    OwnName,
    NewName,
    UserNumber,
    KeyId,
    Name,
    Email,
    Role,
    Status,
    Company,
    Level,
    Space,
    Comment,
    Networks,
    Address,
    Limits,
    Seconds,
    Small,
    Moment,
    Reason,
    Flag,
    Password,
    Word(&'static [&'static str]),
}

const ROLES: [&str; 9] = [
    "read-none",
    "read-some",
    "read-only",
    "write-some",
    "user",
    "bughunter",
    "moderator",
    "support",
    "administrator",
];

impl Value {
    /// One that may be meant.
    pub(crate) fn good(self, world: &World, chance: &mut Chance) -> Json {
        match self {
            Self::Proof | Self::Text | Self::AnyText => json!(world.text(None, chance)),
            Self::ForeignText => json!(format!("their-key-{:04}", chance.below(400))),
            Self::Digest => json!(format!("{:064x}", chance.below(400))),
            Self::Username | Self::OwnName => json!(world.username(chance)),
            Self::NewName => json!(format!("new{}", chance.below(90))),
            Self::UserNumber => json!(world.user_id(chance)),
            Self::KeyId => json!(world.key_id(chance)),
            Self::Name => json!(format!("Name {}", chance.below(1_000))),
            Self::Email => json!(format!("a{}@example.org", chance.below(60))),
            Self::Role => json!(chance.of_these(&ROLES)),
            Self::Status => json!(*chance.of_these(&["active", "active", "active", "inactive", "blocked"])),
            Self::Company => json!(world.company(chance)),
            Self::Level => json!(chance.below(9)),
            Self::Space => json!(*chance.of_these(&crate::world::SPACES)),
            Self::Comment => json!(format!("comment {}", chance.below(1_000))),
            Self::Networks => json!(*chance.of_these(&["", "", "", "192.0.2.0/24", "10.0.0.0/8,::1"])),
            Self::Address => json!(*chance.of_these(&["192.0.2.7", "10.0.0.1", "::1"])),
            Self::Limits => json!([{ "name": "default", "count": chance.below(50) + 1, "seconds": 60 }]),
            Self::Seconds => json!(chance.below(100_000) + 1),
            Self::Small => json!(chance.below(30) + 1),
            Self::Moment => json!("2031-01-31T12:00:00Z"),
            Self::Reason => json!(*chance.of_these(&["unspecified", "keyCompromise", "superseded"])),
            Self::Flag => json!(chance.once_in(2)),
            Self::Password => json!(world.password()),
            Self::Word(words) => json!(*chance.of_these(words)),
        }
    }

    /// A value that is wrong in its form, its size or its type, or another user's.
    pub(crate) fn odd(self, world: &World, chance: &mut Chance) -> Json {
        match chance.below(16) {
            0 => Json::Null,
            1 => json!(true),
            2 => json!([]),
            3 => json!({ "a": 1 }),
            4 => json!(-1),
            5 => json!(9),
            6 => json!(1.5),
            7 => json!(u64::MAX),
            8 => json!(""),
            9 => json!("x".repeat(chance.below(6_000))),
            10 => json!("\u{0}"),
            11 => json!("<script>\u{202e}&'\"%00"),
            12 => json!("9".repeat(1 + chance.below(40))),
            13 => json!([[self.good(world, chance)]]),
            14 => json!(format!(" {} ", plain(&self.good(world, chance)))),
            _ => json!(world.username(chance)),
        }
    }
}

/// A value as a form or an address writes it.
pub(crate) fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
