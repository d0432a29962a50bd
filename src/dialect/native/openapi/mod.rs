//! The description of the API in OpenAPI 3.1, made from the types that its handlers read and write.

mod schema;

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use self::schema::Spelled;
use super::encode::{IssuedJson, KeyJson, KeysJson, ReportJson, TextJson, UserJson, UsersJson, line};
use super::manage::audit::{ChainJson, EventsJson, VerifyAuditBody};
use super::manage::body::{
    CompanyPatch, ImportLine, KeyPatch, NewCompanyBody, NewKeyBody, NewUserBody, PasswordBody, RevokeBody,
    RotateBody, UserPatch,
};
use super::manage::companies::{CompaniesJson, CompanyJson, KeyspaceJson, KeyspacesJson};
use super::manage::import::ImportJson;
use super::refusal;
use super::verify::body::{Batch, VerifyFields};
use super::verify::verdict::{BatchJson, OwnJson, VerdictJson};
use crate::http::RawResponse;
use crate::key::{AuditAction, Prefix, Username};
use crate::limits;

/// `GET /openapi.json`.
pub(super) fn answer() -> RawResponse {
    static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| line(&document()));
    RawResponse::new(200, "application/json", DOCUMENT.clone())
}

/// The whole document.
pub(super) fn document() -> Value {
    let mut making = Making::new();
    let paths = paths(&mut making);
    let schemas = making.generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "keyward",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Issues, lists, restricts, rotates, revokes and verifies API keys. A key may also be presented in X-API-Key or apikey, or in Authorization with the scheme Api-Key, ApiKey or Token.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "key": [] }, { "password": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer" },
                "password": { "type": "http", "scheme": "basic" },
                "serviceKey": { "type": "apiKey", "in": "header", "name": "X-Service-Key" },
            },
        },
    })
}

struct Making {
    generator: SchemaGenerator,
}

/// One operation on its way into the document.
struct Operation {
    method: &'static str,
    value: Map<String, Value>,
}

impl Making {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self { generator: settings.into_generator() }
    }

    fn schema<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// An operation that answers `T`.
    fn operation<T: JsonSchema>(
        &mut self,
        method: &'static str,
        id: &str,
        summary: &str,
        status: u16,
    ) -> Operation {
        let schema = self.schema::<T>();
        let answer = json!({
            "description": "Done.",
            "content": { "application/json": { "schema": schema } },
        });
        self.bare(method, id, summary, status, answer)
    }

    /// One that answers with nothing.
    fn empty(&mut self, method: &'static str, id: &str, summary: &str) -> Operation {
        self.bare(method, id, summary, 204, json!({ "description": "Done." }))
    }

    fn bare(
        &mut self,
        method: &'static str,
        id: &str,
        summary: &str,
        status: u16,
        answer: Value,
    ) -> Operation {
        let problem = json!({
            "description": "A problem, with a stable code.",
            "content": { "application/problem+json": { "schema": self.schema::<refusal::Body>() } },
        });
        let mut responses = Map::from_iter([(status.to_string(), answer)]);
        for status in ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "503"] {
            responses.insert(status.to_owned(), problem.clone());
        }
        let value = Map::from_iter([
            ("operationId".to_owned(), id.into()),
            ("summary".to_owned(), summary.into()),
            ("responses".to_owned(), responses.into()),
        ]);
        Operation { method, value }
    }
}

impl Operation {
    /// Takes a body of type `T`, like `example`.
    fn takes<T: JsonSchema>(mut self, making: &mut Making, required: bool, example: Value) -> Self {
        let schema = making.schema::<T>();
        let body = json!({
            "required": required,
            "content": { "application/json": { "schema": schema, "examples": { "example": { "value": example } } } },
        });
        self.value.insert("requestBody".to_owned(), body);
        self
    }

    /// Takes parameters in the query.
    fn queries(mut self, parameters: &[(&str, Value)]) -> Self {
        let parameter =
            |(name, schema): &(&str, Value)| json!({ "name": name, "in": "query", "schema": schema });
        self.value.insert("parameters".to_owned(), parameters.iter().map(parameter).collect());
        self
    }

    /// Takes a service key, where others than this machine can connect.
    fn for_services(mut self) -> Self {
        self.value.insert("security".to_owned(), json!([{}, { "serviceKey": [] }]));
        self
    }

    /// Takes a header field.
    fn field(mut self, name: &str, schema: Value) -> Self {
        let parameter = json!({ "name": name, "in": "header", "schema": schema });
        match self.value.get_mut("parameters").and_then(Value::as_array_mut) {
            Some(parameters) => parameters.push(parameter),
            None => drop(self.value.insert("parameters".to_owned(), json!([parameter]))),
        }
        self
    }

