//! The web console: whatever is sent gets a page or the way to one, only who has a session gets anything, and changes
//! nothing but by a form of that session; what people wrote never becomes markup, and no user sees the keys of another.

use std::cell::RefCell;

use keyward::command::{Caller, ListKeys, SessionToken, UserRef};
use keyward::console::Console;
use keyward::engine::UserChange;
use keyward::http::{Field, Form, RawRequest, RawResponse};
use keyward::key::{Actor, Comment, DisplayName, Keyspace, Role, UserId};

use super::markup;
use super::requests::{self, Said, header};
use super::world::World;

const SITE: &str = "https://keys.example.org";
const STATUSES: [u16; 8] = [200, 303, 400, 403, 404, 405, 409, 413];
/// What a page has about itself, beside `cache-control`.
const HARDENED: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];
/// Names that users tried to have.
const HOSTILE: &str = r#""><script>alert(1)</script><b title='&lt;"#;

thread_local! {
    /// Made anew after every input that changed it, or whose forms were taken.
    static TOWN: RefCell<Town> = RefCell::new(Town::new());
}

/// A world, the person at the browser, and who may see which key.
struct Town {
    world: World,
    /// Values that requests name literally.
    names: Vec<(String, String)>,
    sessions: Vec<Session>,
    /// Every key's text, and by whom it may be seen.
    texts: Vec<(String, Vec<UserId>)>,
}

struct Session {
    token: SessionToken,
    user: UserId,
}

impl Town {
    fn new() -> Self {
        let mut world = World::new("filebin", &[("key", "test", 4), ("foreign", "other", 4)]);
        let (admin, bot) = (world.person("admin", Role::Administrator), world.person("bot", Role::User));
        let (test, other) = (world.person("test", Role::User), world.person("other", Role::User));
        let named = UserChange {
            display_name: Some(HOSTILE.parse::<DisplayName>().unwrap()).into(),
            api_access: Some(true),
            ..UserChange::default()
        };
        world.engine.update_user(Actor::Operator, other, named).unwrap();
        let mut native = World::key("native", test, 4);
        native.comment = HOSTILE.parse::<Comment>().unwrap();
        world.issue("native", native);
        world.issue("bots", World::key("qreserve", bot, 8));
        // Of a key that came with access.
        let came = ListKeys {
            owner: UserRef::Id(other),
            keyspace: Some(*Keyspace::TELVUE.name()),
            after: None,
            limit: None,
            texts: true,
        };
        let page = world.service.run(&Caller::operator(), came).unwrap();
        let (access, text) = page.keys.into_iter().next().unwrap();
        world.keys.push(("access", access.id, text.unwrap().reveal().to_string()));
        let viewers = [vec![test], vec![other], vec![], vec![], vec![other, admin]];
        let texts = world.keys.iter().zip(viewers).map(|((_, _, text), seen)| (text.clone(), seen)).collect();
        let mut names = Vec::new();
        for (name, id, text) in &world.keys {
            names.extend([((*name).to_owned(), text.clone()), (format!("{name}_id"), id.to_string())]);
        }
        for (name, id) in &world.people {
            names.push((format!("{name}_id"), id.to_string()));
        }
        let mut sessions = Vec::new();
        for person in ["test", "other", "admin"] {
            let caller = world.login(person);
            let token = world.service.authenticator().begin_session(&caller).unwrap();
            names.push((person.to_owned(), format!("keyward_session={}", token.reveal())));
            names.push((format!("{person}_form"), token.form_token().as_str().to_owned()));
            let user = caller.id().unwrap();
            sessions.push(Session { token, user });
        }
        let visitor = SessionToken::received("visitor");
        names.push(("visitor_form".to_owned(), visitor.form_token().as_str().to_owned()));
        Self { world, names, sessions, texts }
    }

    /// The session that the first of the request's cookies of that name is of.
    fn session(&self, request: &RawRequest) -> Option<&Session> {
        let sent = request.headers.iter().filter(|(name, _)| name == "cookie");
        let sent = sent.filter_map(|(_, value)| std::str::from_utf8(value).ok());
        let mut cookies = sent.flat_map(|text| text.split(';')).filter_map(|cookie| cookie.split_once('='));
        let (_, token) = cookies.find(|(name, _)| name.trim() == "keyward_session")?;
        self.sessions.iter().find(|session| session.token.reveal() == token.trim())
    }
}

