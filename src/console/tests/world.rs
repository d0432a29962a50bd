//! A console with some users, a bot and a key, and browsers that use it.

use crate::command::{Caller, ListEvents, Service};
use crate::console::Console;
use crate::engine::{Engine, EventFilter, NewKey, NewKind, NewUser, Parts};
use crate::entropy::OsEntropy;
use crate::http::{Body, Entrance, RawRequest, RawResponse};
use crate::key::{Actor, KeyId, Keyspace, Level, Password, PepperRing, Role, UserId};
use crate::store::MemoryStore;

pub(super) const SITE: &str = "https://keys.example.org";

pub(super) struct World {
    pub(super) console: Console,
    pub(super) service: Service,
    pub(super) admin: UserId,
    pub(super) user: UserId,
    pub(super) bot: UserId,
    pub(super) key: KeyId,
}

/// Someone's browser: the cookies it has.
#[derive(Clone, Default)]
pub(super) struct Browser {
    pub(super) cookies: Vec<(String, String)>,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str())
    }

    /// The token in the page's forms.
    pub(super) fn form_token(&self) -> String {
        let rest = self.text.split("name=\"form_token\" value=\"").nth(1).unwrap_or_default();
        rest.chars().take_while(|c| *c != '"').collect()
    }
}

impl World {
    pub(super) fn new() -> Self {
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

    pub(super) fn send(
        &self,
        browser: &mut Browser,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let origin = [("origin", SITE), ("host", "127.0.0.1:8080")];
        self.send_with(browser, method, target, fields, &origin)
    }

    pub(super) fn send_with(
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

    pub(super) fn get(&self, browser: &mut Browser, target: &str) -> Answer {
        self.send(browser, "GET", target, &[])
    }

    pub(super) fn try_login(&self, browser: &mut Browser, name: &str, password: &str) -> Answer {
        let token = self.get(browser, "/console/login").form_token();
        let fields = [("form_token", token.as_str()), ("login", name), ("password", password)];
        self.send(browser, "POST", "/console/login", &fields)
    }

    pub(super) fn login(&self, name: &str) -> Browser {
        let mut browser = Browser::default();
        assert_eq!(self.try_login(&mut browser, name, "password").status, 303);
        browser
    }

    /// Every form there is, filled in so that it would change something.
    pub(super) fn forms(&self) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
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

    pub(super) fn events(&self) -> usize {
        let all = ListEvents { filter: EventFilter::default(), after: 0, limit: 1_000 };
        self.service.run(&Caller::operator(), all).unwrap().0.len()
    }
}
