//! Where requests come from: through proxies, over sockets, and from other machines.

use keyward::engine::{KeyChange, NewKey, NewUser};
use keyward::key::{Actor, KeyId, Level, Role, UserId};

use crate::harness::{Running, bounded, patient};

/// A user, and a key of this level.
pub(crate) fn key(server: &Running, level: u8) -> (UserId, KeyId, String) {
    let name = format!("user{level}").parse().unwrap();
    let user = NewUser::person(name, Role::Administrator, None);
    let user = server.engine.add_user(Actor::Operator, user).unwrap().id;
    let new = NewKey::new("native".parse().unwrap(), user, Level::new(level).unwrap());
    let (key, text) = server.engine.create_key(Actor::Operator, new).unwrap();
    (user, key.id, text.reveal().to_string())
}

#[tokio::test]
async fn the_client_is_the_right_most_hop_that_is_no_trusted_proxy() {
    bounded(async {
        let server = Running::start(patient()).await;
        for (lines, client) in [
            ("", "127.0.0.1"),
            ("x-forwarded-for: 203.0.113.9\r\n", "203.0.113.9"),
            ("x-forwarded-for: 1.1.1.1, 203.0.113.9, 10.0.0.5\r\n", "203.0.113.9"),
            ("x-forwarded-for: 1.1.1.1\r\nX-Forwarded-For: 203.0.113.9:80\r\n", "203.0.113.9"),
            ("x-forwarded-for: ::ffff:203.0.113.9\r\n", "203.0.113.9"),
            ("x-forwarded-for: [2001:db8::1]:80\r\n", "2001:db8::1"),
            ("x-forwarded-for: 203.0.113.9, unknown\r\n", "nowhere"),
            ("forwarded: for=203.0.113.9\r\nx-real-ip: 203.0.113.9\r\n", "127.0.0.1"),
        ] {
            let answer = server.ask(format!("GET /a HTTP/1.1\r\nhost: x\r\n{lines}\r\n")).await;
            assert!(answer.body.contains(&format!(" from {client}:")), "{lines} {answer:?}");
        }
        let mut socket = server.connect_socket().await;
        socket.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(socket.answer().await.body.contains(" from nowhere:"));
        socket.send("GET /a HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 1.1.1.1, 203.0.113.9\r\n\r\n").await;
        assert!(
            socket.answer().await.body.contains(" from 203.0.113.9:"),
            "whoever uses the socket is trusted"
        );
        let mut control = server.connect_control().await;
        control.send("GET /control HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 203.0.113.9\r\n\r\n").await;
        assert_eq!(control.answer().await.body, "operator, client None", "nobody stands before the owner");
    })
    .await;
}

#[tokio::test]
async fn a_forged_first_hop_does_not_pass_an_allowlist() {
    bounded(async {
        let server = Running::start(patient()).await;
        let (_, id, text) = key(&server, 2);
        let change = KeyChange { allowlist: Some("203.0.113.0/24".parse().unwrap()), ..KeyChange::default() };
        server.engine.update_key(Actor::Operator, id, change).unwrap();
        for (hops, status) in [
            ("203.0.113.9", 200),
            ("203.0.113.0", 200),
            ("::ffff:203.0.113.255", 200),
            ("203.0.113.9, 10.1.1.1", 200),
            ("203.0.112.255", 401),
            ("203.0.114.0", 401),
            ("203.0.113.9, 192.0.2.1", 401),
            ("203.0.113.9, nonsense", 401),
        ] {
            let head = format!("GET /auth/native?for=nginx HTTP/1.1\r\nhost: x\r\nx-api-key: {text}");
            let answer = server.ask(format!("{head}\r\nx-forwarded-for: {hops}\r\n\r\n")).await;
            assert_eq!(answer.status, status, "{hops} {answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn other_machines_need_a_service_key_to_have_keys_verified() {
    bounded(async {
        let server = Running::start(patient()).await;
        let (_, _, good) = key(&server, 2);
        let (_, _, service) = key(&server, 7);
        let head = format!("GET /auth/native?for=nginx HTTP/1.1\r\nhost: x\r\nx-api-key: {good}\r\n");
        let body = format!(r#"{{"key":"{good}"}}"#);
        let verify = format!("POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n", body.len());
        let own = format!("GET /v1/self HTTP/1.1\r\nhost: x\r\nx-api-key: {good}\r\n");
        for (service_key, status) in [
            (String::new(), 401),
            (format!("x-service-key: {good}\r\n"), 401),
            (format!("x-service-key: {service}\r\n"), 200),
        ] {
            // A loopback address in X-Forwarded-For says nothing about the way in.
            let more = format!("x-forwarded-for: 127.0.0.1\r\n{service_key}");
            let mut wide = server.connect_wide().await;
            wide.send(format!("{head}{more}\r\n")).await;
            assert_eq!(wide.answer().await.status, status, "{service_key}");
            wide.send(format!("{verify}{more}\r\n{body}")).await;
            assert_eq!(wide.answer().await.status, status, "{service_key}");
            wide.send(format!("{own}{more}\r\n")).await;
            assert_eq!(wide.answer().await.status, 200);
        }
        let mut socket = server.connect_socket().await;
        for (request, body) in [(&head, ""), (&verify, body.as_str())] {
            socket.send(format!("{request}\r\n{body}")).await;
            assert_eq!(socket.answer().await.status, 200);
            assert_eq!(server.ask(format!("{request}\r\n{body}")).await.status, 200);
        }
    })
    .await;
}
