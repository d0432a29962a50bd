//! Pages as whoever sends requests sees them: whose they are, and what forged forms do.

use super::*;
use crate::command::{AddCompany, Caller, CreateKey, ListEvents};
use crate::engine::{Engine, EventFilter, NewCompany, NewKey, NewKind, NewUser, Parts};
use crate::entropy::OsEntropy;
use crate::http::{Body, Entrance};
use crate::key::{Actor, KeyId, Keyspace, Level, Password, PepperRing, Role, UserId};
use crate::store::MemoryStore;

const SITE: &str = "https://keys.example.org";

struct World {
    console: Console,
    service: Service,
    admin: UserId,
    user: UserId,
    bot: UserId,
    key: KeyId,
}

/// Someone's browser: the cookies it has.
#[derive(Clone, Default)]
struct Browser {
    cookies: Vec<(String, String)>,
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str())
    }

    /// The token in the page's forms.
    fn form_token(&self) -> String {
        let rest = self.text.split("name=\"form_token\" value=\"").nth(1).unwrap_or_default();
        rest.chars().take_while(|c| *c != '"').collect()
    }
}

impl World {
    fn new() -> Self {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let person = |name: &str, role| {
            let password = Password::new(b"password").unwrap();
            let new = NewUser::person(name.parse().unwrap(), role, Some(password));
            engine.add_user(Actor::Operator, new).unwrap().id
        };
        let (admin, user) = (person("admin", Role::Administrator), person("flo", Role::User));
        person("ann", Role::User);
        let bot = NewUser {
            kind: NewKind::Bot,
            ..NewUser::person("robot".parse().unwrap(), Role::Administrator, None)
        };
        let bot = engine.add_user(Actor::Operator, bot).unwrap().id;
        let new = NewKey::new(*Keyspace::NATIVE.name(), user, Level::READ);
        let key = engine.create_key(Actor::Operator, new).unwrap().0.id;
        Self {
            console: Console::new(SITE.parse().unwrap()),
            service: Service::new(engine),
            admin,
            user,
            bot,
            key,
        }
    }

    fn send(&self, browser: &mut Browser, method: &str, target: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = [("origin", SITE), ("host", "127.0.0.1:8080")];
        self.send_with(browser, method, target, fields, &origin)
    }

