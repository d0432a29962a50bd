//! Requests: documented ones, filled in with what is known of the world, and changed here and there.

use keyward::http::{Body as RawBody, Entrance, RawRequest};
use keyward::key::{Keyspace, UserId};
use serde_json::{Map, Value as Json, json};

use crate::documented::{Api, Body, Operation};
use crate::seeded_choice::Chance;
use crate::values::{Value, plain};
use crate::world::{SITE, World};

/// A request, and whose credentials are on it.
pub(crate) struct Asked {
    pub(crate) request: RawRequest,
    /// `None` where no user's are good for this API.
    pub(crate) caller: Option<UserId>,
}

/// Where keys are used from, as their allowlists have it.
const CLIENT: [u8; 4] = [192, 0, 2, 7];
/// Every so many a value is odd, or something else is changed.
const ODD: usize = 9;

struct Draft<'a> {
    world: &'a World,
    chance: &'a mut Chance,
    api: Api,
    headers: Vec<(String, Vec<u8>)>,
    caller: Option<UserId>,
    /// The number of the user in the path.
    about: Option<u64>,
    form_token: Option<String>,
    /// The keyspace of the key that proves who asks.
    space: Option<Keyspace>,
    /// The bot that the path is about, where it is about one.
    bot: (UserId, String),
}

