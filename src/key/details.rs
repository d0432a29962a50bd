//! What an event of the audit says beside who, what and when: each field that changed, why, and how often.

use super::{Company, Expiry, Key, KeyState, Kind, RateLimits, StoredSecret, User};

/// A field of a key, user or company, or what else an operation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The set of keys that a key verifies in.
    Keyspace,
    /// Number of the user a key belongs to.
    Owner,
    /// What a key is for.
    Comment,
    /// Whom to ask about a key.
    Contact,
    /// What a key may do.
    Level,
    /// Where a key may be used from.
    Allowlist,
    /// How often a key may be used.
    RateLimits,
    /// Where a key is in its life.
    State,
    /// Why a key was revoked.
    RevokeReason,
    /// When a key stops by itself.
    ExpiresAt,
    /// What may be shown of a key's text.
    Prefix,
    /// How long the text before still verifies.
    PreviousUntil,
    /// Login name.
    Username,
    /// Name of a user for people.
    DisplayName,
    /// E-mail address.
    Email,
    /// Person or bot.
    Kind,
    /// Whether there is a password; that it changed, but never what it is.
    Password,
    /// Role of a user.
    Role,
    /// Company of a user.
    Company,
    /// Whether a user may act.
    Status,
    /// Whether a user has API access.
    ApiAccess,
    /// Name of a company for people.
    Name,
    /// The user who has a company's own keys.
    Account,
    /// Ids of the keys that came to be along the way.
    KeysCreated,
    /// Ids of the keys that were changed along the way.
    KeysChanged,
    /// Ids of the keys that went along the way.
    KeysRemoved,
}

impl Field {
    /// A stable name for machine-readable answers: where there is one, that of the field in keyward's own API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keyspace => "keyspace",
            Self::Owner => "owner",
            Self::Comment => "comment",
            Self::Contact => "contact",
            Self::Level => "level",
            Self::Allowlist => "allowlist",
            Self::RateLimits => "rate_limits",
            Self::State => "state",
            Self::RevokeReason => "revoke_reason",
            Self::ExpiresAt => "expires_at",
            Self::Prefix => "prefix",
            Self::PreviousUntil => "previous_until",
            Self::Username => "username",
            Self::DisplayName => "display_name",
            Self::Email => "email",
            Self::Kind => "kind",
            Self::Password => "password",
            Self::Role => "role",
            Self::Company => "company",
            Self::Status => "status",
            Self::ApiAccess => "api_access",
            Self::Name => "name",
            Self::Account => "account",
            Self::KeysCreated => "keys_created",
            Self::KeysChanged => "keys_changed",
            Self::KeysRemoved => "keys_removed",
        }
    }
}

/// One field before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The field.
    pub field: Field,
    /// What it was; `None` when it was empty or not there.
    pub old: Option<String>,
    /// What it is; `None` when it is empty or gone.
    pub new: Option<String>,
}

/// What an event says beside who, what and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// What changed.
    pub changes: Vec<FieldChange>,
    /// Why something was refused, by its stable name.
    pub reason: Option<String>,
    /// How often it happened: 1, or more where several are one event.
    pub times: u64,
}

impl Default for Details {
    fn default() -> Self {
        Self { changes: Vec::new(), reason: None, times: 1 }
    }
}

/// The value of a field: what is shown of it, and what else tells whether it changed.
pub(crate) struct Shown<'a> {
    text: String,
    hidden: &'a [u8],
}

impl Shown<'_> {
    fn open(text: impl ToString) -> Option<Self> {
        Some(Self { text: text.to_string(), hidden: &[] }).filter(|shown| !shown.text.is_empty())
    }
}

/// Something whose changes are audited.
pub(crate) trait Audited {
    /// Every field that may change or tells what it was, always in the same order. Secrets are told apart and not shown.
    fn fields(&self) -> Vec<(Field, Option<Shown<'_>>)>;
}

/// What differs between a record before and after; all that is not empty when it comes to be or goes.
pub(crate) fn changes<T: Audited>(old: Option<&T>, new: Option<&T>) -> Vec<FieldChange> {
    let before = old.map(Audited::fields).unwrap_or_default();
    let after = new.map(Audited::fields).unwrap_or_default();
    let fields: Vec<Field> =
        if before.is_empty() { &after } else { &before }.iter().map(|(field, _)| *field).collect();
    let mut before = before.into_iter().map(|(_, shown)| shown);
    let mut after = after.into_iter().map(|(_, shown)| shown);
    let changes = fields.into_iter().filter_map(|field| {
        let (old, new) = (before.next().flatten(), after.next().flatten());
        let parts = |shown: &Option<Shown<'_>>| {
            shown.as_ref().map(|shown| (shown.text.clone(), shown.hidden.to_vec()))
        };
        let differs = parts(&old) != parts(&new);
        differs.then(|| FieldChange { field, old: old.map(|old| old.text), new: new.map(|new| new.text) })
    });
    changes.collect()
}

