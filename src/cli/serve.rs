//! `keyward serve`.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use zeroize::Zeroizing;

use super::apis;
use super::args::{Place, Serve};
use super::certificate::{CertificateFiles, HangUps};
use super::demo::{self, Demo};
use super::descriptors;
use super::failure::{Exit, Failure};
use super::listen::{ListenAt, Listeners};
use super::open::{self, Opened};
use super::progress::{self, AboveBars, Progress};
use super::screen::{line, note};
use super::socket::{self, SocketFile};
use crate::command::{AddUser, Caller, Service};
use crate::console::Console;
use crate::dialect::{Dialect, Gateway, Native};
use crate::engine::{Engine, IndexState, NewUser};
use crate::key::{ParseError, Password, Role, Username};
use crate::limits;
use crate::server::{Bounds, Routes, Server, Tls, stop_signal};
use crate::store::sled::OpenOptions;

/// The part of `serve --help` about the first start.
pub(super) const FIRST_START: &str = "\
The first start makes the secret file. With a password in KEYWARD_ADMIN_PASSWORD, or in the first line of the file
KEYWARD_ADMIN_PASSWORD_FILE, it also makes the user admin, an administrator. Otherwise, as long as there are no users,
it prints a one-time code on standard error, with which /console/setup makes one. KEYWARD_LOG sets what is logged there:
error, warn, info (the default), debug or trace.";

const ADMIN: &str = "admin";
const ADMIN_PASSWORD: &str = "KEYWARD_ADMIN_PASSWORD";
const ADMIN_PASSWORD_FILE: &str = "KEYWARD_ADMIN_PASSWORD_FILE";

/// Serves until the process is asked to stop.
pub(super) fn serve(place: Place, asked: Serve) -> Result<Exit, Failure> {
    start_log()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system("the server could not be set up", &error))?;
    let hang_ups = HangUps::noted(&runtime)?;
    let demo = if asked.demo { Some(Demo::new(&asked.listen)?) } else { None };
    let place = demo.as_ref().map_or(place, Demo::place);
    // Bound before anything is opened: a wrong address leaves nothing behind.
    let listeners = Listeners::bind(&asked.listen)?;
    let certificate = CertificateFiles::asked(&asked);
    let tls = certificate.as_ref().map(CertificateFiles::read).transpose()?.zip(certificate);
    descriptors::raise();
    let opened = open::open(&place, OpenOptions { recover: asked.recover, ..OpenOptions::default() })?;
    let entrances = Entrances { listeners, tls, hang_ups };
    let served = run(&place, &asked, demo.as_ref(), entrances, &opened, runtime);
    let stopped = opened.engine.stop();
    served?;
    stopped?;
    Ok(Exit::Done)
}

/// Where clients come in.
struct Entrances {
    listeners: Listeners,
    /// What is spoken at the addresses, and where it is from.
    tls: Option<(Tls, CertificateFiles)>,
    /// When to read it again.
    hang_ups: HangUps,
}

