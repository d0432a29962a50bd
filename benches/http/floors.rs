//! What is served beside keyward, by this program in the role of the server: the least that its parts can do.

use std::convert::Infallible;
use std::future::ready;

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use keyward::command::Service;
use keyward::engine::{Engine, Parts};
use keyward::entropy::OsEntropy;
use keyward::http::TrustedProxies;
use keyward::key::PepperRing;
use keyward::server::{Bounds, Routes, Server};
use keyward::store::MemoryStore;
use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::net::TcpListener;
use warp::Filter as _;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Floor {
    /// A route of warp's, on keyward's serving loop, that only echoes a header field.
    Echo,
    /// hyper alone, which answers all requests alike.
    Hyper,
}

impl Floor {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Hyper => "hyper",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Echo, Self::Hyper].into_iter().find(|floor| floor.name() == name)
    }

    /// Prints the address and serves until the bench ends.
    pub(crate) fn serve(self) {
        set_parent_process_death_signal(Some(Signal::TERM)).unwrap();
        // As `keyward serve` sets it up.
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            println!("listening on http://{}", listener.local_addr().unwrap());
            match self {
                Self::Echo => echo(listener).await,
                Self::Hyper => bare(listener).await,
            }
        });
    }
}

async fn echo(listener: TcpListener) {
    let key = warp::header::<String>("x-api-key");
    let route = warp::path("echo").and(key).map(|key: String| warp::reply::Response::new(key.into()));
    let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
    let server = Server {
        listeners: vec![listener],
        tls: None,
        sockets: Vec::new(),
        control: None,
        routes: Routes { own: Some(route.boxed()), ..Routes::default() },
        proxies: TrustedProxies::default(),
        service: Service::new(Engine::open(parts).unwrap()),
        bounds: Bounds::default(),
    };
    server.run(std::future::pending()).await;
}

async fn bare(listener: TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let answer =
            |_| ready(Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from_static(b"ok")))));
        tokio::spawn(Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}