impl Audited for Key {
    fn fields(&self) -> Vec<(Field, Option<Shown<'_>>)> {
        // The id is the event's subject; the number and the time of its creation are the event's own.
        let Self {
            id: _,
            // Follows from who made the change.
            held: _,
            keyspace,
            owner,
            comment,
            contact,
            level,
            allowlist,
            rate_limits,
            state,
            expiry,
            created: _,
            serial: _,
            secrets,
            usage: _,
        } = self;
        let (state, reason) = match state {
            KeyState::Active => ("active", None),
            KeyState::Suspended => ("suspended", None),
            KeyState::Revoked { at: _, by: _, reason } => ("revoked", Shown::open(reason.name())),
        };
        let expires = match expiry {
            Expiry::Never => None,
            Expiry::At(end) => Shown::open(end),
        };
        vec![
            (Field::Keyspace, Shown::open(keyspace)),
            (Field::Owner, Shown::open(owner)),
            (Field::Comment, Shown::open(comment)),
            (Field::Contact, contact.as_ref().and_then(Shown::open)),
            (Field::Level, Shown::open(level)),
            (Field::Allowlist, Shown::open(allowlist)),
            (Field::RateLimits, Shown::open(in_words(rate_limits))),
            (Field::State, Shown::open(state)),
            (Field::RevokeReason, reason),
            (Field::ExpiresAt, expires),
            (Field::Prefix, Some(shown(&secrets.current))),
            (Field::PreviousUntil, secrets.previous.as_ref().and_then(|(_, until)| Shown::open(until))),
        ]
    }
}

/// What may be shown of a secret. A prefix that stands in is made of what the secret is recognised by.
fn shown(secret: &StoredSecret) -> Shown<'_> {
    let text = if secret.shows_prefix() { secret.prefix.as_str() } else { "imported" };
    Shown { text: text.to_owned(), hidden: secret.hash.as_bytes() }
}

/// As the command line takes them.
fn in_words(limits: &RateLimits) -> String {
    let limit = |limit: &super::RateLimit| {
        let super::RateLimit { name, count, seconds, burst } = limit;
        format!("{name}={count}/{seconds}s:{burst}")
    };
    limits.all().iter().map(limit).collect::<Vec<_>>().join(",")
}

impl Audited for User {
    fn fields(&self) -> Vec<(Field, Option<Shown<'_>>)> {
        let Self {
            id: _,
            // Follow from who made the change, and when.
            access_held: _,
            demoted: _,
            username,
            display_name,
            email,
            kind,
            role,
            company,
            status,
            api_access,
            created: _,
        } = self;
        let (kind, password) = match kind {
            Kind::Person { password } => ("person", password.as_ref()),
            Kind::Bot => ("bot", None),
        };
        let password =
            password.map(|hash| Shown { text: "set".to_owned(), hidden: hash.as_phc().as_bytes() });
        vec![
            (Field::Username, Shown::open(username)),
            (Field::DisplayName, display_name.as_ref().and_then(Shown::open)),
            (Field::Email, email.as_ref().and_then(Shown::open)),
            (Field::Kind, Shown::open(kind)),
            (Field::Password, password),
            (Field::Role, Shown::open(role.name())),
            (Field::Company, company.as_ref().and_then(Shown::open)),
            (Field::Status, Shown::open(status.name())),
            (Field::ApiAccess, Shown::open(api_access)),
        ]
    }
}