/// Answers the requests, as `requests` reads them.
pub fn run(bytes: &[u8]) {
    TOWN.with_borrow_mut(|town| {
        let before = town.world.revision();
        let names: Vec<_> = town.names.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let (mut said, mut acted) = (Said::default(), false);
        for request in requests::requests(bytes, &names) {
            said.hear(&request);
            acted |= answer(town, &request, &said);
        }
        if acted || town.world.revision() != before {
            *town = Town::new();
        }
    });
}

/// Answers one request; whether its form was taken.
fn answer(town: &mut Town, request: &RawRequest, said: &Said) -> bool {
    let console = Console::new(SITE.parse().unwrap());
    let form = Form::read(request);
    if !console.claims(&request.path) || tries_a_password(request, &form) {
        // A password costs as much as hundreds of other requests, and no user here has one.
        return false;
    }
    let before = town.world.revision();
    let response = console.answer(&town.world.service, request);
    let changed = town.world.changed_since(before);
    assert!(STATUSES.contains(&response.status), "{response:?}");
    for (name, value) in HARDENED {
        assert_eq!(header(&response, name), Some(value));
    }
    assert!(header(&response, "content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert_eq!(header(&response, "allow").is_some(), response.status == 405);
    if let Some(cookie) = header(&response, "set-cookie") {
        assert!(
            ["; HttpOnly", "; SameSite=Lax", "; Path=/console"].iter().all(|part| cookie.contains(part)),
            "{cookie}"
        );
    }
    let session = town.session(request);
    let token = session.map(|session| session.token.form_token());
    let sent = match (form.field("form_token"), &token) {
        (Some(Field::Text(sent)), Some(token)) => token.is(sent),
        _ => false,
    };
    let acts = request.method == "POST" && sent && comes_from_here(request);
    assert!(acts || !changed, "a change without a form of the session: {response:?}");
    let kind = header(&response, "content-type").unwrap();
    if kind != "text/html; charset=utf-8" {
        assert!(request.path.starts_with("/console/assets/") && response.status == 200, "{kind}");
        return false;
    }
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    if response.status == 303 {
        let to = header(&response, "location").unwrap();
        assert!(to.starts_with("/console") && to.bytes().all(|byte| byte.is_ascii_graphic()), "{to}");
        let ended = to == "/console/login?done=logged-out";
        town.sessions.retain(|other| !ended || Some(other.token.form_token()) != token);
        assert!(response.body.is_empty());
        return acts;
    }
    let page = shown(&response, session, &town.texts, said);
    let outside = ["/console/login", "/console/setup"].contains(&request.path.as_str());
    assert!(session.is_some() || outside || response.status >= 400, "a page for nobody: {response:?}");
    for (id, text) in page.texts {
        if ["new-key", "proposed-key"].contains(&id.as_str()) {
            assert!(acts, "a key is issued without a form");
            town.texts.retain(|(known, _)| *known != text);
            // One that was proposed is its owner's when it is adopted, and the administrators'.
            let seen = if id == "new-key" {
                vec![]
            } else {
                town.sessions.iter().map(|session| session.user).collect()
            };
            town.texts.push((text, seen));
        }
    }
    acts
}

/// The page, in which no text of a user is markup, and no key is one that is not this person's to see.
fn shown(
    response: &RawResponse,
    session: Option<&Session>,
    texts: &[(String, Vec<UserId>)],
    said: &Said,
) -> markup::Page {
    let html = std::str::from_utf8(&response.body).unwrap();
    for (text, seen) in texts {
        let may = session.is_some_and(|session| seen.contains(&session.user));
        assert!(may || !html.contains(text) || said.contains(text), "a key is shown in {html}");
    }
    markup::read(html)
}

/// What a browser says of a page of this site.
fn comes_from_here(request: &RawRequest) -> bool {
    let sent = |field: &str| {
        let (_, value) = request.headers.iter().find(|(name, _)| name == field)?;
        Some(String::from_utf8_lossy(value).to_lowercase())
    };
    match (sent("sec-fetch-site"), sent("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            origin == SITE
                || origin.split_once("://").is_some_and(|(_, host)| sent("host").as_deref() == Some(host))
        }
        (None, None) => false,
    }
}

fn tries_a_password(request: &RawRequest, form: &Form) -> bool {
    let text = |name: &str| match form.field(name) {
        Some(Field::Text(text)) => text.to_vec(),
        _ => Vec::new(),
    };
    let (password, again) = (text("password"), text("password_again"));
    let logs_in = request.path.starts_with("/console/login");
    !password.is_empty() && (logs_in || password == again)
}