    fn send_with(
        &self,
        browser: &mut Browser,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let encoded = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let cookies: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let form = ("content-type", "application/x-www-form-urlencoded");
        let cookies = cookies.join("; ");
        let all = headers.iter().copied().chain([form, ("cookie", cookies.as_str())]);
        let request = RawRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: all.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect(),
            client: Some("192.0.2.1".parse().unwrap()),
            entrance: Entrance::Network { peer: "192.0.2.1".parse().unwrap() },
            body: Body::Whole(body.join("&").into_bytes()),
        };
        let RawResponse { status, headers, body } = self.console.answer(&self.service, &request);
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.into_owned())).collect();
        for (_, value) in headers.iter().filter(|(name, _)| *name == "set-cookie") {
            let (name, rest) = value.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap().to_owned();
            browser.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                browser.cookies.push((name.to_owned(), value));
            }
        }
        Answer { status, headers, text: String::from_utf8(body).unwrap() }
    }

    fn get(&self, browser: &mut Browser, target: &str) -> Answer {
        self.send(browser, "GET", target, &[])
    }

    fn try_login(&self, browser: &mut Browser, name: &str, password: &str) -> Answer {
        let token = self.get(browser, "/console/login").form_token();
        let fields = [("form_token", token.as_str()), ("login", name), ("password", password)];
        self.send(browser, "POST", "/console/login", &fields)
    }

    fn login(&self, name: &str) -> Browser {
        let mut browser = Browser::default();
        assert_eq!(self.try_login(&mut browser, name, "password").status, 303);
        browser
    }

    /// Every form there is, filled in so that it would change something.
    fn forms(&self) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
        let Self { admin, user, bot, key, .. } = self;
        let form = |path: &str, fields: &[(&'static str, &'static str)]| {
            (format!("/console/{path}"), fields.to_vec())
        };
        let one = |field| [("do", field), ("sure", "yes")];
        vec![
            form("logout", &[]),
            form("config/users/new", &[("username", "new"), ("role", "user")]),
            form(
                &format!("config/users/{user}"),
                &[
                    ("do", "save"),
                    ("username", "flo"),
                    ("role", "user"),
                    ("status", "active"),
                    ("api_access", "yes"),
                ],
            ),
            form(&format!("config/users/{user}"), &one("remove")),
            form(&format!("config/users/{admin}"), &one("end-sessions")),
            form("bots", &[("name", "New")]),
            form(&format!("bots/{bot}"), &[("do", "save"), ("role", "user")]),
            form(&format!("bots/{bot}"), &one("remove")),
            form(&format!("bots/{bot}/api-key"), &one("generate")),
            form("keys/filebin", &[("do", "create"), ("comment", "new"), ("level", "2")]),
            form("keys/native", &[("do", "create"), ("comment", "new"), ("level", "2")]),
            form(&format!("key/{key}"), &[("do", "save"), ("comment", "new"), ("level", "1")]),
            form(&format!("key/{key}"), &one("suspend")),
            form(&format!("key/{key}"), &[("do", "rotate"), ("grace", "0"), ("sure", "yes")]),
            form(&format!("key/{key}"), &[("do", "revoke"), ("reason", "unspecified"), ("sure", "yes")]),
            form(&format!("key/{key}"), &one("delete")),
        ]
    }

    fn events(&self) -> usize {
        let all = ListEvents { filter: EventFilter::default(), after: 0, limit: 1_000 };
        self.service.run(&Caller::operator(), all).unwrap().0.len()
    }
}

#[test]
fn a_form_without_its_session_s_token_or_from_another_site_changes_nothing() {
    let world = World::new();
    let mut admin = world.login("admin");
    let own = world.get(&mut admin, "/console/try").form_token();
    let other = world.get(&mut world.login("ann"), "/console/try").form_token();
    assert_eq!(own.len(), 64);
    let here = ("origin", SITE);
    let forged: [(&str, Vec<(&str, &str)>); 12] = [
        ("", vec![here]),
        (&other, vec![here]),
        (&own.to_uppercase(), vec![here]),
        (&own, vec![("origin", "https://evil.example")]),
        (&own, vec![("origin", "null"), ("host", "")]),
        (&own, vec![]),
        (&own, vec![("host", "127.0.0.1:8080"), ("referer", "https://evil.example/console/try")]),
        (&own, vec![("host", "127.0.0.1:8080"), ("referer", "127.0.0.1:8080/console/try")]),
        (&own, vec![("host", ""), ("referer", "http:///console/try")]),
        (&own, vec![("origin", "https://evil.example"), ("referer", SITE)]),
        (&own, vec![here, ("sec-fetch-site", "cross-site")]),
        (&own, vec![here, ("sec-fetch-site", "same-site")]),
    ];
    let before = world.events();
    for (path, fields) in world.forms() {
        for (token, headers) in &forged {
            let fields: Vec<_> = [("form_token", *token)].into_iter().chain(fields.iter().copied()).collect();
            let answer = world.send_with(&mut admin.clone(), "POST", &path, &fields, headers);
            assert_eq!(answer.status, 403, "{path} {headers:?}");
        }
    }
    assert_eq!(world.events(), before);
    assert_eq!(world.get(&mut admin, "/console").status, 200, "still logged in");
}

