//! BokaMera's API keys, as its ServiceStack host speaks: JSON, XML, CSV, JSV and lines of JSON.
//!
//! ```text
//! GET POST      /apikeys                      the keys of the caller's company, and a new one
//! PUT DELETE    /apikeys/{ApiKey}             change, and cancel
//! GET POST      /api/{operation}              CreateApiKey, CreateApiKey[], ApiKeyQuery, Authenticate
//! GET POST      /{format}/reply/{operation}
//! GET POST      /authenticate                 a token for a name and a password
//! GET           /version                      with a key in x-api-key
//! GET           /metadata   /{format}/metadata?op={operation}&lang={language}   /types/{language}
//! ```
//!
//! Addresses are read in any case and with a slash at the end; pages of any origin may ask.
//!
//! A caller that manages keys logs in, by `Authorization: Bearer` with a token of `/authenticate` or by HTTP Basic, and
//! administers a company. A company's keys belong to the company and not to a person: the company's account owns them.

mod encode;
mod format;
mod input;
mod keys;
mod login;
mod metadata;
mod operation;
mod record;
mod refusal;
mod route;

use self::encode::Style;
use self::format::Format;
use self::input::Input;
use self::operation::Operation;
use self::record::{Answer, Namespace, Record, Value};
use self::refusal::{Refusal, RefusedRequest};
use self::route::Target;
use super::{Dialect, Failure, Specificity};
use crate::command::{Caller, Command, Service, ShowUser, UserRef};
use crate::http::{Head, Query, RawRequest, RawResponse};
use crate::key::{Keyspace, Level, User};

/// The BokaMera dialect.
///
/// ```
/// use keyward::dialect::{BokaMera, Dialect};
/// assert!(BokaMera.claims("/apikeys.xml") && BokaMera.claims("/json/reply/CreateApiKey"));
/// assert!(!BokaMera.claims("/v1/keys"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct BokaMera;

impl Dialect for BokaMera {
    fn claims(&self, path: &str) -> bool {
        route::is_claimed(path)
    }

    fn specificity(&self, head: &Head<'_>) -> Specificity {
        route::specificity(head.path)
    }

    fn error_response(&self, path: &str, failure: Failure) -> RawResponse {
        let wrong = match failure {
            Failure::Busy => Refusal::Unavailable,
            Failure::Broken => Refusal::Broken,
        };
        let format = route::read(path).ok().and_then(|route| route.format).unwrap_or(Format::Json);
        open(encode::refusal(&wrong.into(), Style { format, camel_case: false }))
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        open(match request.method.as_str() {
            // Before a page may send what a page may not by itself.
            "OPTIONS" => RawResponse {
                status: 200,
                headers: vec![("cache-control", "no-store".into())],
                body: Vec::new(),
            },
            _ => answer(service, request),
        })
    }
}

/// The answer, which pages of any origin may read: nothing here trusts a browser's cookies. As ServiceStack's `CorsFeature`
/// has it, with the fields that carry a login or a key.
fn open(answer: RawResponse) -> RawResponse {
    answer
        .with_header("access-control-allow-origin", "*")
        .with_header("access-control-allow-methods", "GET, POST, PUT, DELETE, PATCH, OPTIONS, HEAD")
        .with_header("access-control-allow-headers", "Content-Type, Authorization, x-api-key, x-ss-id")
        .with_header("access-control-max-age", "600")
}

fn answer(service: &Service, request: &RawRequest) -> RawResponse {
    let camel_case = wants_camel_case(&request.query);
    let route = match route::read(&request.path) {
        Ok(route) => route,
        Err(refusal) => {
            return encode::refusal(&refusal, Style { format: Format::Json, camel_case });
        }
    };
    let style = Style { format: Format::wanted(&route, request), camel_case };
    let page = match route.target {
        Target::Metadata => Some(Ok(metadata::page(&request.path, &request.query))),
        Target::Types(language) => Some(metadata::types(language)),
        Target::Keys | Target::Key(_) | Target::Authenticate | Target::Version | Target::Predefined(_) => {
            None
        }
    };
    if let Some(page) = page.filter(|_| matches!(request.method.as_str(), "GET" | "HEAD")) {
        return page.unwrap_or_else(|refusal| encode::refusal(&refusal, style));
    }
    let operation = match route.target.operation(&request.method) {
        Ok(operation) => operation,
        Err(refusal) => return encode::refusal(&refusal, style),
    };
    match (RequestContext { service, request }).carry_out(operation, route.target) {
        Ok(answer) => encode::success(&answer, operation, style),
        Err(refusal) => encode::refusal(&RefusedRequest { operation: Some(operation), ..refusal }, style),
    }
}

/// Whether the query asks for names that begin with a small letter, as ServiceStack lets clients ask.
fn wants_camel_case(query: &str) -> bool {
    let config = Query::new(query).values("jsconfig").next();
    let mut asked = config.unwrap_or_default().split([',', '+']).flat_map(|part| part.split("%2C"));
    asked.any(|part| ["eccn", "eccn:true", "EmitCamelCaseNames:true"].contains(&part))
}

/// One request, its caller where that is known, and the service that answers it.
struct RequestContext<'a> {
    service: &'a Service,
    request: &'a RawRequest,
}

impl RequestContext<'_> {
    fn carry_out(&self, operation: Operation, target: Target<'_>) -> Result<Answer, RefusedRequest> {
        let one = match (operation, target) {
            (Operation::CreateApiKeys, _) => return keys::create_many(self).map(Answer::Many),
            (Operation::CreateApiKey, _) => keys::create(self),
            (Operation::ApiKeyQuery, _) => keys::query(self),
            (Operation::UpdateApiKey, Target::Key(key)) => keys::update(self, key),
            (Operation::CancelApiKey, Target::Key(key)) => keys::cancel(self, key),
            (Operation::UpdateApiKey | Operation::CancelApiKey, _) => Err(Refusal::NoSuchAddress),
            (Operation::Authenticate, _) => login::authenticate(self),
            (Operation::Version, _) => self.version(),
        };
        Ok(Answer::One(one?))
    }

    /// The caller, who is logged in and administers a company.
    fn administrator(&self) -> Result<Caller, Refusal> {
        let caller = login::caller(self)?;
        if caller.level() < Level::ADMINISTER { Err(Refusal::InvalidRole) } else { Ok(caller) }
    }

    /// The version, for a caller with a good key.
    fn version(&self) -> Result<Record, Refusal> {
        let key = self.request.head().only("x-api-key").ok().flatten().map(std::str::from_utf8);
        let key = key.and_then(Result::ok).and_then(keys::canonical).ok_or(Refusal::InvalidApiKey)?;
        let caller = self.service.authenticator().by_key(&Keyspace::BOKAMERA, &key, self.request.client);
        caller.map_err(Refusal::of_key)?;
        let fields = vec![("Version", Value::text(env!("CARGO_PKG_VERSION")))];
        Ok(Record { name: "VersionResponse", namespace: Namespace::Dtos, fields })
    }

    fn input(&self, name: &'static str) -> Result<Input, Refusal> {
        Input::read(self.request, name)
    }

    fn user(&self, caller: &Caller) -> Result<User, Refusal> {
        let user = self.run(caller, ShowUser(UserRef::Own))?;
        Ok(user)
    }

    fn run<C: Command>(&self, caller: &Caller, command: C) -> Result<C::Output, Refusal> {
        Ok(self.service.run(caller, command)?)
    }
}
