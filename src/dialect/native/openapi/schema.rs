//! Schemas of the values that are spelled as text: the rules of `key`, as JSON Schema has them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::dialect::native::decode::{KeyText, Moment, Networks, Object, Secret, Text};
use crate::dialect::native::manage::import_line::Wiped;
use crate::dialect::native::verify::body::{Address, Permission};
use crate::key::{
    AuditHead, Comment, CompanyId, Contact, DigestName, DisplayName, Email, Keyspace, KeyspaceName, Level,
    LimitName, Part, Prefix, RevokeReason, Role, UserStatus, Username,
};
use crate::limits;

/// A type that has a text form.
pub(super) trait Spelled {
    /// The schema of its texts.
    fn schema() -> Schema;
}

macro_rules! spelled {
    ($($name:ident => $schema:expr;)*) => {
        $(impl Spelled for $name {
            fn schema() -> Schema {
                $schema
            }
        })*
    };
}

spelled! {
    Username => json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$" });
    DisplayName => json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": limits::DISPLAY_NAME_CHARS_MAX,
        "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u202a-\\u202e\\u2066-\\u2069]+$",
    });
    Email => json_schema!({
        "type": "string",
        "maxLength": limits::EMAIL_BYTES_MAX,
        "pattern": "^[!-?A-~]+@[!-?A-~]+$",
    });
    Contact => json_schema!({ "type": "string", "minLength": 1, "maxLength": limits::CONTACT_CHARS_MAX });
    Comment => json_schema!({ "type": "string", "maxLength": limits::COMMENT_BYTES_MAX });
    CompanyId => json_schema!({ "type": "string", "format": "uuid" });
    Role => json_schema!({ "type": "string", "enum": Role::ALL.map(Role::name) });
    UserStatus => json_schema!({ "type": "string", "enum": UserStatus::ALL.map(UserStatus::name) });
    RevokeReason => json_schema!({ "type": "string", "enum": RevokeReason::ALL.map(RevokeReason::name) });
    KeyspaceName => json_schema!({
        "type": "string",
        "enum": Keyspace::all().map(|keyspace| keyspace.name().to_string()).collect::<Vec<_>>(),
    });
    LimitName => json_schema!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,15}$" });
    Prefix => json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" });
    Part => json_schema!({ "type": "string", "pattern": "^(after|last):[!-~]{1,8}$" });
    DigestName => json_schema!({ "type": "string", "enum": ["sha256", "sha512", "hmac-sha256"] });
    AuditHead => json_schema!({ "type": "string", "pattern": "^[0-9]{1,20}:[0-9a-fA-F]{64}$" });
    Moment => json_schema!({ "type": "string", "format": "date-time" });
    Networks => json_schema!({
        "type": "string",
        "description": "IP addresses and networks, separated by commas; empty for anywhere",
        "anyOf": [{ "pattern": NETWORKS_4 }, { "format": "ipv6" }],
    });
    Address => json_schema!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] });
    Permission => json_schema!({
        "type": "string",
        "enum": (0..=8).filter_map(|n| Level::new(n).ok()).map(Level::permission).collect::<Vec<_>>(),
    });
}

/// None or more addresses and networks of IPv4.
const NETWORKS_4: &str = concat!(
    r"^(((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])",
    r"(/(3[0-2]|[12]?[0-9]))?",
    r"(,((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])",
    r"(/(3[0-2]|[12]?[0-9]))?)*)?$",
);

macro_rules! inline {
    ($(($($generics:tt)*) $name:ty => $schema:expr;)*) => {
        $(impl<$($generics)*> JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let schema: fn(&mut SchemaGenerator) -> Schema = $schema;
                schema(generator)
            }
        })*
    };
}

inline! {
    (T: Spelled) Text<T> => |_| T::schema();
    (T: JsonSchema) Object<T> => T::json_schema;
    () KeyText<'_> => |_| json_schema!({ "type": "string", "writeOnly": true });
    () Secret => |_| json_schema!({
        "type": "string",
        "format": "password",
        "minLength": limits::PASSWORD_CHARACTERS_MIN,
        "maxLength": limits::PASSWORD_BYTES_MAX,
        "writeOnly": true,
    });
    () Wiped => |_| json_schema!({ "type": "string", "writeOnly": true });
}
