//! BokaMera's dialect: whatever is sent gets one of its answers, well-formed in the format that was asked for; only
//! who proves who they are gets anything, of their own company; and what is refused changes nothing.

use std::cell::RefCell;

use base64::Engine as _;
use keyward::command::{Audience, Caller, KeyRef, ShowKey};
use keyward::dialect::{BokaMera, Dialect};
use keyward::http::RawRequest;
use keyward::key::{Company, Keyspace, Level, Role, UncheckedKey};

use super::records::{self, Record};
use super::requests::{self, BASE64, Said, header};
use super::world::World;

const ERRORS: [(u16, &str); 10] = [
    (400, "SerializationException"),
    (400, "ValidationException"),
    (401, "Unauthorized"),
    (403, "Forbidden"),
    (404, "NotFound"),
    (405, "MethodNotAllowed"),
    (409, "Conflict"),
    (413, "RequestEntityTooLarge"),
    (415, "UnsupportedMediaType"),
    // After wrong passwords: the names of fields are spelt in more ways than are looked for here.
    (429, "TooManyRequests"),
];

thread_local! {
    /// Made anew after every input that changed it.
    static TOWN: RefCell<Town> = RefCell::new(Town::new());
}

/// Companies, who works there, and the keys they have.
struct Town {
    world: World,
    /// Values that requests name literally.
    names: Vec<(String, String)>,
    companies: [(&'static str, Company); 2],
    logins: Vec<Login>,
    /// Every key's company and text, and whether it was cancelled.
    keys: Vec<(&'static str, String, bool)>,
}

/// A token, and what it is good for.
struct Login {
    name: &'static str,
    token: String,
    company: &'static str,
    level: Level,
}

impl Login {
    fn sees(&self, company: &str) -> bool {
        self.level == Level::ALL || (self.level == Level::ADMINISTER && self.company == company)
    }
}

impl Town {
    fn new() -> Self {
        let mut world = World::new("bokamera", &[]);
        let companies = ["one", "two"].map(|name| (name, world.company(name)));
        let of =
            |name: &str| companies.iter().find(|(company, _)| *company == name).map(|(_, company)| company);
        let people = [
            ("admin", "one", Role::Moderator),
            ("super", "one", Role::Administrator),
            ("user", "one", Role::User),
            ("rival", "two", Role::Moderator),
            ("nobody", "", Role::Moderator),
        ];
        let (mut names, mut logins, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for (name, company, role) in people {
            world.member(name, role, of(company).map(|company| company.id));
            let caller = world.login(name);
            let token = world.service.authenticator().token(&caller, Audience::BokaMera).unwrap().to_string();
            names.push((format!("{name}_token"), token.clone()));
            logins.push(Login { name, token, company, level: caller.level() });
        }
        for (name, company) in [("key", "one"), ("second", "one"), ("foreign", "two")] {
            let (_, text) = world.issue(name, World::key("bokamera", of(company).unwrap().account, 4));
            names.push((name.to_owned(), text.clone()));
            keys.push((company, text, false));
        }
        names.extend(companies.iter().map(|(name, company)| (format!("{name}_id"), company.id.to_string())));
        Self { world, names, companies, logins, keys }
    }

    /// The company that a key's record names.
    fn company(&self, record: &Record) -> &'static str {
        let named = |company: &Company| company.id.to_string() == record["companyid"];
        self.companies.iter().find(|(_, company)| named(company)).unwrap().0
    }

    /// User of the request's token: as bearer, or else as a session.
    fn login(&self, request: &RawRequest) -> Option<&Login> {
        let sent = |field: &str| {
            let (_, value) = request.headers.iter().find(|(name, _)| name == field)?;
            std::str::from_utf8(value).ok()
        };
        let bearer = sent("authorization").and_then(|value| value.trim().split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let token = bearer.map(|(_, token)| token).or_else(|| sent("x-ss-id"))?.trim();
        // The last letter has bits that say nothing.
        let is_it =
            |known: &str| token.len() == known.len() && token.starts_with(known.split_at(known.len() - 1).0);
        self.logins.iter().find(|login| is_it(&login.token))
    }
}

/// Answers the requests, as `requests` reads them.
pub fn run(bytes: &[u8]) {
    TOWN.with_borrow_mut(|town| {
        let before = town.world.revision();
        let names: Vec<_> = town.names.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let mut said = Said::default();
        for request in requests::requests(bytes, &names) {
            said.hear(&request);
            answer(town, &request, &said);
        }
        if town.world.revision() != before {
            *town = Town::new();
        }
    });
}

fn answer(town: &mut Town, request: &RawRequest, said: &Said) {
    if !BokaMera.claims(&request.path) || tries_a_password(request) {
        // A password costs as much as hundreds of other requests, and no user here has one.
        return;
    }
    let before = town.world.revision();
    let response = BokaMera.answer(&town.world.service, request);
    let changed = town.world.changed_since(before);
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));
    let Some(kind) = header(&response, "content-type") else {
        assert!(request.method == "OPTIONS" && response.status == 200 && !changed, "{response:?}");
        return;
    };
    assert_eq!(header(&response, "www-authenticate").is_some(), response.status == 401);
    assert_eq!(header(&response, "allow").is_some(), response.status == 405);
    if kind.starts_with("text/html") {
        let page = request.path.to_ascii_lowercase().contains("/metadata");
        assert!(response.status == 200 && page && !changed, "{response:?}");
        return;
    }
    if kind.starts_with("text/plain") {
        let types = request.path.to_ascii_lowercase().starts_with("/types/");
        assert!(response.status == 200 && types && !changed, "{response:?}");
        return;
    }
    let shown = String::from_utf8(response.body.clone()).unwrap();
    let login = town.login(request);
    let sees = |company: &str| login.is_some_and(|login| login.sees(company));
    for (company, text, _) in &town.keys {
        assert!(sees(company) || !shown.contains(text) || said.contains(text), "a key is shown in {shown}");
    }
    let records = records::read(kind, &response.body);
    if response.status != 200 {
        let [status] = records.as_slice() else { panic!("{shown}") };
        let code = status.get("errorcode").unwrap().as_str();
        assert!(ERRORS.contains(&(response.status, code)) && status.contains_key("message"), "{shown}");
        assert!(!changed, "{shown}");
        return;
    }
    let reads = ["GET", "HEAD"].contains(&request.method.as_str());
    assert!(!changed || !reads, "reading changed something");
    if let [version] = records.as_slice()
        && version.contains_key("version")
    {
        let presented = request.headers.iter().find(|(name, _)| name == "x-api-key");
        let presented = digits(&presented.unwrap().1);
        let found = town.keys.iter().find(|(_, text, _)| digits(text.as_bytes()) == presented);
        assert!(found.is_some_and(|(.., cancelled)| !cancelled), "{shown} without a key that may");
        return;
    }
    let login = login.unwrap_or_else(|| panic!("{shown} without a login"));
    if let [session] = records.as_slice()
        && session.contains_key("userid")
    {
        assert!(session["username"] == login.name && !session.contains_key("bearertoken"), "{shown}");
        return;
    }
    assert!(login.level >= Level::ADMINISTER, "{shown} for no administrator");
    for record in &records {
        assert!(login.sees(town.company(record)), "{shown} of another company");
        told_truly(town, kind, record);
    }
    for record in records.iter().filter(|_| changed) {
        let (company, text) = (town.company(record), &record["apikey"]);
        match town.keys.iter_mut().find(|(_, known, _)| known == text) {
            Some((.., is_over)) => *is_over |= request.method == "DELETE",
            None => town.keys.push((company, text.clone(), false)),
        }
    }
}

/// A key's record says what is stored, however it is written.
fn told_truly(town: &Town, kind: &str, record: &Record) {
    let text = UncheckedKey::new(record["apikey"].clone());
    let command = ShowKey(KeyRef::Text { keyspace: Keyspace::BOKAMERA, text });
    let key = town.world.service.run(&Caller::operator(), command).unwrap();
    let held = |text: &str| match kind {
        "application/xml" => records::fit_for_xml(text),
        "text/csv" if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        _ => text.to_owned(),
    };
    let told = |field: &str| record.get(field).map_or("", String::as_str);
    assert_eq!(told("notes"), held(key.comment.as_str()));
    assert_eq!(told("contactemail"), held(key.contact.as_ref().map_or("", |contact| contact.as_str())));
    assert_eq!(told("allowedipaddresses"), key.allowlist.to_string());
}

/// A GUID without what may stand around and between its digits.
fn digits(guid: &[u8]) -> Vec<u8> {
    guid.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
}

fn tries_a_password(request: &RawRequest) -> bool {
    let basic = request.headers.iter().filter(|(name, _)| name == "authorization").any(|(_, value)| {
        let (scheme, rest) = value.split_at(value.len().min(6));
        scheme.eq_ignore_ascii_case(b"basic ") && BASE64.decode(rest.trim_ascii()).is_ok()
    });
    let fields = [request.query.as_bytes(), request.body.bytes()].concat().to_ascii_lowercase();
    let spells = |what: &str| fields.windows(what.len()).any(|part| part == what.as_bytes());
    let named = ["password", "%", "\\u", "&#"].iter().any(|what| spells(what));
    basic || (named && request.path.to_ascii_lowercase().contains("authenticate"))
}