    /// Also answers with this status, as with the first.
    fn also(mut self, first: &str, status: &str) -> Self {
        if let Some(Value::Object(responses)) = self.value.get_mut("responses")
            && let Some(answer) = responses.get(first).cloned()
        {
            responses.insert(status.to_owned(), answer);
        }
        self
    }
}

/// The operations of one path; `parameter` is what the path has in braces.
fn path(parameter: Option<(&str, Value)>, operations: Vec<Operation>) -> Value {
    let mut path = Map::new();
    if let Some((name, schema)) = parameter {
        let parameter = json!({ "name": name, "in": "path", "required": true, "schema": schema });
        path.insert("parameters".to_owned(), json!([parameter]));
    }
    path.extend(operations.into_iter().map(|one| (one.method.to_owned(), one.value.into())));
    path.into()
}

fn page(after: Value) -> [(&'static str, Value); 2] {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": limits::PAGE_MAX, "default": 100 });
    [("after", after), ("limit", limit)]
}

/// The schema of a text that has one in bodies, too.
fn spelled<T: Spelled>() -> Value {
    T::schema().to_value()
}

/// Any that can be one: which there are is for the answer to say.
fn keyspace_name() -> Value {
    json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$" })
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn cursor() -> Value {
    json!({ "type": "string", "pattern": "^p([0-9a-f]{2}){9,264}$" })
}

fn number() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{1,18}$" })
}

fn paths(making: &mut Making) -> Value {
    let mut all = Map::new();
    all.extend(users(making));
    all.extend(companies(making));
    all.extend(keys(making));
    all.extend(verifying(making));
    all.into()
}

type Paths = Vec<(String, Value)>;

fn users(m: &mut Making) -> Paths {
    let username = || Some(("username", spelled::<Username>()));
    let [after, limit] = page(cursor());
    let list = m.operation::<UsersJson<'_>>("get", "listUsers", "Lists users by rising number.", 200);
    let list = list.queries(&[("company", uuid()), after, limit]);
    let add = m.operation::<UserJson<'_>>("post", "addUser", "Adds a user.", 201);
    let add = add.takes::<NewUserBody>(
        m,
        true,
        json!({ "username": "flo", "role": "user", "email": "flo@example.org" }),
    );
    let show = m.operation::<UserJson<'_>>("get", "showUser", "Shows a user.", 200);
    let change = m.operation::<UserJson<'_>>("patch", "changeUser", "Changes fields of a user.", 200);
    let change = change.takes::<UserPatch>(m, true, json!({ "display_name": "Flo", "email": null }));
    let remove = m.empty("delete", "removeUser", "Removes a user and all their keys.");
    let password = m.operation::<UserJson<'_>>("put", "setPassword", "Sets a person's password.", 200);
    let password =
        password.takes::<PasswordBody>(m, true, json!({ "password": "correct horse battery staple" }));
    vec![
        ("/v1/users".to_owned(), path(None, vec![list, add])),
        ("/v1/users/{username}".to_owned(), path(username(), vec![show, change, remove])),
        ("/v1/users/{username}/password".to_owned(), path(username(), vec![password])),
    ]
}

fn companies(m: &mut Making) -> Paths {
    let id = || Some(("id", uuid()));
    let list = m.operation::<CompaniesJson>("get", "listCompanies", "Lists companies.", 200);
    let list = list.queries(&page(cursor()));
    let add = m.operation::<CompanyJson>("post", "addCompany", "Adds a company.", 201);
    let add = add.takes::<NewCompanyBody>(m, true, json!({ "name": "Example" }));
    let show = m.operation::<CompanyJson>("get", "showCompany", "Shows a company.", 200);
    let rename = m.operation::<CompanyJson>("patch", "renameCompany", "Gives a company another name.", 200);
    let rename = rename.takes::<CompanyPatch>(m, true, json!({ "name": "Example & Sons" }));
    let remove = m.empty("delete", "removeCompany", "Removes a company that nobody belongs to.");
    let keyspaces = m.operation::<KeyspacesJson>("get", "listKeyspaces", "Lists the kinds of keys.", 200);
    let keyspace = m.operation::<KeyspaceJson>("get", "showKeyspace", "Shows a kind of keys.", 200);
    let summary = "Lists who changed what and when: newest first, or after a number by rising numbers.";
    let audit = m.operation::<EventsJson>("get", "listEvents", summary, 200);
    let [after, limit] = page(json!({ "anyOf": [number(), cursor()] }));
    let day = || json!({ "type": "string", "anyOf": [{ "format": "date-time" }, { "format": "date" }] });
    let user = json!({ "anyOf": [spelled::<Username>(), number()] });
    let audit = audit.queries(&[
        after,
        limit,
        ("since", day()),
        ("until", day()),
        ("user", user),
        ("action", json!({ "type": "string", "enum": AuditAction::ALL.map(AuditAction::name) })),
        ("key", uuid()),
    ]);
    let chain = m.operation::<ChainJson>("post", "verifyAudit", "Proves the audit's chain.", 200);
    let head = format!("1:{}", "0f".repeat(32));
    let chain = chain.takes::<VerifyAuditBody>(m, false, json!({ "kept": head }));
    let check = m.operation::<ReportJson<'_>>("post", "check", "Walks the whole store.", 200);
    let name = keyspace_name();
    vec![
        ("/v1/companies".to_owned(), path(None, vec![list, add])),
        ("/v1/companies/{id}".to_owned(), path(id(), vec![show, rename, remove])),
        ("/v1/keyspaces".to_owned(), path(None, vec![keyspaces])),
        ("/v1/keyspaces/{name}".to_owned(), path(Some(("name", name)), vec![keyspace])),
        ("/v1/audit".to_owned(), path(None, vec![audit])),
        ("/v1/audit/verify".to_owned(), path(None, vec![chain])),
        ("/v1/check".to_owned(), path(None, vec![check])),
    ]
}

fn keys(m: &mut Making) -> Paths {
    let id = || Some(("id", uuid()));
    let [after, limit] = page(cursor());
    let list = m.operation::<KeysJson<'_>>("get", "listKeys", "Lists keys.", 200).queries(&[
        ("owner", spelled::<Username>()),
        ("keyspace", keyspace_name()),
        ("state", json!({ "type": "string", "enum": ["active", "expired", "suspended", "revoked"] })),
        ("prefix", spelled::<Prefix>()),
        after,
        limit,
    ]);
    let create =
        m.operation::<IssuedJson<'_>>("post", "createKey", "Creates a key; its text is shown once.", 201);
    let create = create.also("201", "200").takes::<NewKeyBody>(
        m,
        true,
        json!({ "keyspace": "native", "owner": "flo", "level": 2, "comment": "build server",
                "expires_in_seconds": 86_400, "allowlist": "192.0.2.0/24",
                "rate_limits": [{ "count": 100, "seconds": 60 }] }),
    );
    let name = json!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
    let create = create.field("Idempotency-Key", name);
    let show = m.operation::<KeyJson<'_>>("get", "showKey", "Shows a key.", 200);
    let change = m.operation::<KeyJson<'_>>("patch", "changeKey", "Changes fields of a key.", 200);
    let change = change.takes::<KeyPatch>(m, true, json!({ "comment": "new server", "expires_at": null }));
    let delete = m.empty("delete", "deleteKey", "Deletes a key; for 30 days it can come back.");
    let text = m.operation::<TextJson<'_>>("get", "showText", "Shows the text of a key again.", 200);
    let mut paths = vec![
        ("/v1/keys".to_owned(), path(None, vec![list, create])),
        ("/v1/keys/{id}".to_owned(), path(id(), vec![show, change, delete])),
        ("/v1/keys/{id}/text".to_owned(), path(id(), vec![text])),
    ];
    for (action, summary) in [
        ("suspend", "Stops a key until it is resumed."),
        ("resume", "Lets a suspended key verify again."),
        ("undelete", "Brings a deleted key back."),
    ] {
        let act = m.operation::<KeyJson<'_>>("post", &format!("{action}Key"), summary, 200);
        paths.push((format!("/v1/keys/{{id}}/{action}"), path(id(), vec![act])));
    }
    let rotate = m.operation::<IssuedJson<'_>>("post", "rotateKey", "Gives a key a new text.", 200);
    let rotate = rotate.takes::<RotateBody>(m, false, json!({ "grace_seconds": 3_600 }));
    let revoke = m.operation::<KeyJson<'_>>("post", "revokeKey", "Stops a key for good.", 200);
    let revoke = revoke.takes::<RevokeBody>(m, false, json!({ "reason": "keyCompromise" }));
    paths.push(("/v1/keys/{id}/rotate".to_owned(), path(id(), vec![rotate])));
    paths.push(("/v1/keys/{id}/revoke".to_owned(), path(id(), vec![revoke])));
    paths.push(("/v1/import".to_owned(), path(None, vec![import(m)])));
    paths
}

