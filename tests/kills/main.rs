//! The real binary, killed again and again while clients change keys over HTTP: whatever it answered must hold.
//!
//! Each client has a user and keys of its own, and knows what was answered and the one request that was not. After
//! each kill the next server must have all of it: every record, and for every text ever issued the right verdict.
//!
//! `KEYWARD_KILL_ROUNDS` sets how many kills there are; `--nocapture` shows the figures.

#![cfg(feature = "server")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod client;
mod server;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use client::Client;
use server::Server;
use world::World;

const CLIENTS: usize = 3;

/// Where a life of the server ends.
#[derive(Clone, Copy, Debug)]
enum Kill {
    /// While it opens its directory, after so many looks at it.
    Opening(u32),
    AfterAnswers(u64),
}

/// Kills that one directory lives through: after a crash a store is copied and counted, which takes longer as it grows.
const ERA: u64 = 100;

#[derive(Default)]
struct Figures {
    kills: u64,
    answered: u64,
    in_flight: u64,
    /// In flight, and done.
    done: u64,
    verified: u64,
}

#[test]
fn no_kill_of_the_server_takes_what_it_answered() {
    let rounds: u64 = std::env::var("KEYWARD_KILL_ROUNDS").map_or(10, |text| text.parse().unwrap());
    let mut figures = Figures::default();
    for seed in 0..rounds.div_ceil(ERA) {
        era(seed, ERA.min(rounds - figures.kills), &mut figures);
        let Figures { kills, answered, in_flight, done, verified } = figures;
        println!(
            "{kills} kills, {answered} requests answered, {in_flight} in flight ({done} of them done), 0 lost, \
             {verified} texts verified"
        );
    }
    assert!(figures.answered > 0 && figures.verified > 0);
}

/// So many kills on one directory.
fn era(seed: u64, kills: u64, figures: &mut Figures) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::start(&data);
    let admin = server.administrator();
    let numbers = (0..CLIENTS as u64).map(|number| seed * CLIENTS as u64 + number);
    let mut worlds: Vec<World> = numbers.map(|number| World::new(number, &admin, &server)).collect();
    for round in 1..=kills {
        let kill = match random.random_range(0..8) {
            0 => Kill::Opening(random.random_range(0..2_000)),
            _ => Kill::AfterAnswers(random.random_range(1..60)),
        };
        figures.answered += live(server, &mut worlds, kill, &data);
        figures.kills += 1;
        server = Server::start(&data);
        let (mut client, mut gateway) = (Client::new(&server, &admin), Client::nobody(&server));
        for world in &mut worlds {
            figures.in_flight += u64::from(world.in_flight());
            figures.done += u64::from(world.settle(&mut client));
            let compared = world.compare(&mut client, &mut gateway);
            figures.verified +=
                compared.unwrap_or_else(|why| panic!("seed {seed}, {round}, {kill:?}: {why}"));
        }
        if round.is_multiple_of(20) || round == kills {
            let report = client.ask("POST", "/v1/check", &json!({})).expect("it answers").1;
            assert_eq!(report["findings"], json!([]), "seed {seed}, {round}, {kill:?}");
        }
    }
}

/// Has the clients send requests until the server is killed; how many were answered.
fn live(mut server: Server, worlds: &mut [World], kill: Kill, data: &std::path::Path) -> u64 {
    let wanted = match kill {
        Kill::AfterAnswers(wanted) => wanted,
        Kill::Opening(looks) => {
            server.kill();
            let opening = Server::spawn(data);
            (0..looks).for_each(|_| drop(data.join("aside").try_exists()));
            opening.kill();
            return 0;
        }
    };
    let answers = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let (killing, killed) = std::sync::mpsc::channel::<()>();
        for world in worlds {
            let (answers, address, killing) = (&answers, server.address.clone(), killing.clone());
            scope.spawn(move || {
                let mut client = world.client(&address);
                while world.act(&mut client) {
                    if answers.fetch_add(1, Ordering::SeqCst) + 1 == wanted {
                        killing.send(()).unwrap();
                    }
                }
            });
        }
        killed.recv().unwrap();
        server.kill();
    });
    answers.into_inner()
}

/// The members of a JSON list.
fn list(answer: &Value, name: &str) -> Vec<Value> {
    answer[name].as_array().unwrap_or_else(|| panic!("no {name} in {answer}")).clone()
}
