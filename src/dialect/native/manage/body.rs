//! Fields of request bodies, one struct for each address.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Deserialize;

use super::import_line::{PastFields, SecretFields, Wiped};
use crate::clock::Timestamp;
use crate::command::CommandError;
use crate::dialect::native::decode::{Moment, Networks, Object, Secret, Text, change, inner, unwrapped};
use crate::dialect::native::refusal::Refusal;
use crate::engine::{EngineError, KeyChange, NewCompany, NewKey, NewKind, NewUser, UserChange};
use crate::key::{
    Comment, CompanyId, Contact, DigestName, DisplayName, Email, Expiry, Keyspace, KeyspaceName, Level,
    LimitName, Part, Patch, Prefix, RateLimit, RateLimits, RevokeReason, Role, UserId, UserStatus, Username,
};

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KindName {
    #[default]
    Person,
    Bot,
}

/// `POST /v1/users`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUserBody {
    username: Text<Username>,
    role: Option<Text<Role>>,
    kind: Option<KindName>,
    display_name: Option<Text<DisplayName>>,
    email: Option<Text<Email>>,
    company: Option<Text<CompanyId>>,
    password: Option<Secret>,
}

impl NewUserBody {
    pub(crate) fn draft(self) -> Result<NewUser, Refusal> {
        let password = self.password.map(|Secret(password)| password);
        let kind = match (self.kind.unwrap_or_default(), password) {
            (KindName::Person, password) => NewKind::Person { password },
            (KindName::Bot, None) => NewKind::Bot,
            (KindName::Bot, Some(_)) => return Err(CommandError::Engine(EngineError::BotPassword).into()),
        };
        Ok(NewUser {
            username: Some(self.username.0),
            display_name: inner(self.display_name),
            email: inner(self.email),
            kind,
            role: inner(self.role).unwrap_or(Role::User),
            company: inner(self.company),
        })
    }
}

/// `PATCH /v1/users/{username}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPatch {
    username: Option<Text<Username>>,
    #[serde(default, deserialize_with = "change")]
    #[schemars(with = "Option<Text<DisplayName>>")]
    display_name: Patch<Text<DisplayName>>,
    #[serde(default, deserialize_with = "change")]
    #[schemars(with = "Option<Text<Email>>")]
    email: Patch<Text<Email>>,
    role: Option<Text<Role>>,
    #[serde(default, deserialize_with = "change")]
    #[schemars(with = "Option<Text<CompanyId>>")]
    company: Patch<Text<CompanyId>>,
    status: Option<Text<UserStatus>>,
    api_access: Option<bool>,
}

impl From<UserPatch> for UserChange {
    fn from(patch: UserPatch) -> Self {
        Self {
            username: inner(patch.username),
            display_name: unwrapped(patch.display_name),
            email: unwrapped(patch.email),
            role: inner(patch.role),
            company: unwrapped(patch.company),
            status: inner(patch.status),
            api_access: patch.api_access,
        }
    }
}

/// `PUT /v1/users/{username}/password`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordBody {
    pub(super) password: Secret,
}

/// `POST /v1/companies`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCompanyBody {
    id: Option<Text<CompanyId>>,
    name: Text<DisplayName>,
}

impl From<NewCompanyBody> for NewCompany {
    fn from(body: NewCompanyBody) -> Self {
        Self { id: inner(body.id), name: body.name.0 }
    }
}

/// `PATCH /v1/companies/{id}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyPatch {
    pub(super) name: Text<DisplayName>,
}

/// `POST /v1/keys`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyBody {
    keyspace: Text<KeyspaceName>,
    pub(super) owner: Option<Text<Username>>,
    level: Option<u8>,
    comment: Option<Text<Comment>>,
    contact: Option<Text<Contact>>,
    allowlist: Option<Text<Networks>>,
    rate_limits: Option<Vec<Object<RateLimitBody>>>,
    #[serde(default, deserialize_with = "change")]
    #[schemars(with = "Option<Text<Moment>>")]
    expires_at: Patch<Text<Moment>>,
    expires_in_seconds: Option<u64>,
}

impl NewKeyBody {
    pub(crate) fn draft(self, owner: UserId, now: Timestamp) -> Result<NewKey, Refusal> {
        let level = self.level.map_or(Ok(Level::READ), Level::new)?;
        let mut draft = NewKey::new(self.keyspace.0, owner, level);
        draft.comment = inner(self.comment).unwrap_or_else(Comment::empty);
        draft.contact = inner(self.contact);
        draft.allowlist = inner(self.allowlist).map(|Networks(list)| list);
        draft.rate_limits = self.rate_limits.map(rate_limits).transpose()?;
        draft.expiry = expiry(self.expires_at, self.expires_in_seconds, now)?;
        Ok(draft)
    }
}

/// What lines of an import have in common.
pub(crate) struct ImportDefaults {
    pub(super) keyspace: Option<KeyspaceName>,
    pub(super) owner: Option<Username>,
    pub(super) level: Option<Level>,
}

