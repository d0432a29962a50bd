//! One story through every API: whatever happens to a key happens in all of them.

use base64::Engine as _;
use keyward::command::{Caller, DeleteKey, KeyRef, RotateKey};
use keyward::dialect::{BokaMera, Dialect, Failure, Filebin, FreeSewing, Gateway, Native, QReserve, TelVue};
use keyward::http::{Body, Entrance, RawRequest};
use keyward::key::Keyspace;

use crate::transcript::Peer as _;
use crate::world::{CLIENT, World};

/// A request that a good key of an API gets 200 for, and its header fields and body.
type Use = fn(&str) -> (&'static str, String, Vec<(&'static str, String)>, String);

struct Api {
    name: &'static str,
    keyspace: Keyspace,
    dialect: fn() -> Box<dyn Dialect>,
    uses: Use,
}

fn basic(text: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
}

const APIS: [Api; 7] = [
    Api {
        name: "filebin",
        keyspace: Keyspace::FILEBIN,
        dialect: || Box::new(Filebin::new("http://127.0.0.1/")),
        uses: |key| {
            let form = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
            ("POST", "/api/v2.0.0/user/apikeys".to_owned(), form, format!("apikey={key}"))
        },
    },
    Api {
        name: "freesewing",
        keyspace: Keyspace::FREESEWING,
        dialect: || Box::new(FreeSewing),
        uses: |key| ("GET", "/whoami/key".to_owned(), vec![("authorization", basic(key))], String::new()),
    },
    Api {
        name: "qreserve",
        keyspace: Keyspace::QRESERVE,
        dialect: || Box::new(QReserve),
        uses: |key| ("GET", "/users/self".to_owned(), vec![("authorization", key.to_owned())], String::new()),
    },
    Api {
        name: "telvue",
        keyspace: Keyspace::TELVUE,
        dialect: || Box::new(TelVue),
        uses: |key| ("GET", format!("/xml/software_version?api_key={key}"), Vec::new(), String::new()),
    },
    Api {
        name: "bokamera",
        keyspace: Keyspace::BOKAMERA,
        dialect: || Box::new(BokaMera),
        uses: |key| ("GET", "/version".to_owned(), vec![("x-api-key", key.to_owned())], String::new()),
    },
    Api {
        name: "native",
        keyspace: Keyspace::NATIVE,
        dialect: || Box::new(Native::for_everyone(false)),
        uses: |key| {
            ("GET", "/v1/self".to_owned(), vec![("authorization", format!("Bearer {key}"))], String::new())
        },
    },
    Api {
        name: "gateway",
        keyspace: Keyspace::NATIVE,
        dialect: || Box::new(Gateway::default()),
        uses: |key| ("GET", "/auth/native".to_owned(), vec![("x-api-key", key.to_owned())], String::new()),
    },
];

struct Story {
    world: World,
    api: &'static Api,
}

impl Story {
    fn begin(api: &'static Api) -> Self {
        Self { world: World::of((api.dialect)(), api.keyspace), api }
    }

    /// Whether a key is good in an API, which may be another one than its own.
    fn is_good_in(&self, api: &Api, text: &str) -> bool {
        let (method, target, fields, body) = (api.uses)(text);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let request = RawRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: fields.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect(),
            client: Some(CLIENT),
            entrance: Entrance::Local,
            body: Body::Whole(body.into_bytes()),
        };
        let status = (api.dialect)().answer(&self.world.service, &request).status;
        assert!(matches!(status, 200 | 400 | 401 | 403), "{}: {status}", api.name);
        status == 200
    }

    fn is_good(&self, text: &str) -> bool {
        self.is_good_in(self.api, text)
    }

    /// Does something, after which the key is good or not.
    fn then(&mut self, what: &str, good: bool) {
        self.world.act(what);
        let text = self.world.texts["full"].clone();
        assert_eq!(self.is_good(&text), good, "{}: after {what}", self.api.name);
    }

    fn rotate(&self, grace_ms: u64) -> String {
        let command = RotateKey { key: KeyRef::Id(self.world.id("full")), grace_ms };
        let rotated = self.world.service.run(&Caller::operator(), command).unwrap();
        rotated.text.reveal().to_string()
    }
}

/// Who owns the key `full`.
fn owner(api: &Api) -> &'static str {
    if api.keyspace == Keyspace::QRESERVE { "bot-full" } else { "test" }
}

#[test]
fn a_key_lives_the_same_life_in_every_api() {
    for api in &APIS {
        let mut story = Story::begin(api);
        story.then("advance 0", true);
        story.then("allow full 203.0.113.0/24", false);
        story.then("allow full 192.0.2.0/24", true);
        story.then("suspend full", false);
        story.then("resume full", true);

        let first = story.world.texts["full"].clone();
        let second = story.rotate(1_000);
        assert!(story.is_good(&first) && story.is_good(&second), "{}: both in grace", api.name);
        story.world.act("advance 1000");
        assert!(!story.is_good(&first) && story.is_good(&second), "{}: grace is over", api.name);
        let third = story.rotate(0);
        assert!(!story.is_good(&second) && story.is_good(&third), "{}: no grace", api.name);
        story.world.texts.insert("full".to_owned(), third);

        let what = format!("block {}", owner(api));
        story.then(&what, false);
        let revoked = api.keyspace == Keyspace::FREESEWING;
        story.then(&format!("un{what}"), !revoked);
    }
}

#[test]
fn a_key_ends_the_same_way_in_every_api() {
    for api in &APIS {
        let end = |what: &str| Story::begin(api).then(what, false);
        end("expire full");
        end("revoke full");
        end(&format!("remove {}", owner(api)));
        let mut story = Story::begin(api);
        let delete = DeleteKey(KeyRef::Id(story.world.id("full")));
        story.world.service.run(&Caller::operator(), delete).unwrap();
        story.then("advance 0", false);
    }
}

#[test]
fn a_key_of_one_keyspace_is_nothing_in_every_other() {
    for own in &APIS {
        let story = Story::begin(own);
        let text = story.world.texts["full"].clone();
        // As a whole, and what of it is public or could be taken for a key of another form.
        let id = story.world.id("full").to_string();
        for other in APIS.iter().filter(|other| other.keyspace != own.keyspace) {
            for presented in [&text, &id] {
                assert!(!story.is_good_in(other, presented), "{} in {}", own.name, other.name);
            }
        }
        assert!(!story.is_good(&id), "{}: its id is no key", own.name);
    }
}

#[test]
fn each_api_says_in_its_own_shape_that_the_server_is_busy_or_broken() {
    let paths = [
        ("filebin", "/api/v2/user/apikeys", "application/json; charset=UTF-8"),
        ("freesewing", "/apikeys/key", "application/json; charset=utf-8"),
        ("qreserve", "/users/self", "application/json"),
        ("telvue", "/xml/software_version", "application/xml; charset=utf-8"),
        ("bokamera", "/apikeys.xml", "application/xml"),
        ("native", "/v1/keys", "application/problem+json"),
    ];
    for (name, path, media_type) in paths {
        let dialect = (APIS.iter().find(|api| api.name == name).unwrap().dialect)();
        for (failure, statuses) in
            [(Failure::Busy, [503, 503]), (Failure::Broken, [500, if name == "filebin" { 400 } else { 500 }])]
        {
            let answer = dialect.error_response(path, failure);
            assert!(statuses.contains(&answer.status), "{name}: {answer:?}");
            assert_eq!(crate::world::field(&answer, "content-type"), Some(media_type), "{name}");
            assert!(!answer.body.is_empty());
        }
    }
}
