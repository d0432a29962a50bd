//! What types that hold secrets print of themselves.

use std::fmt::Debug;
use std::sync::Arc;

use keyward::clock::SystemClock;
use keyward::command::{
    AddUser, Caller, Command, CreateKey, DeleteKey, KeyRef, KeyWithText, ListKeys, RotateKey, Service,
    SetPassword, UserRef, VerifyCaller,
};
use keyward::dialect::{Dialect, Filebin, Gateway, Native, filebin};
use keyward::engine::{Engine, NewKey, NewKind, NewUser, Parts, WaitPolicy};
use keyward::entropy::OsEntropy;
use keyward::http::{Basic, Body, Entrance, RawRequest, RawResponse, presented};
use keyward::key::{Issuing, Keyspace, Level, Password, PepperRing, Role, UncheckedKey, UserId};
use keyward::store::{MemoryStore, Store, schema};
use keyward::verify::VerifyRequest;

use crate::planted::Planted;

const PASSWORD: &str = "pAssphraseOfSomebodyInTheLibrary";

/// Everything printed so far.
#[derive(Default)]
struct Printed(Vec<String>);

impl Printed {
    fn add(&mut self, value: &impl Debug) {
        self.0.extend([format!("{value:?}"), format!("{value:#?}")]);
    }

    /// What an attempt that had to fail says of itself.
    fn refusal<T, E: std::error::Error>(&mut self, refused: Result<T, E>) {
        let error = refused.err().expect("it is refused");
        self.add(&error);
        self.0.push(error.to_string());
    }
}

#[test]
fn nothing_that_prints_itself_shows_a_secret() {
    let (mut planted, mut printed) = (Planted::new(), Printed::default());
    planted.plant("password", PASSWORD.as_bytes());
    let peppers = PepperRing::generate(&OsEntropy).unwrap();
    planted.plant("pepper", peppers.current().1.reveal());
    printed.add(&peppers);
    printed.add(peppers.current().1);
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(SystemClock);
    let parts = Parts { clock, ..Parts::over(store.clone(), peppers) };
    let service = Service::new(Engine::open(parts).unwrap());

    let password = Password::new(PASSWORD.as_bytes()).unwrap();
    printed.add(&password);
    let new = NewUser::person("flo".parse().unwrap(), Role::User, Some(password.clone()));
    run(&service, &mut printed, AddUser(new.clone()));
    run(&service, &mut printed, SetPassword { user: UserRef::Id(UserId(1)), password });
    refused(&service, &mut printed, AddUser(new));
    for keyspace in Keyspace::all() {
        keys(&service, &mut planted, &mut printed, &keyspace);
    }
    for start in [schema::KEYS, schema::USERS] {
        printed.add(&store.scan(start, None, 100).unwrap());
    }
    printed.refusal(PASSWORD.parse::<Level>());
    printed.refusal(PASSWORD.parse::<Role>());
    printed.refusal(Password::new(PASSWORD.repeat(100).as_bytes()));
    for text in &printed.0 {
        assert!(planted.found(text.as_bytes()).is_empty(), "{:?} in {text}", planted.found(text.as_bytes()));
    }
    assert!(printed.0.len() > 200, "only {} were printed", printed.0.len());
}

fn run<C: Command<Output: Debug> + Debug>(service: &Service, printed: &mut Printed, command: C) -> C::Output {
    printed.add(&command);
    let output = service.run(&Caller::operator(), command).unwrap();
    printed.add(&output);
    output
}

fn refused(service: &Service, printed: &mut Printed, command: impl Command + Debug) {
    printed.add(&command);
    printed.refusal(service.run(&Caller::operator(), command));
}

/// A key of one keyspace: issued, listed with its text, verified, rotated, named by its text, sent as a request.
fn keys(service: &Service, planted: &mut Planted, printed: &mut Printed, keyspace: &Keyspace) {
    let owner = match keyspace.issuing() {
        Issuing::OnePerBot => {
            let bot = NewUser::person("bot".parse().unwrap(), Role::User, None);
            let bot = AddUser(NewUser { kind: NewKind::Bot, ..bot });
            run(service, printed, bot).id
        }
        Issuing::Freely | Issuing::WithAccess => UserId(1),
    };
    let new = NewKey::new(*keyspace.name(), owner, Level::OWN);
    let KeyWithText { key, text: issued } = run(service, printed, CreateKey(new));
    printed.add(&key.secrets.current.sealed);
    let text = issued.reveal().to_string();
    planted.plant_key(keyspace.name().as_str(), keyspace.name().as_str(), &text);
    if let Ok(caller) = service.authenticator().by_key(keyspace, &text, None) {
        let own =
            ListKeys { owner: UserRef::Id(owner), keyspace: None, after: None, limit: None, texts: true };
        printed.add(&caller);
        printed.add(&service.run(&caller, own).unwrap());
    }
    let verifying = service.verify_grant(VerifyCaller::Operator, false, WaitPolicy::MayWait).unwrap();
    for text in [&text, &format!("{text}x")] {
        let request = VerifyRequest::new(keyspace, text);
        printed.add(&request);
        printed.add(&verifying.verify(&request).unwrap());
    }
    printed.add(&service.own_key(keyspace, &text, None).unwrap());
    printed.refusal(service.authenticator().by_key(keyspace, &text[1..], None));
    printed.refusal(keyspace.format().parse(&text[1..]));
    let parsed = keyspace.format().parse(&text).unwrap();
    printed.add(&parsed);
    let named = KeyRef::OwnText { keyspace: *keyspace, text: UncheckedKey::new(text.to_string()) };
    refused(service, printed, DeleteKey(named));
    let rotate = RotateKey { key: KeyRef::Id(key.id), grace_ms: 1_000 };
    let second = run(service, printed, rotate).text;
    planted.plant_key(keyspace.name().as_str(), "rotated", &second.reveal());
    exchange(service, printed, &text);
}

fn exchange(service: &Service, printed: &mut Printed, text: &str) {
    for body in
        [format!("apikey={text}"), format!("apikey[a][]={text}"), format!("username=flo&password={text}")]
    {
        for path in ["/api/v2/user/apikeys", "/api/v2/user/create_apikey", "/v1/users"] {
            let request = RawRequest {
                method: "POST".to_owned(),
                path: path.to_owned(),
                query: body.clone(),
                headers: vec![
                    ("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec()),
                    ("x-api-key".to_owned(), text.into()),
                ],
                client: None,
                entrance: Entrance::Local,
                body: Body::Whole(body.clone().into_bytes()),
            };
            printed.add(&request);
            printed.add(&request.body);
            printed.add(&request.head());
            printed.add(&presented(&request.head(), Basic::Whole, []).unwrap());
            printed.add(&Gateway::default().try_answer(service, &request.head(), None));
            if let Err(refusal) = filebin::decode(&request) {
                printed.add(&refusal);
            }
            let dialect: &dyn Dialect =
                if path.starts_with("/v1") { &Native::for_operator() } else { &Filebin::new("http://x") };
            printed.add(&dialect.answer(service, &request));
        }
    }
    printed.add(&RawResponse::new(200, "text/plain", text).with_header("set-cookie", text.to_owned()));
}