/// A request that asks for an operation, more or less.
pub(crate) fn request(world: &World, operation: &Operation, chance: &mut Chance) -> Asked {
    let (api, headers, bot) = (operation.api, Vec::new(), world.bot(chance));
    let mut draft =
        Draft { world, chance, api, headers, caller: None, about: None, form_token: None, space: None, bot };
    let (method, path) = operation.what.split_once(' ').unwrap();
    draft.prove();
    let path = draft.path(path.split('#').next().unwrap());
    let mut fields = draft.fields(operation.fields);
    if api == Api::Console && method == "POST" {
        draft.add_form_token(&mut fields);
    }
    let (query, body) = draft.written(operation.body, fields);
    let method = if draft.chance.once_in(40) {
        (*draft.chance.of_these(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", ""]))
            .to_owned()
    } else {
        method.to_owned()
    };
    let guesses = operation.fields.iter().any(|(_, value)| *value == Value::Password);
    let client = draft.client(guesses);
    let Draft { headers, caller, .. } = draft;
    let entrance = Entrance::Network { peer: client.into() };
    let client = Some(client.into());
    Asked { request: RawRequest { method, path, query, headers, client, entrance, body }, caller }
}

impl Draft<'_> {
    fn odd(&mut self) -> bool {
        self.chance.once_in(ODD)
    }

    /// Passwords are tried from many addresses: else the first few would keep all others out.
    fn client(&mut self, guesses: bool) -> [u8; 4] {
        if guesses || self.chance.once_in(20) {
            let [a, b, c, ..] = self.chance.next().to_be_bytes();
            [10, a, b, c]
        } else {
            CLIENT
        }
    }

    fn keyspace(&self) -> Keyspace {
        match self.api {
            Api::Filebin => Keyspace::FILEBIN,
            Api::FreeSewing => Keyspace::FREESEWING,
            Api::QReserve => Keyspace::QRESERVE,
            Api::TelVue => Keyspace::TELVUE,
            Api::BokaMera => Keyspace::BOKAMERA,
            Api::Native | Api::Operator | Api::Gateway | Api::Console => Keyspace::NATIVE,
        }
    }

    fn path(&mut self, template: &str) -> String {
        let mut path = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap();
            path += before;
            path += &self.named(name);
            rest = after;
        }
        path += rest;
        match self.chance.below(80) {
            0 => path.push('/'),
            1 => path = path.to_uppercase(),
            2 => path = path.replace('/', "//"),
            3 => path.push_str("/x"),
            _ => {}
        }
        path
    }

    fn named(&mut self, name: &str) -> String {
        if self.chance.once_in(25) {
            return (*self.chance.of_these(&["", "x", "%00", "..", "-1", "99999999999999999999", "%F0%9F"]))
                .to_owned();
        }
        let (world, chance) = (self.world, &mut *self.chance);
        match name {
            "key" if self.api == Api::FreeSewing && !chance.once_in(3) => world
                .key_of(self.caller, Keyspace::FREESEWING, chance)
                .unwrap_or_else(|| world.key_id(chance)),
            "key" => world.key_id(chance),
            "deleted" => match chance.recent(&world.deleted) {
                Some(id) if !chance.once_in(4) => id.to_string(),
                _ => world.key_id(chance),
            },
            "username" => world.username(chance),
            "user_id" => {
                let id = world.user_id(chance);
                self.about = Some(id);
                id.to_string()
            }
            "bot" => self.bot.0.to_string(),
            "site" => match chance.below(5) {
                0 => "main".to_owned(),
                1 => world.company(chance),
                _ => self.bot.1.clone(),
            },
            "company" => world.company(chance),
            "guid" => world.company_key(chance),
            "space" if self.api == Api::Gateway && !chance.once_in(3) => {
                self.space.unwrap_or(Keyspace::NATIVE).name().to_string()
            }
            "space" => (*chance.of_these(&crate::world::SPACES)).to_owned(),
            "number" => chance.below(100).to_string(),
            other => panic!("{other}"),
        }
    }

    fn header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Puts credentials on the request: a user's, too weak ones, wrong ones, or none.
    fn prove(&mut self) {
        match self.api {
            Api::Operator | Api::Filebin | Api::TelVue => {}
            Api::Console => self.prove_by_session(),
            Api::BokaMera => {
                self.prove_by_token();
                let key = self.world.company_key(self.chance);
                self.header("x-api-key", key);
            }
            Api::FreeSewing if self.chance.once_in(2) => self.prove_by_token(),
            Api::FreeSewing | Api::QReserve | Api::Native | Api::Gateway => self.prove_by_key(),
        }
    }

    fn key(&mut self) -> String {
        let any = self.api == Api::Gateway || self.odd();
        let space = if any { None } else { Some(self.keyspace()) };
        let strong = self.chance.once_in(2).then(|| self.world.strong(space, self.chance)).flatten();
        let known = strong.or_else(|| self.world.known(space, self.chance));
        let Some(known) = known else { return String::new() };
        let (text, owner) = (known.text.clone(), known.owner);
        (self.caller, self.space) = (Some(owner), Some(known.keyspace));
        match self.chance.below(40) {
            0 => text.to_uppercase(),
            1 => text.chars().rev().collect(),
            2 => format!("{text} "),
            3 => String::new(),
            _ => text,
        }
    }

    fn prove_by_key(&mut self) {
        let key = self.key();
        if matches!(self.api, Api::Gateway | Api::Native) && !self.chance.once_in(6) {
            let service = self.world.strong(Some(Keyspace::NATIVE), self.chance);
            self.header("x-service-key", service.map_or_else(String::new, |known| known.text.clone()));
        }
        let value = match (self.api, self.chance.below(20)) {
            (_, 0) => return,
            (_, 1) => "Bearer".to_owned(),
            (_, 2) => format!("Digest {key}"),
            (_, 3) => format!("Basic {key}"),
            (Api::FreeSewing, _) => format!("Basic {}", base64(key.as_bytes())),
            (Api::QReserve, _) => key,
            _ => format!("Bearer {key}"),
        };
        self.header("authorization", value);
    }

    fn prove_by_token(&mut self) {
        let login = self.chance.of_these(&self.world.logins).clone();
        let Some(token) = login.tokens.get(&self.api) else { return };
        self.caller = Some(login.user);
        let value = match self.chance.below(24) {
            0 => return,
            1 => format!("Bearer {}", token.to_uppercase()),
            2 => format!("Bearer {token}x"),
            3 => "Basic !".to_owned(),
            4 => "Bearer".to_owned(),
            _ => format!("Bearer {token}"),
        };
        self.header("authorization", value);
    }

    fn prove_by_session(&mut self) {
        let logins = &self.world.logins;
        let login = if self.chance.once_in(2) { &logins[0] } else { self.chance.of_these(logins) };
        let Some((session, form_token)) = login.session.clone() else { return };
        self.caller = Some(login.user);
        self.form_token = Some(form_token.clone());
        let cookie = match self.chance.below(24) {
            0 => return,
            1 => format!("keyward_session={session}x"),
            _ => format!("keyward_session={session}; keyward_visit={session}"),
        };
        self.header("cookie", cookie);
        match self.chance.below(24) {
            0 => {}
            1 => self.header("origin", "https://evil.example"),
            _ => self.header("origin", SITE),
        }
        if self.chance.once_in(24) {
            self.header("sec-fetch-site", "cross-site");
        }
    }

    fn add_form_token(&mut self, fields: &mut Map<String, Json>) {
        let token = match self.chance.below(24) {
            0 => "0".repeat(64),
            1 => return,
            _ => self.form_token.clone().unwrap_or_default(),
        };
        fields.insert("form_token".to_owned(), json!(token));
    }

    fn fields(&mut self, documented: &[(&str, Value)]) -> Map<String, Json> {
        let mut fields = Map::new();
        let mut password = None;
        let logs_in = documented.iter().any(|(_, kind)| *kind == Value::Password);
        for (name, kind) in documented {
            let optional = name.ends_with('?');
            if optional && !self.chance.once_in(3) || self.chance.once_in(40) {
                continue;
            }
            let value = match kind {
                Value::Proof => json!(self.key()),
                Value::Text => json!(self.own_text()),
                Value::OwnName => self.own_name(),
                Value::Username if logs_in && !self.odd() => json!(self.world.has_password(self.chance)),
                _ if self.chance.once_in(2 * ODD) => kind.odd(self.world, self.chance),
                _ => kind.good(self.world, self.chance),
            };
            // What is typed twice is typed the same, most often.
            let value = match kind {
                Value::Password => password.get_or_insert_with(|| value.clone()).clone(),
                _ => value,
            };
            fields.insert(name.trim_end_matches('?').to_owned(), value);
        }
        if self.chance.once_in(60) {
            fields.insert("unknown".to_owned(), json!(1));
        }
        fields
    }

    /// A key text of the caller's own, most often.
    fn own_text(&mut self) -> String {
        let (space, world) = (self.keyspace(), self.world);
        let own = |known: &&crate::world::Known| Some(known.owner) == self.caller && known.keyspace == space;
        let texts: Vec<_> = world.texts.iter().filter(own).collect();
        match self.chance.recent(&texts) {
            Some(known) if !self.chance.once_in(4) => known.text.clone(),
            _ => world.text(Some(space), self.chance),
        }
    }

    fn own_name(&mut self) -> Json {
        let user = self.about.and_then(|id| self.world.user(UserId(id)));
        match user {
            Some(user) if !self.chance.once_in(4) => json!(user.username.as_str()),
            _ => Value::NewName.good(self.world, self.chance),
        }
    }

    /// The query and the body that have these fields.
    fn written(&mut self, body: Body, fields: Map<String, Json>) -> (String, RawBody) {
        if body == Body::Nothing {
            let query = self.pairs(&fields);
            return (query, RawBody::Whole(Vec::new()));
        }
        let (kind, mut bytes) = match body {
            Body::Form => ("application/x-www-form-urlencoded", self.pairs(&fields).into_bytes()),
            Body::Xml => ("application/xml", xml(&fields).into_bytes()),
            Body::Lines => ("application/x-ndjson", self.lines(&fields).into_bytes()),
            Body::Json | Body::Nothing => ("application/json", Json::Object(fields).to_string().into_bytes()),
        };
        let kind = if self.chance.once_in(40) { "text/plain" } else { kind };
        self.header("content-type", kind);
        match self.chance.below(60) {
            0 => bytes.truncate(bytes.len() / 2),
            1 => bytes.clear(),
            2 => bytes.extend(b"\xff\xfe}"),
            3 => bytes = bytes.repeat(2),
            4 => return (String::new(), RawBody::TooLarge),
            5 => return (String::new(), RawBody::Incomplete),
            _ => {}
        }
        (String::new(), RawBody::Whole(bytes))
    }

    fn lines(&mut self, fields: &Map<String, Json>) -> String {
        let first = Json::Object(fields.clone()).to_string();
        let key = format!("their-key-{:04}", self.chance.below(400));
        let owner = self.world.username(self.chance);
        format!("{first}\n{}\n", json!({ "key": key, "owner": owner }))
    }

    fn pairs(&mut self, fields: &Map<String, Json>) -> String {
        let mut pairs: Vec<_> =
            fields.iter().map(|(name, value)| encoded(name) + "=" + &encoded(&plain(value))).collect();
        if let Some(first) = pairs.first().cloned().filter(|_| self.chance.once_in(40)) {
            pairs.push(first);
        }
        pairs.join("&")
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn xml(fields: &Map<String, Json>) -> String {
    let inner = fields.iter().map(|(name, value)| {
        let text = plain(value).replace('&', "&amp;").replace('<', "&lt;");
        format!("<{name}>{text}</{name}>")
    });
    let namespace = "http://schemas.datacontract.org/2004/07/BokaMera.API.ServiceModel.Dtos";
    format!("<CreateApiKey xmlns=\"{namespace}\">{}</CreateApiKey>", inner.collect::<String>())
}
