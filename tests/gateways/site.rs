//! keyward in this process, an API to protect, and keys of every kind.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use keyward::clock::{Clock as _, ManualClock, Timestamp};
use keyward::command::Service;
use keyward::dialect::Gateway;
use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::http::TrustedPeer;
use keyward::key::{Actor, Level, PepperRing, RateLimit, RateLimits, Role, UserId};
use keyward::server::{Bounds, Routes, Server};
use keyward::store::MemoryStore;
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Runtime;

use crate::client::{Answer, Request};
use crate::gateway::{Filling, Front, Kind, Setup, free_address};
use crate::upstream::Upstream;

/// A gateway in front of an API, and the keyward that it asks.
pub(crate) struct Site {
    pub(crate) front: Front,
    pub(crate) upstream: Upstream,
    pub(crate) clock: ManualClock,
    gateway: &'static str,
    setup: Setup,
    keyspace: &'static str,
    engine: Engine,
    flo: UserId,
    runtime: Runtime,
    _dir: TempDir,
}

/// What a gateway stands in front of.
pub(crate) struct Plan {
    pub(crate) keyspace: &'static str,
    pub(crate) over: Over,
    /// The API, if it is not the one that answers with what reached it.
    pub(crate) api: Option<SocketAddr>,
    /// Whether a preflight is let through.
    pub(crate) preflight: bool,
}

impl Plan {
    pub(crate) const fn new(keyspace: &'static str, over: Over) -> Self {
        Self { keyspace, over, api: None, preflight: false }
    }
}

/// How a gateway reaches keyward.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Tcp,
    UnixSocket,
    /// It does not: no process listens.
    Nothing,
    /// Something else is there.
    At(SocketAddr),
}

impl Site {
    pub(crate) fn start(gateway: &Kind, program: &Path, plan: &Plan) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_790_000_000_000));
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
        let flo = engine.add_user(Actor::Operator, NewUser::person("flo".parse().unwrap(), Role::User, None));

        let (runtime, dir) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let (tcp, unix) = serve(&runtime, &engine, dir.path());
        let keyward = match plan.over {
            Over::Tcp => tcp.to_string(),
            Over::UnixSocket => unix,
            Over::Nothing => free_address().to_string(),
            Over::At(address) => address.to_string(),
        };
        let upstream = Upstream::start();
        let (keyspace, api) = (plan.keyspace, plan.api.unwrap_or(upstream.address));
        let filling = Filling { keyward: &keyward, keyspace, upstream: api, preflight: plan.preflight };
        let front = Front::start(gateway, program, &filling);
        let flo = flo.unwrap().id;
        let name = gateway.name;
        Self {
            front,
            upstream,
            clock,
            gateway: name,
            setup: gateway.setup,
            keyspace,
            engine,
            flo,
            runtime,
            _dir: dir,
        }
    }

    pub(crate) fn ask(&self, request: &Request) -> Answer {
        self.runtime.block_on(request.ask(self.front.address))
    }

    /// What the API answers, which must be reached.
    pub(crate) fn passes(&self, request: &Request) -> Answer {
        let before = self.upstream.reached();
        let answer = self.ask(request);
        assert_eq!(self.upstream.reached(), before + 1, "it reaches the API once: {answer:?}");
        answer
    }

    /// What the gateway answers in place of the API, which must not be reached.
    pub(crate) fn refused(&self, status: u16, request: &Request) -> Answer {
        let answer = self.refused_somehow(request);
        assert_eq!(answer.status, status, "{answer:?}");
        answer
    }

    /// The same, whatever it says.
    pub(crate) fn refused_somehow(&self, request: &Request) -> Answer {
        let before = self.upstream.reached();
        let answer = self.ask(request);
        assert_eq!(self.upstream.reached(), before, "it does not reach the API: {answer:?}");
        assert_eq!(answer.empty_fields(), [""; 0], "{answer:?}");
        answer
    }

    /// Whether this is the gateway.
    pub(crate) fn is(&self, gateway: &str) -> bool {
        self.gateway == gateway
    }

    /// The API was told this in a field that only the whole setup passes on.
    pub(crate) fn told(&self, answer: &Answer, field: &str, value: &str) {
        let told = (self.setup == Setup::Whole).then_some(value);
        assert_eq!(answer.reached(field), told, "{answer:?}");
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The text of a new key of flo's, which may read, changed as said.
    pub(crate) fn key(&self, change: impl FnOnce(&mut NewKey)) -> String {
        let mut new = NewKey::new(self.keyspace.parse().unwrap(), self.flo, Level::READ);
        // Said, since what limits one key binds the next of flo's.
        new.rate_limits = Some(RateLimits::none());
        if self.keyspace == "telvue" {
            // A key for each user.
            let name = format!("flo{}", self.engine.reader().users(None, 1_000).unwrap().len());
            let user = NewUser::person(name.parse().unwrap(), Role::User, None);
            new.owner = self.engine.add_user(Actor::Operator, user).unwrap().id;
        }
        change(&mut new);
        let (_, text) = self.engine.create_key(Actor::Operator, new).unwrap();
        text.reveal().to_string()
    }
}

/// Starts keyward, which believes what 127.0.0.1 forwards and what comes over its socket; where it listens.
fn serve(runtime: &Runtime, engine: &Engine, dir: &Path) -> (SocketAddr, String) {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let path = dir.join("http.sock");
    let socket = runtime.block_on(async { UnixListener::bind(&path) }).unwrap();
    let server = Server {
        listeners: vec![listener],
        tls: None,
        sockets: vec![socket],
        control: None,
        routes: Routes { dialects: vec![Arc::new(Gateway::default())], ..Routes::default() },
        proxies: [TrustedPeer::Unix, "127.0.0.1".parse().unwrap()].into_iter().collect(),
        service: Service::new(engine.clone()),
        bounds: Bounds::default(),
    };
    runtime.spawn(server.run(std::future::pending()));
    (address, format!("unix:{}", path.display()))
}

/// So many uses an hour, all at once if one likes.
pub(crate) fn hourly(count: u32) -> RateLimits {
    let count = NonZeroU32::new(count).unwrap();
    let seconds = NonZeroU32::new(3_600).unwrap();
    RateLimits::of(vec![RateLimit { name: RateLimit::DEFAULT_NAME, count, seconds, burst: count }]).unwrap()
}

/// An allowlist of one.
pub(crate) fn only(address: Ipv4Addr) -> keyward::key::Allowlist {
    IpAddr::V4(address).to_string().parse().unwrap()
}
