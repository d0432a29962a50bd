//! filebin's API on a store on disk, behind a server in this process.

use std::net::SocketAddr;
use std::sync::Arc;

use keyward::command::{AddUser, Caller, CheckStore, CreateKey, Service};
use keyward::dialect::Filebin;
use keyward::engine::{CheckReport, Engine, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::http::TrustedProxies;
use keyward::key::{Keyspace, Level, Password, PepperRing, Role};
use keyward::server::{Bounds, Routes, Server};
use keyward::store::SledStore;
use keyward::store::sled::OpenOptions;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::client::{Answer, PAIRS, ask, post};

pub(crate) const LIST: &str = "/api/v2.0.0/user/apikeys";
pub(crate) const CREATE: &str = "/api/v2.0.0/user/create_apikey";
pub(crate) const DELETE: &str = "/api/v2.0.0/user/delete_apikey";

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    /// A key that may do everything of its user, whose name and password are `test`.
    pub(crate) key: String,
    service: Service,
    /// How the store looked at the start, and what its user saw.
    before: (CheckReport, Vec<u8>),
    _runtime: Runtime,
    _dir: TempDir,
}

impl Site {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = SledStore::open(&dir.path().join("data"), OpenOptions::default()).unwrap();
        let engine = Engine::open(Parts::new(store, PepperRing::generate(&OsEntropy).unwrap())).unwrap();
        let service = Service::new(engine);
        let password = Password::new(b"test").unwrap();
        let user = NewUser::person("test".parse().unwrap(), Role::User, Some(password));
        let user = service.run(&Caller::operator(), AddUser(user)).unwrap();
        let key = || {
            let new = NewKey::new(*Keyspace::FILEBIN.name(), user.id, Level::OWN);
            let issued = service.run(&Caller::operator(), CreateKey(new)).unwrap();
            issued.text.reveal().to_string()
        };
        let (key, _) = (key(), key());

        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server {
            listeners: vec![listener],
            tls: None,
            sockets: Vec::new(),
            control: None,
            routes: Routes { dialects: vec![Arc::new(Filebin::new("http://x"))], control: None, own: None },
            proxies: TrustedProxies::default(),
            service: service.clone(),
            bounds: Bounds::default(),
        };
        runtime.spawn(server.run(std::future::pending()));
        let before = (CheckReport::default(), Vec::new());
        let mut site = Self { address, key, service, before, _runtime: runtime, _dir: dir };
        site.before = site.look();
        site
    }

    /// Walks the store, and lists the keys over a connection of its own.
    fn look(&self) -> (CheckReport, Vec<u8>) {
        let report = self.service.run(&Caller::operator(), CheckStore).unwrap();
        let listed = self.ask(post(LIST, PAIRS, format!("apikey={}", self.key)));
        assert_eq!(listed.status, 200, "a good request is answered: {listed:?}");
        (report, listed.body)
    }

    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        ask(self.address, request)
    }

    /// Holds that nothing was stored since the start, and nothing lost.
    pub(crate) fn untouched(&self) {
        assert_eq!(self.look(), self.before);
        assert!(self.before.0.findings.is_empty());
    }

    /// Holds that the request is refused in filebin's form for this reason.
    pub(crate) fn refused(&self, why: &str, request: impl AsRef<[u8]>) {
        let request = request.as_ref();
        let answer = self.ask(request);
        let shown = || request[..request.len().min(300)].escape_ascii().to_string();
        assert_eq!(answer.status, 400, "{} got {answer:?}", shown());
        assert!(answer.head.contains("content-type: application/json; charset=utf-8"), "{answer:?}");
        assert!(answer.body.len() < 64 * 1024, "{} got {} bytes", shown(), answer.body.len());
        assert_eq!(answer.error_id(), why, "{}", shown());
    }
}
