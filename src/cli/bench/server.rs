//! A server for the bench alone, on a loopback port that the system chooses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::cli::failure::CliError;
use crate::command::Service;
use crate::dialect::{Gateway, Native};
use crate::http::TrustedProxies;
use crate::server::{Bounds, Routes, Server};

/// Running server. Stops when dropped.
pub(super) struct BenchServer {
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BenchServer {
    pub(super) fn start(service: &Service) -> Result<Self, CliError> {
        let failed = |error| CliError::system("the server could not be set up", &error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let server = Server {
            listeners: vec![listener],
            tls: None,
            sockets: Vec::new(),
            control: None,
            proxies: TrustedProxies::default(),
            routes: Routes {
                dialects: vec![Arc::new(Gateway::default()), Arc::new(Native::for_everyone(false))],
                ..Routes::default()
            },
            service: service.clone(),
            bounds: Bounds::default(),
        };
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(server.run(async {
                // An error means that the sender was dropped, which stops the server, too.
                let _ = stopped.await;
            }));
        };
        let thread = std::thread::Builder::new().name("server".to_owned()).spawn(serve).map_err(failed)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for BenchServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A server that panicked has already said so.
            let _ = thread.join();
        }
    }
}