impl Entrances {
    /// How an address of the server begins.
    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

fn run(
    place: &Place,
    asked: &Serve,
    demo: Option<&Demo>,
    entrances: Entrances,
    opened: &Opened,
    runtime: Runtime,
) -> Result<(), Failure> {
    let code = match demo {
        Some(_) => {
            demo::add_users(&opened.service)?;
            None
        }
        None => first_start(&opened.service)?,
    };
    let bound = SocketFile::control(&place.data);
    let (_socket, control) = bound.map_err(|error| socket::failure(&place.data, &error))?;
    let scheme = entrances.scheme();
    let Entrances { listeners: Listeners { addresses: listeners, sockets }, tls, hang_ups } = entrances;
    let (_files, sockets): (Vec<_>, Vec<_>) = sockets.into_iter().unzip();
    let addresses: Vec<_> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    let urls: Vec<_> = addresses.iter().map(|address| format!("{scheme}://{address}")).collect();
    let site_url = asked.site_url.clone().or_else(|| urls.first().cloned()).unwrap_or_default();
    let routes = routes(asked, &site_url)?;
    let served = runtime.block_on(async {
        let shutdown = stop_signal()?;
        let listeners =
            listeners.into_iter().map(tokio::net::TcpListener::from_std).collect::<Result<_, _>>()?;
        let sockets =
            sockets.into_iter().map(tokio::net::UnixListener::from_std).collect::<Result<_, _>>()?;
        let tls = tls.map(|(tls, files)| {
            tokio::spawn(hang_ups.renew(files, tls.clone()));
            tls
        });
        let server = Server {
            listeners,
            tls,
            sockets,
            control: Some(tokio::net::UnixListener::from_std(control)?),
            routes,
            proxies: asked.trust_proxy.iter().copied().collect(),
            service: opened.service.clone(),
            bounds: Bounds::default(),
        };
        announce(demo, &asked.listen, &urls, &addresses);
        if let Some(code) = &code {
            invite(code, &site_url);
        }
        tokio::spawn(show_loading(opened.engine.clone()));
        server.run(shutdown).await;
        Ok(())
    });
    // A request that was cut off may still wait for the disk; the engine waits for it, the runtime need not.
    runtime.shutdown_timeout(Duration::from_secs(limits::DRAIN_SECONDS));
    served.map_err(|error: std::io::Error| Failure::system("the server could not start", &error))
}

fn routes(asked: &Serve, site_url: &str) -> Result<Routes, Failure> {
    let gateway = if asked.open_verify { Gateway::default().open() } else { Gateway::default() };
    // The busiest first.
    let mut dialects: Vec<Arc<dyn Dialect>> =
        vec![Arc::new(gateway), Arc::new(Native::for_everyone(asked.open_verify))];
    // Before QReserve's API, whose keys are presented at `/`, too.
    dialects.push(Arc::new(Console::new(site_url)));
    dialects.extend(apis::served(asked, site_url)?);
    Ok(Routes { dialects, control: Some(Arc::new(Native::for_operator())), own: None })
}

/// Says where clients connect. Nobody may be listening to standard output; that stops nothing.
fn announce(demo: Option<&Demo>, places: &[ListenAt], urls: &[String], addresses: &[SocketAddr]) {
    for url in urls {
        let _ = line(&format!("listening on {url}"));
    }
    for socket in places.iter().filter(|place| matches!(place, ListenAt::Socket(_))) {
        let _ = line(&format!("listening on {socket}"));
    }
    if let (Some(_), Some(first)) = (demo, addresses.first()) {
        let _ = line(&demo::calls(*first));
    }
}

/// Shows on a terminal how far the hot index is, until it is ready. Elsewhere the log says when that begins and ends.
async fn show_loading(engine: Engine) {
    if !progress::is_shown() {
        return;
    }
    let mut bar = None;
    while let IndexState::Loading { percent, .. } = engine.index_state() {
        bar.get_or_insert_with(|| Progress::new("loading the hot index", 100)).at(percent.into());
        tokio::time::sleep(Duration::from_millis(limits::PROGRESS_INTERVAL_MS)).await;
    }
}

fn start_log() -> Result<(), Failure> {
    let level = std::env::var("KEYWARD_LOG").unwrap_or_default();
    let level = if level.is_empty() { "info" } else { &level };
    let wrong = |_| Failure::new(Exit::Usage, "KEYWARD_LOG must be error, warn, info, debug or trace");
    let level: LevelFilter = level.parse().map_err(wrong)?;
    // The details of other crates repeat what they are given: sled's, the name that a login looks for.
    let filter = Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("keyward", level);
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt::layer().with_writer(|| AboveBars).with_ansi(colours);
    tracing_subscriber::registry().with(log.with_filter(filter)).init();
    Ok(())
}

/// Makes the administrator that a store without users needs, if a password is given. Otherwise answers the code that
/// makes one in a browser.
fn first_start(service: &Service) -> Result<Option<Zeroizing<String>>, Failure> {
    if service.has_users()? {
        return Ok(None);
    }
    let Some(password) = given_password()? else { return Ok(service.begin_setup()?) };
    add_administrator(service, ADMIN, password.as_bytes())?;
    note("keyward: made the user admin, with the password given");
    Ok(None)
}

/// Says how whoever started this becomes administrator.
fn invite(code: &str, site_url: &str) {
    note(&format!(
        "keyward: nobody is here yet. Make the administrator at {}/console/setup\n\
         keyward: with this one-time code: {code}",
        site_url.trim_end_matches('/')
    ));
}

fn wrong(error: ParseError) -> Failure {
    Failure::new(Exit::Usage, error.to_string())
}

fn parsed(name: &str) -> Result<Username, Failure> {
    name.parse().map_err(wrong)
}

/// Adds an administrator of this name and password.
pub(super) fn add_administrator(service: &Service, name: &str, password: &[u8]) -> Result<(), Failure> {
    add_person(service, name, Role::Administrator, password)
}

/// Adds a person who can log in.
pub(super) fn add_person(service: &Service, name: &str, role: Role, password: &[u8]) -> Result<(), Failure> {
    let password = Password::new(password).map_err(wrong)?;
    let user = NewUser::person(parsed(name)?, role, Some(password));
    service.run(&Caller::operator(), AddUser(user))?;
    Ok(())
}

/// The administrator's password, if the environment has one.
fn given_password() -> Result<Option<Zeroizing<String>>, Failure> {
    let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty()).map(Zeroizing::new);
    match (text(ADMIN_PASSWORD), text(ADMIN_PASSWORD_FILE)) {
        (Some(_), Some(_)) => {
            Err(Failure::new(Exit::Usage, format!("set {ADMIN_PASSWORD} or {ADMIN_PASSWORD_FILE}, not both")))
        }
        (None, Some(file)) => {
            let read = std::fs::read_to_string(Path::new(file.as_str())).map(Zeroizing::new);
            let read =
                read.map_err(|error| Failure::system(&format!("{ADMIN_PASSWORD_FILE} {}", *file), &error))?;
            Ok(Some(Zeroizing::new(read.lines().next().unwrap_or_default().to_owned())))
        }
        (password, None) => Ok(password),
    }
}
