//! Details of audit events: each changed field before and after, the reason, and the number of times.
//!
//! Records list their fields by destructuring, so a new field does not compile before this file says how it is shown, or
//! that it is secret.

use crate::key::{Company, Expiry, Key, KeyState, RateLimits, StoredSecret, User, UserKind};

/// Field of a key, user or company in an audit event, or the ids of keys that an operation changed along the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditField {
    /// Keyspace of a key.
    Keyspace,
    /// User id of the owner of a key.
    Owner,
    /// Comment on a key.
    Comment,
    /// Contact of a key.
    Contact,
    /// Level of a key.
    Level,
    /// Allowlist of a key.
    Allowlist,
    /// Rate limits of a key.
    RateLimits,
    /// State of a key.
    State,
    /// Reason of a revocation.
    RevokeReason,
    /// Expiry of a key.
    ExpiresAt,
    /// Prefix of a key text.
    Prefix,
    /// End of the grace period of the previous text.
    PreviousUntil,
    /// Login name.
    Username,
    /// Display name of a user.
    DisplayName,
    /// E-mail address.
    Email,
    /// Kind of a user.
    Kind,
    /// Whether a user has a password, and that it changed; never the password or its hash.
    Password,
    /// Role of a user.
    Role,
    /// Company of a user.
    Company,
    /// Status of a user.
    Status,
    /// Whether a user has API access.
    ApiAccess,
    /// Display name of a company.
    Name,
    /// Account of a company.
    Account,
    /// Ids of keys that the operation created.
    KeysCreated,
    /// Ids of keys that the operation changed.
    KeysChanged,
    /// Ids of keys that the operation removed.
    KeysRemoved,
}

impl AuditField {
    /// Stable name for machine-readable answers: that of the field in keyward's own API, if it has one.
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

/// Field before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Field.
    pub field: AuditField,
    /// Value before; `None` when the field was empty or the record did not exist.
    pub old: Option<String>,
    /// Value after; `None` when the field is empty or the record was removed.
    pub new: Option<String>,
}

/// Details of an audit event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDetails {
    /// Changed fields.
    pub changes: Vec<FieldChange>,
    /// Reason of a refusal, by its stable name.
    pub reason: Option<String>,
    /// Number of times: 1, or more where one event counts several.
    pub times: u64,
}

impl Default for EventDetails {
    fn default() -> Self {
        Self { changes: Vec::new(), reason: None, times: 1 }
    }
}

/// Value of a field: the text to show, and hidden bytes that also tell whether it changed.
pub(crate) struct Shown<'a> {
    text: String,
    hidden: &'a [u8],
}

impl Shown<'_> {
    fn open(text: impl ToString) -> Option<Self> {
        Some(Self { text: text.to_string(), hidden: &[] }).filter(|shown| !shown.text.is_empty())
    }
}

/// Record whose changes are audited.
pub(crate) trait Audited {
    /// All fields that may change or that describe the record, always in the same order. Secrets are compared and never
    /// shown.
    fn fields(&self) -> Vec<(AuditField, Option<Shown<'_>>)>;
}

/// Returns the fields that differ between a record before and after. For a new or a removed record these are all fields
/// that are not empty.
pub(crate) fn changes<T: Audited>(old: Option<&T>, new: Option<&T>) -> Vec<FieldChange> {
    let before = old.map(Audited::fields).unwrap_or_default();
    let after = new.map(Audited::fields).unwrap_or_default();
    let fields: Vec<AuditField> =
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
    fn fields(&self) -> Vec<(AuditField, Option<Shown<'_>>)> {
        // The event itself has the id as its subject, and the sequence number and time of the creation.
        let Self {
            id: _,
            // Follows from the actor of the change.
            narrowed_by: _,
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
            (AuditField::Keyspace, Shown::open(keyspace)),
            (AuditField::Owner, Shown::open(owner)),
            (AuditField::Comment, Shown::open(comment)),
            (AuditField::Contact, contact.as_ref().and_then(Shown::open)),
            (AuditField::Level, Shown::open(level)),
            (AuditField::Allowlist, Shown::open(allowlist)),
            (AuditField::RateLimits, Shown::open(in_words(rate_limits))),
            (AuditField::State, Shown::open(state)),
            (AuditField::RevokeReason, reason),
            (AuditField::ExpiresAt, expires),
            (AuditField::Prefix, Some(shown(&secrets.current))),
            (AuditField::PreviousUntil, secrets.previous.as_ref().and_then(|(_, until)| Shown::open(until))),
        ]
    }
}

/// Prefix of a secret. A made-up prefix contains a part of the keyed hash and is not shown.
fn shown(secret: &StoredSecret) -> Shown<'_> {
    let text = if secret.shows_prefix() { secret.prefix.as_str() } else { "imported" };
    Shown { text: text.to_owned(), hidden: secret.hash.as_bytes() }
}

/// Rate limits in the form of the command line.
fn in_words(limits: &RateLimits) -> String {
    let limit = |limit: &crate::key::RateLimit| {
        let crate::key::RateLimit { name, count, seconds, burst } = limit;
        format!("{name}={count}/{seconds}s:{burst}")
    };
    limits.all().iter().map(limit).collect::<Vec<_>>().join(",")
}

impl Audited for User {
    fn fields(&self) -> Vec<(AuditField, Option<Shown<'_>>)> {
        let Self {
            id: _,
            // Both follow from the actor and the time of the change.
            api_access_removed_by: _,
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
            UserKind::Person { password } => ("person", password.as_ref()),
            UserKind::Bot => ("bot", None),
        };
        let password =
            password.map(|hash| Shown { text: "set".to_owned(), hidden: hash.as_phc().as_bytes() });
        vec![
            (AuditField::Username, Shown::open(username)),
            (AuditField::DisplayName, display_name.as_ref().and_then(Shown::open)),
            (AuditField::Email, email.as_ref().and_then(Shown::open)),
            (AuditField::Kind, Shown::open(kind)),
            (AuditField::Password, password),
            (AuditField::Role, Shown::open(role.name())),
            (AuditField::Company, company.as_ref().and_then(Shown::open)),
            (AuditField::Status, Shown::open(status.name())),
            (AuditField::ApiAccess, Shown::open(api_access)),
        ]
    }
}

impl Audited for Company {
    fn fields(&self) -> Vec<(AuditField, Option<Shown<'_>>)> {
        let Self { id: _, name, account } = self;
        vec![(AuditField::Name, Shown::open(name)), (AuditField::Account, Shown::open(account))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::key::{
        CompanyId, KeyId, KeyedHash, Level, PasswordHash, PepperNumber, Role, Secrets, Usage, UserId,
        UserStatus,
    };

    fn secret(byte: u8, prefix: &str) -> StoredSecret {
        let hash = KeyedHash::from_bytes([byte; 32]);
        StoredSecret {
            pepper: PepperNumber(1),
            prefix: prefix.parse().unwrap(),
            hash,
            sealed: None,
            imported_hash: None,
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
            narrowed_by: crate::key::NarrowedBy::default(),
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
            kind: UserKind::Person { password: hash.map(|hash| PasswordHash::from_phc(hash.to_owned())) },
            role: Role::User,
            company: Some(CompanyId::from_bytes([1; 16])),
            status: UserStatus::Active,
            api_access: false,
            api_access_removed_by: Level::AUTHENTICATE,
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