/// Browsers that send neither `Origin` nor `Sec-Fetch-Site` say where the form was by its address.
#[test]
fn a_form_whose_referer_is_a_page_of_this_site_is_taken() {
    let address = format!("{SITE}/console/bots?q=");
    for headers in [
        [("referer", address.as_str()), ("host", "")],
        [("referer", "http://127.0.0.1:8080/console/bots"), ("host", "127.0.0.1:8080")],
        [("referer", SITE), ("host", "")],
    ] {
        let world = World::new();
        let mut admin = world.login("admin");
        let token = world.get(&mut admin, "/console/bots").form_token();
        let fields = [("form_token", token.as_str()), ("name", "New")];
        let answer = world.send_with(&mut admin, "POST", "/console/bots", &fields, &headers);
        assert_eq!(answer.status, 303, "{headers:?}");
    }
}

#[test]
fn what_cannot_be_undone_is_asked_about_first() {
    let world = World::new();
    let mut admin = world.login("admin");
    let token = world.get(&mut admin, "/console/try").form_token();
    let (bot, key) = (format!("bots/{}/api-key", world.bot), format!("key/{}", world.key));
    let send = |admin: &mut Browser, path: &str, fields: &[(&str, &str)]| {
        let all: Vec<_> =
            [("form_token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        world.send(admin, "POST", &format!("/console/{path}"), &all)
    };
    assert_eq!(send(&mut admin, &bot, &[("do", "generate")]).status, 200);
    let id = world.key.to_string();
    let list = format!("keys/native?owner={}", world.user);
    for (path, fields) in [
        (&key, &[("do", "rotate"), ("grace", "0")][..]),
        (&key, &[("do", "revoke"), ("reason", "superseded")]),
        (&bot, &[("do", "regenerate")]),
        (&bot, &[("do", "clear")]),
        (&list, &[("do", "delete"), ("key", &id), ("shown", "the key that begins with kw_x")]),
    ] {
        let before = world.events();
        let asked = send(&mut admin, path, fields);
        assert_eq!((asked.status, world.events()), (200, before), "{path} {fields:?}");
        // The page has all that it takes to go on.
        for (name, value) in fields.iter().filter(|(name, _)| *name != "shown") {
            let kept = format!("name=\"{name}\" value=\"{value}\"");
            assert!(asked.text.contains(&kept), "{kept} in {}", asked.text);
        }
        assert!(
            asked.text.contains(r#"name="sure" value="yes""#) && asked.text.contains("Cancel"),
            "{}",
            asked.text
        );
    }
    let graceful = send(&mut admin, &key, &[("do", "rotate"), ("grace", "24")]);
    assert!(graceful.text.contains("Copy the key now"), "the old one goes on: {}", graceful.text);
}

#[test]
fn a_company_s_account_is_no_bot_and_keys_of_every_keyspace_are_counted() {
    let world = World::new();
    let mut admin = world.login("admin");
    let company = NewCompany { id: None, name: "Acme".parse().unwrap() };
    let company = world.service.run(&Caller::operator(), AddCompany(company)).unwrap();
    let bots = world.get(&mut admin, "/console/bots").text;
    assert!(!bots.contains("Acme") && bots.contains("1 entry"), "{bots}");
    assert_eq!(world.get(&mut admin, &format!("/console/bots/{}", company.account)).status, 404);
    assert!(world.get(&mut admin, "/console").text.contains("Bots: 1."));
    for keyspace in [Keyspace::NATIVE, Keyspace::FILEBIN] {
        let new = NewKey::new(*keyspace.name(), world.bot, Level::READ);
        world.service.run(&Caller::operator(), CreateKey(new)).unwrap();
    }
    let users = world.get(&mut admin, "/console/config/users").text;
    assert!(users.contains(&format!("/console/keys/native?owner={}\">2</a>", world.bot)), "{users}");
    assert!(users.contains("(account of its company)"), "{users}");
    let tab = world.get(&mut admin, &format!("/console/bots/{}/api-key", world.bot)).text;
    assert!(tab.contains("no QReserve API key") && tab.contains("filebin</a> (1)"), "{tab}");
    // A second bot of the same name is refused beside the field.
    let token = world.get(&mut admin, "/console/bots").form_token();
    for status in [303, 409] {
        let fields = [("form_token", token.as_str()), ("name", "Lab")];
        let answer = world.send(&mut admin, "POST", "/console/bots", &fields);
        assert_eq!(answer.status, status);
        assert_eq!(answer.text.contains("name-problem"), status == 409, "{}", answer.text);
    }
}

#[test]
fn each_of_these_forms_changes_something_when_it_is_the_session_s_own() {
    let count = World::new().forms().len();
    for at in 0..count {
        let world = World::new();
        let mut admin = world.login("admin");
        let token = world.get(&mut admin, "/console/try").form_token();
        let (path, fields) = world.forms().swap_remove(at);
        let fields: Vec<_> = [("form_token", token.as_str())].into_iter().chain(fields).collect();
        let before = world.events();
        let answer = world.send(&mut admin, "POST", &path, &fields);
        assert!([200, 303].contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
        let ends_session = path.ends_with("logout") || fields.contains(&("do", "end-sessions"));
        let logged_in = world.get(&mut admin, "/console").status == 200;
        assert_eq!((world.events() > before, logged_in), (!ends_session, !ends_session), "{path} {fields:?}");
    }
}

#[test]
fn nobody_sees_or_changes_what_is_not_theirs() {
    let world = World::new();
    let (mut admin, mut ann) = (world.login("admin"), world.login("ann"));
    let (user, bot, key) = (world.user, world.bot, world.key);
    for (path, of_ann) in [
        ("".to_owned(), 200),
        ("/config".to_owned(), 200),
        ("/config/users".to_owned(), 200),
        ("/config/users/new".to_owned(), 403),
        (format!("/config/users/{user}"), 403),
        ("/config/users/999999".to_owned(), 403),
        ("/bots".to_owned(), 403),
        (format!("/bots/{bot}"), 403),
        (format!("/bots/{bot}/api-key"), 403),
        ("/keys/native".to_owned(), 200),
        (format!("/keys/native?owner={user}"), 403),
        (format!("/key/{key}"), 403),
        ("/key/00000000-0000-4000-8000-000000000000".to_owned(), 403),
        ("/try".to_owned(), 200),
        ("/audit".to_owned(), 403),
    ] {
        let path = format!("/console{path}");
        let nobody = world.get(&mut Browser::default(), &path);
        assert_eq!(nobody.status, 303, "{path}");
        assert!(nobody.header("location").unwrap().starts_with("/console/login"), "{path}");
        assert_eq!(world.get(&mut ann, &path).status, of_ann, "{path}");
        let gone = path.contains("999999") || path.contains("/00000000");
        assert_eq!(world.get(&mut admin, &path).status, if gone { 403 } else { 200 }, "{path}");
    }
    let token = world.get(&mut ann, "/console/try").form_token();
    let before = world.events();
    for (path, fields) in world.forms() {
        let own = path.contains("/keys/") || path.ends_with("logout");
        let fields: Vec<_> = [("form_token", token.as_str())].into_iter().chain(fields).collect();
        if !own {
            assert_eq!(world.send(&mut ann, "POST", &path, &fields).status, 403, "{path} {fields:?}");
        }
    }
    assert_eq!(world.events(), before);
}

#[test]
fn every_answer_tells_the_browser_what_not_to_do() {
    let world = World::new();
    let mut admin = world.login("admin");
    let mut paths: Vec<_> =
        ["", "/try", "/nowhere", "/login", "/assets/console.css", "/assets/icon.svg"].to_vec();
    paths.extend(["/config/users", "/keys/filebin", "/logout", "/assets/none"]);
    for path in paths {
        let answer = world.get(&mut admin, &format!("/console{path}"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        let is_asset = path.starts_with("/assets/") && answer.status == 200;
        assert_eq!(answer.header("cache-control") == Some("no-store"), !is_asset, "{path}");
        assert!(!answer.text.contains("style=") && !answer.text.contains("onclick"), "{path}");
    }
    let style = assets::STYLE.address();
    let kept = world.get(&mut admin, &style);
    assert!(kept.header("cache-control").unwrap().contains("immutable"), "{style}");
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(world.send(&mut admin, method, "/console/try", &[]).status, 405);
    }
    assert_eq!(world.send(&mut admin, "HEAD", "/console", &[]).status, 200);
}

#[test]
fn a_session_s_cookie_is_the_browser_s_alone_and_new_after_each_login() {
    let world = World::new();
    let mut browser = Browser::default();
    let wrong = world.try_login(&mut browser, "admin", "wrong");
    let unknown = world.try_login(&mut Browser::default(), "nobody", "wrong");
    let bot = world.try_login(&mut Browser::default(), "robot", "");
    assert_eq!((wrong.status, unknown.status, bot.status), (400, 400, 400));
    let said = |answer: &Answer| answer.text.contains("The user name or the password is wrong.");
    assert!(said(&wrong) && said(&unknown) && said(&bot));
    let first = world.try_login(&mut browser, "admin", "password");
    let cookie = first.header("set-cookie").unwrap();
    for part in ["keyward_session=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/console"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let session =
        |browser: &Browser| browser.cookies.iter().find(|(name, _)| name == "keyward_session").cloned();
    let before = session(&browser);
    assert_eq!(world.try_login(&mut browser, "admin", "password").status, 303);
    assert_ne!(session(&browser), before, "rotated at login");
    let plain = [("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")];
    let token = world.get(&mut browser, "/console/login").form_token();
    let fields = [("form_token", token.as_str()), ("login", "admin"), ("password", "password")];
    let answer = world.send_with(&mut browser, "POST", "/console/login", &fields, &plain);
    assert_eq!(answer.status, 303);
    assert!(!answer.header("set-cookie").unwrap().contains("Secure"), "there is no TLS to wait for");
}

#[test]
fn guessing_has_to_wait_and_the_form_says_how_long() {
    let world = World::new();
    let mut browser = Browser::default();
    let answers: Vec<_> = (0..8).map(|_| world.try_login(&mut browser, "flo", "guess")).collect();
    assert_eq!(answers.iter().filter(|answer| answer.status == 400).count(), 5);
    let last = answers.last().unwrap();
    assert_eq!((last.status, last.header("retry-after")), (503, Some("1")));
    assert!(last.text.contains("Try again in 1 seconds"));
    world.login("ann");
}

#[test]
fn after_logging_in_one_comes_back_to_a_page_of_ours_and_to_no_other() {
    let world = World::new();
    let asked = world.get(&mut Browser::default(), "/console/config/users");
    assert_eq!(asked.header("location"), Some("/console/login?to=/console/config/users"));
    for (to, leads_to) in [
        ("/console/config/users", "/console/config/users"),
        ("https://evil.example", "/console"),
        ("//evil.example", "/console"),
        ("/console%0d%0aset-cookie:x=y", "/console"),
        ("/console@evil.example", "/console"),
    ] {
        let mut browser = Browser::default();
        let token = world.get(&mut browser, "/console/login").form_token();
        let fields = [("form_token", token.as_str()), ("login", "flo"), ("password", "password")];
        let answer = world.send(&mut browser, "POST", &format!("/console/login?to={to}"), &fields);
        assert_eq!(answer.header("location"), Some(leads_to), "{to}");
    }
}

#[test]
fn a_new_password_keeps_the_person_in_and_everyone_else_out() {
    let world = World::new();
    let (mut here, mut elsewhere) = (world.login("flo"), world.login("flo"));
    let path = format!("/console/config/users/{}", world.user);
    let token = world.get(&mut here, &path).form_token();
    let change = |here: &mut Browser, current| {
        let fields = [
            ("form_token", token.as_str()),
            ("do", "save"),
            ("current_password", current),
            ("password", "new one!"),
            ("password_again", "new one!"),
        ];
        world.send(here, "POST", &path, &fields)
    };
    assert_eq!(change(&mut here, "wrong").status, 400);
    assert_eq!(world.get(&mut elsewhere, "/console").status, 200);
    assert_eq!(change(&mut here, "password").status, 303);
    assert_eq!(world.get(&mut here, "/console").status, 200);
    assert_eq!(world.get(&mut elsewhere, "/console").status, 303);
}

#[test]
fn only_a_browser_that_goes_to_the_root_is_the_console_s() {
    let console = Console::new(SITE.parse().unwrap());
    let passes = |method: &str, path: &str, fields: &[(&str, &str)]| {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        console.passes(&Head {
            method,
            path,
            query: "",
            client: None,
            entrance: Entrance::Local,
            fields: &fields,
        })
    };
    let page = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    assert!(!passes("GET", "/", &[page]) && !passes("HEAD", "/", &[page]));
    assert!(passes("GET", "/", &[("accept", "*/*")]) && passes("GET", "/", &[]));
    assert!(passes("GET", "/", &[page, ("authorization", "QR-1")]) && passes("POST", "/", &[page]));
    assert!(!passes("POST", "/console/login", &[]));
}

#[test]
fn what_is_chosen_stays_even_if_it_is_not_offered() {
    let options = [("a".to_owned(), "A".to_owned())];
    let select = |chosen| {
        parts::field::FieldOf::new("company", "Company", None).select(&options, chosen).into_string()
    };
    assert!(select("a").contains("<option value=\"a\" selected>A") && !select("a").contains("value=\"b\""));
    assert!(select("b").contains("<option value=\"b\" selected>b") && select("b").contains(">A</option>"));
}

#[test]
fn a_refused_form_of_a_user_changes_nothing_of_what_it_says() {
    let world = World::new();
    let mut admin = world.login("admin");
    let token = world.get(&mut admin, "/console/try").form_token();
    let before = world.events();
    for (id, more) in [
        (world.bot, vec![("password", "secret"), ("password_again", "secret")]),
        (world.user, vec![("pending", "yes"), ("api_access", "yes")]),
    ] {
        let fields = [("form_token", token.as_str()), ("do", "save"), ("username", "renamed")];
        let fields = fields.into_iter().chain([("role", "user"), ("status", "active")]).chain(more);
        let fields: Vec<_> = fields.collect();
        let answer = world.send(&mut admin, "POST", &format!("/console/config/users/{id}"), &fields);
        assert!(answer.status >= 400, "{}", answer.status);
    }
    assert_eq!(world.events(), before);
}

#[test]
fn below_a_path_every_link_redirect_and_cookie_is_below_it_whether_a_proxy_takes_it_away_or_not() {
    let world = World { console: Console::new(format!("{SITE}/keys").parse().unwrap()), ..World::new() };
    for before in ["/keys", ""] {
        let mut browser = Browser::default();
        let token = world.get(&mut browser, &format!("{before}/console/login")).form_token();
        let fields = [("form_token", token.as_str()), ("login", "admin"), ("password", "password")];
        let login =
            world.send(&mut browser, "POST", &format!("{before}/console/login?to=/console/bots"), &fields);
        assert_eq!((login.status, login.header("location")), (303, Some("/keys/console/bots")));
        assert!(login.header("set-cookie").unwrap().contains("Path=/keys/console"), "{before}");
        for page in ["/console", "/console/config/users", "/console/audit", "/console/keys/native"] {
            let page = world.get(&mut browser, &format!("{before}{page}"));
            assert_eq!(page.status, 200);
            for start in ["href=\"", "src=\"", "action=\""] {
                let stray = page
                    .text
                    .split(start)
                    .skip(1)
                    .find(|to| to.starts_with('/') && !to.starts_with("/keys/console"));
                assert_eq!(stray.map(|rest| rest.get(..20)), None);
            }
        }
        let root = world.get(&mut browser, &format!("{before}/"));
        assert_eq!(root.header("location"), Some("/keys/console"));
        let outside = world.get(&mut Browser::default(), &format!("{before}/console/bots"));
        assert_eq!(outside.header("location"), Some("/keys/console/login?to=/console/bots"));
    }
}
