//! Your API and keyward in one process: routes of your own in warp that verify keys in memory, and keyward's own API beside
//! them on the same address.
//!
//! `cargo run --example own_routes`

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use keyward::command::Service;
use keyward::dialect::Native;
use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::http::TrustedProxies;
use keyward::key::{Actor, Keyspace, Level, PepperRing, Role};
use keyward::server::{Bounds, Routes, Server};
use keyward::store::MemoryStore;
use keyward::verify::{Verdict, Verifier, VerifyRequest};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use warp::http::StatusCode;
use warp::reply::{Reply as _, Response};
use warp::{Filter as _, reply};

/// Answers `GET /hello`: 200 with the owner's name, 401 for a bad key, 503 when keyward could not decide.
fn hello(verifier: &Verifier, authorization: &str) -> Response {
    let text = authorization.strip_prefix("Bearer ").unwrap_or_default();
    let request = VerifyRequest { level: Level::READ, ..VerifyRequest::new(&Keyspace::NATIVE, text) };
    let owner = match verifier.verify(&request) {
        Ok(Verdict::Allow(identity)) => verifier.owner(identity.user),
        Ok(Verdict::Deny(_)) => return StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    match owner {
        Ok(Some(owner)) => reply::html(format!("Hello {}", owner.username)).into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Sends one request, and returns the response as text.
fn get(address: SocketAddr, path: &str, key: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: keyward\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

/// Runs the example.
///
/// # Errors
/// Any error of keyward or of a socket; the example handles none of them.
#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    // In your program: a `SledStore`, and peppers that stay. See the example `embed`.
    let engine = Engine::open(Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy)?))?;
    let flo = engine.add_user(Actor::Operator, NewUser::person("flo".parse()?, Role::User, None))?;
    let new = NewKey::new(*Keyspace::NATIVE.name(), flo.id, Level::READ);
    let (_, key) = engine.create_key(Actor::Operator, new)?;

    let verifier = Verifier::new(engine.reader());
    let own = warp::path!("hello")
        .and(warp::get())
        .and(warp::header::optional("authorization"))
        .map(move |field: Option<String>| hello(&verifier, &field.unwrap_or_default()))
        .boxed();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = Server {
        listeners: vec![listener],
        tls: None,
        sockets: Vec::new(),
        control: None,
        // Your routes come before those of keyward, here its own API below /v1.
        routes: Routes {
            dialects: vec![Arc::new(Native::for_everyone(false))],
            control: None,
            own: Some(own),
        },
        proxies: TrustedProxies::default(),
        service: Service::new(engine.clone()),
        bounds: Bounds::default(),
    };
    // In your program: `server.run(async { keyward::server::stop_signal()?.await })`. Here the client below stops it.
    let (stop, stopped) = oneshot::channel::<()>();
    let client = tokio::task::spawn_blocking(move || {
        let key = key.reveal();
        let answers = [
            get(address, "/hello", &key)?,
            get(address, "/hello", "wrong")?,
            get(address, "/v1/self", &key)?,
        ];
        drop(stop);
        Ok::<_, std::io::Error>(answers)
    });
    server.run(async { drop(stopped.await) }).await;
    let [welcome, refused, shown] = client.await??;
    assert!(welcome.starts_with("HTTP/1.1 200") && welcome.ends_with("Hello flo"), "{welcome}");
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    assert!(shown.starts_with("HTTP/1.1 200") && shown.contains(r#""user":"flo""#), "{shown}");
    engine.stop()?;
    Ok(())
}