/// Takes not one JSON value, but one to a line.
fn import(m: &mut Making) -> Operation {
    let mut import =
        m.operation::<ImportJson>("post", "importKeys", "Takes keys of another system over.", 200);
    let line = m.schema::<ImportLine>();
    let example = "{\"key\":\"sk_live_4eC39HqLyjWDarjtT1zdp7dc\",\"owner\":\"flo\"}\n";
    let body = json!({
        "required": true,
        "description": format!("At most {} lines, each a JSON object of this form.", limits::IMPORTED_AT_ONCE_MAX),
        "content": { "text/plain": {
            "schema": { "type": "string", "contentMediaType": "application/x-ndjson", "contentSchema": line },
            "examples": { "example": { "value": example } },
        } },
    });
    import.value.insert("requestBody".to_owned(), body);
    import.queries(&[
        ("dry_run", json!({ "type": "string", "enum": ["true", "false"] })),
        ("keyspace", keyspace_name()),
        ("owner", spelled::<Username>()),
        ("level", json!({ "type": "string", "pattern": "^[0-8]$" })),
    ])
}

fn verifying(m: &mut Making) -> Paths {
    let one = m.operation::<VerdictJson<'_>>("post", "verify", "Verifies a key.", 200);
    let one =
        one.takes::<VerifyFields<'_>>(m, false, json!({ "keyspace": "native", "key": "kw_…", "level": 2 }));
    let one =
        one.for_services().queries(&[("status", json!({ "type": "string", "enum": ["true", "false"] }))]);
    let batch = m.operation::<BatchJson<'_>>(
        "post",
        "verifyBatch",
        "Verifies up to 1,000 keys, each as /v1/verify does; a wrong one spoils no other.",
        200,
    );
    let batch = batch.for_services().takes::<Batch<'_>>(
        m,
        true,
        json!({ "keys": [{ "key": "kw_…" }, { "key": "kw_…", "level": 4 }] }),
    );
    let own = m.operation::<OwnJson<'_>>("get", "showOwnKey", "Shows the key that is presented.", 200);
    let own = own.queries(&[("keyspace", keyspace_name())]);
    vec![
        ("/v1/verify".to_owned(), path(None, vec![one])),
        ("/v1/verify/batch".to_owned(), path(None, vec![batch])),
        ("/v1/self".to_owned(), path(None, vec![own])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::native::route::Target;

    #[test]
    fn every_example_is_one_of_its_schema() {
        let document = document();
        let mut examples = 0;
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let Some(content) = operation.get("requestBody").map(|body| &body["content"]) else {
                    continue;
                };
                for (media_type, content) in content.as_object().unwrap() {
                    let mut schema = content["schema"].clone();
                    if schema.get("contentSchema").is_some() {
                        schema = schema["contentSchema"].clone();
                    }
                    // The references of a schema lead into the whole document.
                    let mut whole = schema.as_object().unwrap().clone();
                    whole.insert("components".to_owned(), document["components"].clone());
                    let validator = jsonschema::validator_for(&whole.into()).unwrap();
                    for example in content["examples"].as_object().unwrap().values() {
                        let value = &example["value"];
                        let lines: Vec<Value> = if media_type == "text/plain" {
                            let lines = value.as_str().unwrap().lines();
                            lines.map(|line| serde_json::from_str(line).unwrap()).collect()
                        } else {
                            vec![value.clone()]
                        };
                        for value in lines {
                            assert!(validator.is_valid(&value), "{method} {path}: {value}");
                            examples += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(examples, 13);
    }

    #[test]
    fn every_address_is_there_with_its_methods() {
        let document = document();
        for (path, operations) in document["paths"].as_object().unwrap() {
            let address = path
                .replace("{id}", "7ea12968-7758-40b6-8c73-75cc99be762b")
                .replace("{username}", "flo")
                .replace("{name}", "native");
            let target = Target::of(&address).unwrap_or_else(|_| panic!("{path} is an address"));
            let mut methods: Vec<_> =
                target.methods().split(", ").filter(|method| *method != "HEAD").collect();
            methods.sort_unstable();
            let described = operations.as_object().unwrap().keys().filter(|name| *name != "parameters");
            let mut described: Vec<_> = described.map(|name| name.to_uppercase()).collect();
            described.sort_unstable();
            assert_eq!(described, methods, "{path}");
        }
        assert_eq!(document["paths"].as_object().unwrap().len(), 22);
    }
}
