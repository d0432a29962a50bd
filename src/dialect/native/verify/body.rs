//! Bodies of verify requests, in JSON or in a form.

use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::command::CommandError;
use crate::dialect::native::decode::{self, KeyText, Text, inner};
use crate::dialect::native::refusal::Refusal;
use crate::engine::EngineError;
use crate::http::{Field, Form, Presented};
use crate::key::{Keyspace, KeyspaceName, Level, LimitName, Spend};
use crate::limits;

/// `POST /v1/verify`, and one of `POST /v1/verify/batch`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fields")]
pub(crate) struct VerifyFields<'a> {
    #[serde(borrow)]
    key: Option<KeyText<'a>>,
    keyspace: Option<Text<KeyspaceName>>,
    address: Option<Text<Address>>,
    level: Option<u8>,
    permission: Option<Text<Permission>>,
    limit: Option<Text<LimitName>>,
    cost: Option<u32>,
}

const FIELDS: [&str; 7] = ["key", "keyspace", "address", "level", "permission", "limit", "cost"];

/// `POST /v1/verify/batch`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::dialect::native) struct Batch<'a> {
    #[serde(borrow)]
    #[schemars(with = "Vec<serde_json::Value>", extend("maxItems" = limits::VERIFY_BATCH_MAX))]
    keys: Vec<&'a RawValue>,
}

/// A verify request as read: the key, and the use that it must allow.
pub(crate) struct VerifyBody<'a> {
    /// `None` when the header fields have it, which those of a batch do not.
    pub(super) key: Option<Presented<'a>>,
    pub(super) keyspace: Keyspace,
    pub(super) address: Option<IpAddr>,
    pub(super) level: Level,
    pub(super) spend: Spend,
}

/// Reads a body of this content type. No body at all leaves every field out.
pub(super) fn one<'a>(
    content_type: Option<&str>,
    bytes: &'a [u8],
    form: &'a mut Form,
) -> Result<VerifyBody<'a>, Refusal> {
    if bytes.is_empty() {
        return VerifyFields::default().wanted();
    }
    if decode::is_json(content_type) {
        return decode::json::<VerifyFields<'_>>(bytes)?.wanted();
    }
    *form = Form::of(content_type.unwrap_or_default().as_bytes(), bytes);
    if !Form::is_form(content_type.unwrap_or_default().as_bytes()) {
        return Err(Refusal::MediaType);
    }
    VerifyFields::of(form)?.wanted()
}

/// Reads the body of a batch: each of it alone, so that a wrong one spoils no other.
pub(super) fn batch<'a>(
    content_type: Option<&str>,
    bytes: &'a [u8],
) -> Result<Vec<Result<VerifyBody<'a>, Refusal>>, Refusal> {
    if !decode::is_json(content_type) {
        return Err(Refusal::MediaType);
    }
    let Batch { keys } = decode::json(bytes)?;
    if keys.len() > limits::VERIFY_BATCH_MAX {
        return Err(Refusal::invalid(format!("a batch has at most {} keys", limits::VERIFY_BATCH_MAX)));
    }
    let one = |raw: &'a RawValue| match decode::json::<VerifyFields<'_>>(raw.get().as_bytes())?.wanted()? {
        VerifyBody { key: None, .. } => Err(Refusal::invalid("key is needed")),
        wanted => Ok(wanted),
    };
    Ok(keys.into_iter().map(one).collect())
}

impl<'a> VerifyFields<'a> {
    fn of(form: &'a Form) -> Result<Self, Refusal> {
        if !form.has_only(&FIELDS) {
            return Err(Refusal::invalid(format!("fields are {}", FIELDS.join(", "))));
        }
        Ok(Self {
            key: text(form, "key")?.map(|key| KeyText(Presented::sent(key))),
            keyspace: parsed(form, "keyspace")?.map(Text),
            address: parsed(form, "address")?.map(Text),
            level: parsed(form, "level")?,
            permission: parsed(form, "permission")?.map(Text),
            limit: parsed(form, "limit")?.map(Text),
            cost: parsed(form, "cost")?,
        })
    }

    fn wanted(self) -> Result<VerifyBody<'a>, Refusal> {
        let keyspace = match inner(self.keyspace) {
            None => Keyspace::NATIVE,
            Some(name) => Keyspace::named(&name).ok_or(CommandError::Engine(EngineError::NoSuchKeyspace))?,
        };
        let level = match (self.level, inner(self.permission)) {
            (Some(_), Some(_)) => return Err(Refusal::invalid("give level or permission, not both")),
            (Some(level), None) => Level::new(level)?,
            (None, Some(Permission(level))) => level,
            (None, None) => Level::AUTHENTICATE,
        };
        let spend = Spend { limit: inner(self.limit), cost: self.cost.unwrap_or(1) };
        let key = self.key.map(|KeyText(key)| key);
        let address = inner(self.address).map(|Address(address)| address);
        Ok(VerifyBody { key, keyspace, address, level, spend })
    }
}

fn text<'a>(form: &'a Form, name: &str) -> Result<Option<&'a [u8]>, Refusal> {
    match form.field(name) {
        None => Ok(None),
        Some(Field::Text(text)) => Ok(Some(text)),
        Some(Field::Array(_)) => Err(Refusal::invalid(format!("{name} has the wrong form"))),
    }
}

fn parsed<T: FromStr>(form: &Form, name: &str) -> Result<Option<T>, Refusal> {
    let Some(bytes) = text(form, name)? else { return Ok(None) };
    decode::parsed(name, std::str::from_utf8(bytes).unwrap_or_default()).map(Some)
}

/// An address whose error does not repeat it.
pub(crate) struct Address(IpAddr);

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| "address must be an IP address")
    }
}

pub(crate) struct Permission(Level);

impl FromStr for Permission {
    type Err = crate::key::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Level::permitting(text).map(Self)
    }
}