/// A line of `POST /v1/import`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportLine {
    key: Option<Wiped>,
    hash: Option<String>,
    algorithm: Option<Text<DigestName>>,
    hmac_key: Option<Wiped>,
    prefix: Option<Text<Prefix>>,
    of: Option<Text<Part>>,
    length: Option<usize>,
    created_at: Option<String>,
    last_used_at: Option<String>,
    revoked: Option<bool>,
    revoked_at: Option<String>,
    keyspace: Option<Text<KeyspaceName>>,
    owner: Option<Text<Username>>,
    level: Option<u8>,
    comment: Option<Text<Comment>>,
    contact: Option<Text<Contact>>,
    allowlist: Option<Text<Networks>>,
    rate_limits: Option<Vec<Object<RateLimitBody>>>,
    #[serde(default, deserialize_with = "change")]
    #[schemars(with = "Option<Text<Moment>>")]
    expires_at: Patch<Text<Moment>>,
    expires_in_seconds: Option<u64>,
}

impl ImportLine {
    /// What it says of the secret, of what the key went through, and everything else.
    pub(super) fn split(
        self,
        defaults: &ImportDefaults,
    ) -> Result<(SecretFields, PastFields, NewKeyBody), Refusal> {
        let keyspace = inner(self.keyspace).or(defaults.keyspace).unwrap_or(*Keyspace::NATIVE.name());
        let secret = SecretFields {
            key: self.key.map(|Wiped(text)| text),
            hash: self.hash,
            algorithm: inner(self.algorithm),
            hmac_key: self.hmac_key.map(|Wiped(text)| text),
            prefix: inner(self.prefix),
            of: inner(self.of),
            length: self.length,
        };
        let past = PastFields {
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            revoked: self.revoked,
            revoked_at: self.revoked_at,
        };
        let draft = NewKeyBody {
            keyspace: Text(keyspace),
            owner: self.owner.or_else(|| defaults.owner.clone().map(Text)),
            level: self.level.or_else(|| defaults.level.map(Level::number)),
            comment: self.comment,
            contact: self.contact,
            allowlist: self.allowlist,
            rate_limits: self.rate_limits,
            expires_at: self.expires_at,
            expires_in_seconds: self.expires_in_seconds,
        };
        Ok((secret, past, draft))
    }
}

/// `PATCH /v1/keys/{id}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyPatch {
    comment: Option<Text<Comment>>,
    #[serde(default, deserialize_with = "change")]
    #[schemars(with = "Option<Text<Contact>>")]
    contact: Patch<Text<Contact>>,
    level: Option<u8>,
    allowlist: Option<Text<Networks>>,
    rate_limits: Option<Vec<Object<RateLimitBody>>>,
    #[serde(default, deserialize_with = "change")]
    #[schemars(with = "Option<Text<Moment>>")]
    expires_at: Patch<Text<Moment>>,
    expires_in_seconds: Option<u64>,
}

impl KeyPatch {
    pub(super) fn change(self, now: Timestamp) -> Result<KeyChange, Refusal> {
        Ok(KeyChange {
            comment: inner(self.comment),
            contact: unwrapped(self.contact),
            level: self.level.map(Level::new).transpose()?,
            allowlist: inner(self.allowlist).map(|Networks(list)| list),
            rate_limits: self.rate_limits.map(rate_limits).transpose()?,
            expiry: expiry(self.expires_at, self.expires_in_seconds, now)?,
            active: None,
        })
    }
}

/// One of a key's rate limits.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RateLimitBody {
    name: Option<Text<LimitName>>,
    count: NonZeroU32,
    seconds: NonZeroU32,
    burst: Option<NonZeroU32>,
}

fn rate_limits(all: Vec<Object<RateLimitBody>>) -> Result<RateLimits, Refusal> {
    let limit = |Object(body)| {
        let RateLimitBody { name, count, seconds, burst } = body;
        let name = inner(name).unwrap_or(RateLimit::DEFAULT_NAME);
        RateLimit { name, count, seconds, burst: burst.unwrap_or(count) }
    };
    let limits = RateLimits::of(all.into_iter().map(limit).collect());
    limits.map_err(|error| Refusal::invalid(error.to_string()))
}

/// The end asked for, `None` when none of the two fields was given.
fn expiry(
    at: Patch<Text<Moment>>,
    in_seconds: Option<u64>,
    now: Timestamp,
) -> Result<Option<Expiry>, Refusal> {
    match (at, in_seconds) {
        (Patch::Keep, None) => Ok(None),
        (Patch::Clear, None) => Ok(Some(Expiry::Never)),
        (Patch::Set(Text(Moment(at))), None) => Ok(Some(Expiry::At(at))),
        (Patch::Keep, Some(seconds)) => Ok(Some(Expiry::At(now.plus_ms(seconds.saturating_mul(1_000))))),
        (_, Some(_)) => Err(Refusal::invalid("give expires_at or expires_in_seconds, not both")),
    }
}

/// `POST /v1/keys/{id}/rotate`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateBody {
    grace_seconds: Option<u64>,
}

impl RotateBody {
    pub(super) fn grace_ms(&self) -> u64 {
        self.grace_seconds.unwrap_or(0).saturating_mul(1_000)
    }
}

/// `POST /v1/keys/{id}/revoke`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeBody {
    reason: Option<Text<RevokeReason>>,
}

impl RevokeBody {
    pub(super) fn reason(self) -> RevokeReason {
        inner(self.reason).unwrap_or_default()
    }
}
