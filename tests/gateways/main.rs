//! Does keyward decide behind real gateways, set up as `examples/` says? One that is not installed is not run, and the
//! test says so.

#![cfg(feature = "server")]
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test says what it does, and fails by panicking"
)]

mod cases;
mod client;
mod gateway;
mod health;
mod mutated;
mod site;
#[path = "../skipped/said.rs"]
mod skipped;
mod traefik_file;
mod upstream;
mod wsgi;

use cases::CASES;
use client::get;
use gateway::{CADDY, ENVOY, HAPROXY, Kind, NGINX, NGINX_WHOLE, Setup, TRAEFIK};
use site::{Over, Plan, Site};

#[test]
fn nginx() {
    holds_behind(&NGINX, Over::Tcp);
}

#[test]
fn nginx_over_a_unix_socket() {
    holds_behind(&NGINX_WHOLE, Over::UnixSocket);
}

#[test]
fn caddy() {
    holds_behind(&CADDY, Over::Tcp);
}

#[test]
fn haproxy() {
    holds_behind(&HAPROXY, Over::Tcp);
}

#[test]
fn envoy() {
    holds_behind(&ENVOY, Over::Tcp);
}

#[test]
fn traefik() {
    holds_behind(&TRAEFIK, Over::Tcp);
}

#[test]
fn mutated_requests_behind_nginx() {
    mutated::reach_the_api_as_their_keys_only(&NGINX);
}

#[test]
fn mutated_requests_behind_caddy() {
    mutated::reach_the_api_as_their_keys_only(&CADDY);
}

#[test]
fn mutated_requests_behind_haproxy() {
    mutated::reach_the_api_as_their_keys_only(&HAPROXY);
}

#[test]
fn mutated_requests_behind_envoy() {
    mutated::reach_the_api_as_their_keys_only(&ENVOY);
}

#[test]
fn mutated_requests_behind_traefik() {
    mutated::reach_the_api_as_their_keys_only(&TRAEFIK);
}

fn holds_behind(gateway: &Kind, over: Over) {
    let Some(program) = gateway.program() else { return };
    let site = Site::start(gateway, &program, &Plan::new("native", over));
    for (name, case) in CASES {
        println!("{}: {name}", gateway.name);
        case(&site);
    }
    drop(site);

    if gateway.setup == Setup::Whole {
        println!("{}: a key in the address, where its keyspace takes that", gateway.name);
        let site = Site::start(gateway, &program, &Plan::new("telvue", over));
        let key = site.key(|_| {});
        site.passes(&get(&format!("/feed?page=2&api_key={key}")));
        site.refused(401, &get("/feed?api_key=0123456789abcdef0123"));
        site.refused(401, &get("/feed"));
    }

    println!("{}: a preflight, where that is switched on", gateway.name);
    let site = Site::start(gateway, &program, &Plan { preflight: true, ..Plan::new("native", over) });
    cases::preflight_passes(&site);
    drop(site);

    println!("{}: it asks whether keyward is there", gateway.name);
    health::is_looked_at(gateway, &program);

    println!("{}: nobody passes while keyward does not answer", gateway.name);
    let site = Site::start(gateway, &program, &Plan::new("native", Over::Nothing));
    let key = site.key(|_| {});
    let before = site.upstream.reached();
    let answer = site.ask(&get("/").key(&key));
    assert!(answer.status >= 500, "{answer:?}");
    assert_eq!(site.upstream.reached(), before);
}
