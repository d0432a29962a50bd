//! What each API documents: requests, as addresses and fields with the kind of value that each takes.

use crate::values::Value::{self, *};

/// Who answers, and what proves there who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Api {
    Filebin,
    FreeSewing,
    QReserve,
    TelVue,
    BokaMera,
    Native,
    Operator,
    Gateway,
    Console,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Nothing,
    Form,
    Json,
    Xml,
    /// A line of JSON for each of a few.
    Lines,
}

/// A documented request.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) api: Api,
    /// Method and path; `{…}` is replaced by a value.
    pub(crate) what: &'static str,
    pub(crate) body: Body,
    /// Fields of the body, or of the query where there is none; those with `?` may be left out.
    pub(crate) fields: Fields,
}

/// Fields by name, each with the kind of its value.
type Fields = &'static [(&'static str, Value)];

const fn op(api: Api, what: &'static str, body: Body, fields: &'static [(&'static str, Value)]) -> Operation {
    Operation { api, what, body, fields }
}

const NEW_KEY: Fields = &[
    ("keyspace", Space),
    ("owner?", Username),
    ("level?", Level),
    ("comment?", Comment),
    ("contact?", Email),
    ("allowlist?", Networks),
    ("rate_limits?", Limits),
    ("expires_in_seconds?", Seconds),
];
const KEY_PATCH: Fields = &[
    ("comment?", Comment),
    ("contact?", Email),
    ("level?", Level),
    ("allowlist?", Networks),
    ("rate_limits?", Limits),
    ("expires_at?", Moment),
];
const NEW_USER: Fields = &[
    ("username", NewName),
    ("role?", Role),
    ("kind?", Word(&["person", "bot"])),
    ("display_name?", Name),
    ("email?", Email),
    ("company?", Company),
];
const USER_PATCH: Fields = &[
    ("username?", NewName),
    ("display_name?", Name),
    ("email?", Email),
    ("role?", Role),
    ("company?", Company),
    ("status?", Status),
    ("api_access?", Flag),
];
const IMPORT: Fields = &[
    ("key?", ForeignText),
    ("hash?", Digest),
    ("algorithm?", Word(&["sha256", "sha512", "bcrypt"])),
    ("keyspace?", Space),
    ("owner", Username),
    ("level?", Level),
];
const VERIFY: Fields =
    &[("key", AnyText), ("keyspace?", Space), ("level?", Level), ("address?", Address), ("cost?", Small)];
const PAGE: Fields = &[("after?", Small), ("limit?", Small)];
const CONTENT: Fields = &[
    ("api_key", Proof),
    ("program_code?", Comment),
    ("description?", Comment),
    ("expected_duration?", Seconds),
    ("import_datetime?", Word(&["2011-04-20", "2012-02-30", "x"])),
    ("categories[]?", Comment),
    ("custom_metadata[a]?", Comment),
];
const BOKAMERA_KEY: Fields = &[
    ("CompanyId?", Company),
    ("ContactEmail?", Email),
    ("Notes?", Comment),
    ("Active?", Flag),
    ("ExpiryDate?", Moment),
    ("AllowedIpAddresses?", Networks),
];
const LOGIN: Fields = &[("username", Username), ("password", Password)];
const GATE: Fields = &[
    ("for?", Word(&["nginx", "traefik", "caddy", "envoy", "haproxy"])),
    ("level?", Level),
    ("cost?", Small),
    ("limit?", Word(&["default", "a", "none"])),
];
const DO_SAVE_USER: Fields = &[
    ("do", Word(&["save"])),
    ("username", OwnName),
    ("display_name?", Name),
    ("email?", Email),
    ("role", Role),
    ("company?", Company),
    ("status", Status),
    ("api_access?", Word(&["yes"])),
    ("pending?", Word(&["yes"])),
];
const DO_SAVE_KEY: Fields = &[
    ("do", Word(&["save", "preview"])),
    ("comment", Comment),
    ("level", Level),
    ("allowlist", Networks),
    ("expires", Moment),
];

use Api::{BokaMera, Console, Filebin, FreeSewing, Gateway, Native, Operator, QReserve, TelVue};
use Body::{Form, Json, Lines, Nothing, Xml};

pub(crate) const OPERATIONS: &[Operation] = &[
    op(Filebin, "POST /api/v2.0.0/user/apikeys", Form, &[("apikey", Proof)]),
    op(
        Filebin,
        "POST /api/v2.1.0/user/create_apikey",
        Form,
        &[("apikey", Proof), ("access_level", Word(&["basic", "apikey", "full"])), ("comment?", Comment)],
    ),
    op(Filebin, "POST /api/v2.2.0/user/delete_apikey", Form, &[("apikey", Proof), ("delete_key", Text)]),
    op(
        Filebin,
        "POST /api/v2.0.0/user/create_apikey",
        Form,
        &[("username", Username), ("password", Password), ("access_level", Word(&["basic", "full"]))],
    ),
    op(FreeSewing, "POST /signin", Json, LOGIN),
    op(FreeSewing, "POST /apikeys/jwt", Json, &[("name", Comment), ("level", Level), ("expiresIn", Seconds)]),
    op(FreeSewing, "POST /apikeys/key", Json, &[("name", Comment), ("level", Level), ("expiresIn", Seconds)]),
    op(FreeSewing, "GET /apikeys/jwt", Nothing, &[]),
    op(FreeSewing, "GET /apikeys/key", Nothing, &[]),
    op(FreeSewing, "GET /apikeys/{key}/jwt", Nothing, &[]),
    op(FreeSewing, "GET /apikeys/{key}/key", Nothing, &[]),
    op(FreeSewing, "DELETE /apikeys/{key}/jwt", Nothing, &[]),
    op(FreeSewing, "DELETE /apikeys/{key}/key", Nothing, &[]),
    op(FreeSewing, "GET /account/jwt", Nothing, &[]),
    op(FreeSewing, "GET /whoami/key", Nothing, &[]),
    op(QReserve, "GET /", Nothing, &[]),
    op(QReserve, "GET /users/self", Nothing, &[]),
    op(QReserve, "GET /sites/{site}/bots", Nothing, &[]),
    op(QReserve, "POST /sites/{site}/bots", Json, &[("display_name", Name)]),
    op(QReserve, "GET /sites/{site}/bots/{bot}", Nothing, &[]),
    op(
        QReserve,
        "POST /sites/{site}/bots/{bot}",
        Json,
        &[("role?", Word(&["user", "moderator", "administrator"])), ("display_name?", Name)],
    ),
    op(QReserve, "DELETE /sites/{site}/bots/{bot}", Nothing, &[]),
    op(QReserve, "GET /sites/{site}/bots/{bot}/api_key", Nothing, &[]),
    op(QReserve, "POST /sites/{site}/bots/{bot}/api_key", Json, &[]),
    op(QReserve, "DELETE /sites/{site}/bots/{bot}/api_key", Nothing, &[]),
    op(QReserve, "POST /sites/{site}/bots/{bot}/api_key/ip_addresses", Json, &[("ip_addresses", Networks)]),
    op(TelVue, "GET /xml/software_version", Nothing, &[("api_key", Proof)]),
    op(TelVue, "POST /content_api/new", Form, CONTENT),
    op(TelVue, "GET /content_api/{number}/edit", Nothing, CONTENT),
    op(BokaMera, "POST /authenticate", Json, &[("UserName", Username), ("Password", Password)]),
    op(BokaMera, "GET /authenticate", Nothing, &[]),
    op(BokaMera, "POST /apikeys", Json, BOKAMERA_KEY),
    op(BokaMera, "POST /xml/reply/CreateApiKey", Xml, BOKAMERA_KEY),
    op(BokaMera, "GET /apikeys", Nothing, &[("CompanyId?", Company), ("ActiveOnly?", Flag)]),
    op(BokaMera, "GET /csv/reply/ApiKeyQuery", Nothing, &[("CompanyId?", Company)]),
    op(BokaMera, "PUT /apikeys/{guid}", Form, BOKAMERA_KEY),
    op(BokaMera, "DELETE /apikeys/{guid}", Nothing, &[]),
    op(BokaMera, "GET /version", Nothing, &[]),
    op(Gateway, "GET /auth/{space}", Nothing, GATE),
    op(Gateway, "POST /auth/{space};for=envoy;level=2/books", Nothing, &[]),
    op(Console, "GET /console", Nothing, &[]),
    op(Console, "GET /console/config/users", Nothing, &[]),
    op(Console, "GET /console/config/users/{user_id}", Nothing, &[]),
    op(Console, "GET /console/keys/{space}", Nothing, &[("owner?", UserNumber)]),
    op(Console, "GET /console/key/{key}", Nothing, &[]),
    op(Console, "GET /console/bots", Nothing, &[]),
    op(Console, "GET /console/bots/{bot}/api-key", Nothing, &[]),
    op(Console, "GET /console/audit", Nothing, &[("user?", Username), ("key?", KeyId)]),
    op(Console, "POST /console/login", Form, &[("login", Username), ("password", Password)]),
    op(Console, "POST /console/logout", Form, &[]),
    op(
        Console,
        "POST /console/setup",
        Form,
        &[("code", Comment), ("username", NewName), ("password", Password), ("password_again", Password)],
    ),
    op(
        Console,
        "POST /console/config/users/new",
        Form,
        &[
            ("username", NewName),
            ("display_name?", Name),
            ("email?", Email),
            ("role", Role),
            ("company?", Company),
        ],
    ),
    op(Console, "POST /console/config/users/{user_id}", Form, DO_SAVE_USER),
    op(
        Console,
        "POST /console/config/users/{user_id}#password",
        Form,
        &[
            ("do", Word(&["save"])),
            ("username", OwnName),
            ("role", Role),
            ("status", Status),
            ("api_access?", Word(&["yes"])),
            ("password", Password),
            ("password_again", Password),
            ("current_password?", Password),
        ],
    ),
    op(
        Console,
        "POST /console/config/users/{user_id}#key",
        Form,
        &[("do", Word(&["generate", "cancel", "end-sessions"]))],
    ),
    op(
        Console,
        "POST /console/config/users/{user_id}#remove",
        Form,
        &[("do", Word(&["remove"])), ("sure?", Word(&["yes"]))],
    ),
    op(Console, "POST /console/bots", Form, &[("name", Name)]),
    op(
        Console,
        "POST /console/bots/{bot}",
        Form,
        &[("do", Word(&["save", "save", "remove"])), ("role", Role), ("sure?", Word(&["yes"]))],
    ),
    op(
        Console,
        "POST /console/bots/{bot}/api-key",
        Form,
        &[("do", Word(&["generate", "regenerate", "clear", "restrict"])), ("ip_addresses", Networks)],
    ),
    op(
        Console,
        "POST /console/keys/{space}",
        Form,
        &[
            ("do", Word(&["create"])),
            ("comment", Comment),
            ("level", Level),
            ("allowlist", Networks),
            ("life?", Small),
            ("once?", Comment),
        ],
    ),
    op(Console, "POST /console/keys/{space}#delete", Form, &[("do", Word(&["delete"])), ("key", KeyId)]),
    op(Console, "POST /console/key/{key}", Form, DO_SAVE_KEY),
    op(
        Console,
        "POST /console/key/{key}#act",
        Form,
        &[
            ("do", Word(&["suspend", "resume", "rotate", "revoke", "delete"])),
            ("grace", Small),
            ("reason", Reason),
            ("sure?", Word(&["yes"])),
        ],
    ),
    op(
        Console,
        "POST /console/try",
        Form,
        &[("keyspace", Space), ("tried_key", AnyText), ("address", Address), ("level", Level)],
    ),
];

/// keyward's own API, which two serve: everyone's side, and that of the machine's owner.
pub(crate) const OWN: &[(&str, Body, Fields)] = &[
    ("GET /v1/users", Nothing, PAGE),
    ("POST /v1/users", Json, NEW_USER),
    ("GET /v1/users/{username}", Nothing, &[]),
    ("PATCH /v1/users/{username}", Json, USER_PATCH),
    ("DELETE /v1/users/{username}", Nothing, &[]),
    ("PUT /v1/users/{username}/password", Json, &[("password", Password)]),
    ("GET /v1/companies", Nothing, &[("limit?", Small)]),
    ("POST /v1/companies", Json, &[("id?", Company), ("name", Name)]),
    ("GET /v1/companies/{company}", Nothing, &[]),
    ("PATCH /v1/companies/{company}", Json, &[("name", Name)]),
    ("DELETE /v1/companies/{company}", Nothing, &[]),
    ("GET /v1/keyspaces/{space}", Nothing, &[]),
    (
        "GET /v1/keys",
        Nothing,
        &[
            ("owner?", Username),
            ("keyspace?", Space),
            ("state?", Word(&["active", "revoked"])),
            ("limit?", Small),
        ],
    ),
    ("POST /v1/keys", Json, NEW_KEY),
    ("GET /v1/keys/{key}", Nothing, &[]),
    ("PATCH /v1/keys/{key}", Json, KEY_PATCH),
    ("DELETE /v1/keys/{key}", Nothing, &[]),
    ("GET /v1/keys/{key}/text", Nothing, &[]),
    ("POST /v1/keys/{key}/suspend", Nothing, &[]),
    ("POST /v1/keys/{key}/resume", Nothing, &[]),
    ("POST /v1/keys/{key}/rotate", Json, &[("grace_seconds?", Seconds)]),
    ("POST /v1/keys/{key}/revoke", Json, &[("reason?", Reason)]),
    ("POST /v1/keys/{deleted}/undelete", Nothing, &[]),
    ("GET /v1/audit", Nothing, PAGE),
    ("POST /v1/audit/verify", Nothing, &[]),
    ("POST /v1/import", Lines, IMPORT),
    ("POST /v1/check", Nothing, &[]),
    ("POST /v1/verify", Json, VERIFY),
    ("GET /v1/self", Nothing, &[]),
];

/// Every documented request.
pub(crate) fn operations() -> Vec<Operation> {
    let own = [Native, Operator]
        .into_iter()
        .flat_map(|api| OWN.iter().map(move |(what, body, fields)| op(api, what, *body, fields)));
    let others = OPERATIONS.iter().map(|other| op(other.api, other.what, other.body, other.fields));
    let owners = [("POST /v1/backup", Nothing), ("GET /v1/peppers", Nothing)];
    others.chain(own).chain(owners.map(|(what, body)| op(Operator, what, body, &[]))).collect()
}
