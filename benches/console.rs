//! The console's list of 10,000 users: opening it, sorting, leafing and searching, in the time that the server takes,
//! beside a bare walk through the same users in the same run.
//!
//! `cargo bench --bench console`; `KEYWARD_BENCH_USERS` sets how many users there are (10,000).

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, reads the clock, and panics to fail"
)]

use std::time::Instant;

use keyward::command::Service;
use keyward::console::Console;
use keyward::engine::{Engine, NewUser, Parts, UserChange};
use keyward::entropy::OsEntropy;
use keyward::http::{Body, Entrance, RawRequest};
use keyward::key::{Actor, Password, PepperRing, Role};
use keyward::store::SledStore;
use keyward::store::sled::OpenOptions;

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 200;

fn main() {
    let users = std::env::var("KEYWARD_BENCH_USERS").map_or(10_000, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = SledStore::open(&dir.path().join("data"), OpenOptions::default()).unwrap();
    let engine = Engine::open(Parts::new(store, PepperRing::generate(&OsEntropy).unwrap())).unwrap();
    fill(&engine, users);
    let reader = engine.reader();
    let service = Service::new(engine);
    let password = Password::new(b"password").unwrap();
    let caller = service.authenticator().by_password("admin", &password, None).unwrap();
    let session = service.authenticator().begin_session(&caller).unwrap();
    let console = Console::new("http://127.0.0.1".parse().unwrap());

    println!("{users} users, {} with API access, {ROUNDS} rounds", users / 5);
    println!("{:<44} {:>8} {:>8} {:>8} {:>8}", "", "p50 ms", "p99 ms", "ratio", "KiB");
    let walk = timed(|| {
        let (mut after, mut bytes) = (None, 0);
        loop {
            let page = reader.users(after, 1_000).unwrap();
            bytes += page.len();
            match page.last() {
                Some(last) if page.len() == 1_000 => after = Some(last.id),
                _ => return bytes,
            }
        }
    });
    print("a bare walk through all users", &walk, walk.p50);
    for (what, query) in [
        ("open", ""),
        ("last page", "page=1000000"),
        ("sorted by creation, newest first", "sort=created&order=down"),
        ("sorted by access", "sort=access&order=up"),
        ("search that finds one", "q=user-9876%40example"),
        ("search that finds many", "q=user-1"),
        ("search that finds none", "q=nobody+at+all"),
    ] {
        let request = RawRequest {
            method: "GET".to_owned(),
            path: "/console/config/users".to_owned(),
            query: query.to_owned(),
            headers: vec![(
                "cookie".to_owned(),
                format!("keyward_session={}", session.reveal()).into_bytes(),
            )],
            client: None,
            entrance: Entrance::Local,
            body: Body::Whole(Vec::new()),
        };
        let times = timed(|| {
            let answer = console.answer(&service, &request);
            assert_eq!(answer.status, 200);
            answer.body.len()
        });
        print(what, &times, walk.p50);
    }
}

fn fill(engine: &Engine, users: usize) {
    let password = Password::new(b"password").unwrap();
    let admin = NewUser::person("admin".parse().unwrap(), Role::Administrator, Some(password));
    engine.add_user(Actor::Operator, admin).unwrap();
    std::thread::scope(|scope| {
        for part in 0..64 {
            scope.spawn(move || {
                for n in (part..users).step_by(64) {
                    let new = NewUser {
                        email: Some(format!("user-{n}@example.org").parse().unwrap()),
                        display_name: Some(format!("User Number {n}").parse().unwrap()),
                        ..NewUser::person(format!("user-{n}").parse().unwrap(), Role::User, None)
                    };
                    let user = engine.add_user(Actor::Operator, new).unwrap();
                    if n % 5 == 0 {
                        let grant = UserChange { api_access: Some(true), ..UserChange::default() };
                        engine.update_user(Actor::Operator, user.id, grant).unwrap();
                    }
                }
            });
        }
    });
}

struct Times {
    p50: f64,
    p99: f64,
    bytes: usize,
}

fn timed(mut work: impl FnMut() -> usize) -> Times {
    let bytes = work();
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    Times { p50: times[ROUNDS / 2], p99: times[ROUNDS * 99 / 100], bytes }
}

fn print(what: &str, times: &Times, walk: f64) {
    let Times { p50, p99, bytes } = times;
    println!("{what:<44} {p50:>8.2} {p99:>8.2} {:>8.2} {:>8}", p50 / walk, bytes / 1_024);
}