impl Audited for Company {
    fn fields(&self) -> Vec<(Field, Option<Shown<'_>>)> {
        let Self { id: _, name, account } = self;
        vec![(Field::Name, Shown::open(name)), (Field::Account, Shown::open(account))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::key::{
        CompanyId, KeyId, KeyedHash, Level, PasswordHash, PepperNumber, Role, Secrets, Status, Usage, UserId,
    };

    fn secret(byte: u8, prefix: &str) -> StoredSecret {
        let hash = KeyedHash::from_bytes([byte; 32]);
        StoredSecret {
            pepper: PepperNumber(1),
            prefix: prefix.parse().unwrap(),
            hash,
            sealed: None,
            foreign: None,
        }
    }

    fn key() -> Key {
        Key {
            id: KeyId::from_bytes([1; 16]),
            keyspace: "native".parse().unwrap(),
            owner: UserId(7),
            comment: "ci".parse().unwrap(),
            contact: None,
            level: Level::READ,
            allowlist: "".parse().unwrap(),
            rate_limits: RateLimits::none(),
            state: KeyState::Active,
            expiry: Expiry::Never,
            held: crate::key::Held::default(),
            created: Timestamp::from_unix_ms(0),
            serial: 1,
            secrets: Secrets { current: secret(1, "kw_1"), previous: None },
            usage: Usage::default(),
        }
    }

    fn words(changes: &[FieldChange]) -> Vec<String> {
        let word = |change: &FieldChange| {
            let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
            format!("{} {} {}", change.field.name(), part(&change.old), part(&change.new))
        };
        changes.iter().map(word).collect()
    }

    #[test]
    fn what_changed_of_a_key_is_told_with_its_old_and_new_value() {
        let old = key();
        assert_eq!(changes(Some(&old), Some(&old)), []);
        let limit = crate::key::RateLimit {
            name: crate::key::RateLimit::DEFAULT_NAME,
            count: 3.try_into().unwrap(),
            seconds: 60.try_into().unwrap(),
            burst: 5.try_into().unwrap(),
        };
        let new = Key {
            level: Level::OWN,
            comment: "".parse().unwrap(),
            allowlist: "10.0.0.0/8".parse().unwrap(),
            rate_limits: RateLimits::stored(vec![limit]).unwrap(),
            expiry: Expiry::At(Timestamp::from_unix_ms(0)),
            state: KeyState::Suspended,
            ..old.clone()
        };
        let told = [
            "comment ci -",
            "level 2 4",
            "allowlist - 10.0.0.0/8",
            "rate_limits - default=3/60s:5",
            "state active suspended",
            "expires_at - 1970-01-01T00:00:00.000Z",
        ];
        assert_eq!(words(&changes(Some(&old), Some(&new))), told);
        let made = [
            "keyspace - native",
            "owner - 7",
            "comment - ci",
            "level - 2",
            "state - active",
            "prefix - kw_1",
        ];
        assert_eq!(words(&changes(None, Some(&old))), made);
        assert_eq!(words(&changes(Some(&old), None)).len(), made.len());
        let rotated = Secrets { current: secret(2, "kw_1"), previous: None };
        let rotated = Key { secrets: rotated, ..old.clone() };
        assert_eq!(words(&changes(Some(&old), Some(&rotated))), ["prefix kw_1 kw_1"], "the same by chance");
        let imported = Secrets { current: secret(3, "-sha256-abc"), previous: None };
        let imported = Key { secrets: imported, ..old };
        assert!(words(&changes(None, Some(&imported))).contains(&"prefix - imported".to_owned()));
    }

    #[test]
    fn of_a_password_only_that_it_was_set_is_told() {
        let user = |hash: Option<&str>| User {
            id: UserId(7),
            username: "flo".parse().unwrap(),
            display_name: None,
            email: None,
            kind: Kind::Person { password: hash.map(|hash| PasswordHash::from_phc(hash.to_owned())) },
            role: Role::User,
            company: Some(CompanyId::from_bytes([1; 16])),
            status: Status::Active,
            api_access: false,
            access_held: Level::AUTHENTICATE,
            demoted: None,
            created: Timestamp::from_unix_ms(0),
        };
        let (none, one, other) = (user(None), user(Some("$argon2id$one")), user(Some("$argon2id$other")));
        assert_eq!(words(&changes(Some(&none), Some(&one))), ["password - set"]);
        assert_eq!(words(&changes(Some(&one), Some(&other))), ["password set set"]);
        assert_eq!(changes(Some(&one), Some(&one)), []);
        assert!(!format!("{:?}", changes(None, Some(&one))).contains("argon2id"));
    }
}
