//! `keyward serve`.

use std::fmt;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::args::{Place, Serve};
use crate::cli::failure::{Exit, Failure};
use crate::cli::serve::apis;
use crate::cli::serve::certificate::{CertificateFiles, HangUps};
use crate::cli::serve::demo::{self, Demo};
use crate::cli::serve::descriptors;
use crate::cli::serve::first_start;
use crate::cli::serve::listen::{ListenAt, Listeners, reached_at};
use crate::cli::serve::socket::{self, SocketFile};
use crate::cli::store::open::{self, Opened};
use crate::cli::terminal::output::line;
use crate::cli::terminal::progress::{self, AboveBars, Progress};
use crate::console::Console;
use crate::dialect::{Dialect, Gateway, Native, Welcome};
use crate::engine::{Engine, IndexState};
use crate::http::SiteUrl;
use crate::limits;
use crate::server::{Bounds, Routes, Server, Tls, stop_signal};
use crate::store::sled::OpenOptions;

/// Serves until the process is asked to stop.
pub(in crate::cli) fn serve(place: Place, asked: Serve) -> Result<Exit, Failure> {
    start_log()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system("the server could not be set up", &error))?;
    let hang_ups = HangUps::noted(&runtime)?;
    // Bound before anything is opened: a wrong address leaves nothing behind.
    let listeners = Listeners::bind(&asked.listen)?;
    let demo = if asked.demo { Some(Demo::new(&listeners)?) } else { None };
    let place = demo.as_ref().map_or(place, Demo::place);
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
            first_start::unused_by_a_demo()?;
            demo::add_users(&opened.service)?;
            None
        }
        None => first_start::administrator(opened)?,
    };
    let bound = SocketFile::control(&place.data);
    let (_socket, control) = bound.map_err(|error| socket::failure(&place.data, &error))?;
    let scheme = entrances.scheme();
    let Entrances { listeners, tls, hang_ups } = entrances;
    let urls: Vec<_> =
        listeners.bound().into_iter().map(|address| format!("{scheme}://{}", reached_at(address))).collect();
    let Listeners { addresses: listeners, sockets } = listeners;
    let (_files, sockets): (Vec<_>, Vec<_>) = sockets.into_iter().unzip();
    let site = match &asked.site_url {
        Some(site) => site.clone(),
        None => urls.first().map_or("http://localhost", String::as_str).parse().map_err(wrong)?,
    };
    let routes = routes(asked, &site)?;
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
        announce(asked, &urls);
        if let Some(demo) = demo {
            let _ = line(&demo.introduction(urls.first().map_or("", String::as_str), asked));
        }
        if let Some(code) = &code {
            first_start::invite(code, &site);
        }
        tokio::spawn(show_loading(opened.engine.clone()));
        server.run(shutdown).await;
        Ok(())
    });
    // A request that was cut off may still wait for the disk; the engine waits for it, the runtime need not.
    runtime.shutdown_timeout(Duration::from_secs(limits::DRAIN_SECONDS));
    served.map_err(|error: std::io::Error| Failure::system("the server could not start", &error))
}

fn routes(asked: &Serve, site: &SiteUrl) -> Result<Routes, Failure> {
    let gateway = if asked.open_verify { Gateway::default().open() } else { Gateway::default() };
    let names: Vec<_> = apis::names(asked).collect();
    let welcome = Welcome::new(names.iter().map(|(name, path)| (name.as_str(), *path)));
    // The busiest first: an exact claim ends the search.
    let mut dialects: Vec<Arc<dyn Dialect>> = vec![
        Arc::new(gateway),
        Arc::new(Native::for_everyone(asked.open_verify)),
        Arc::new(Console::new(site.clone())),
        Arc::new(welcome),
    ];
    dialects.extend(apis::served(asked, site)?);
    Ok(Routes { dialects, control: Some(Arc::new(Native::for_operator())), own: None })
}

/// Says where clients connect. Nobody may be listening to standard output; that stops nothing.
fn announce(asked: &Serve, urls: &[String]) {
    for url in urls {
        let _ = line(&format!("listening on {url}"));
    }
    for socket in asked.listen.iter().filter(|place| matches!(place, ListenAt::Socket(_))) {
        let _ = line(&format!("listening on {socket}"));
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

pub(in crate::cli) fn wrong(error: impl fmt::Display) -> Failure {
    Failure::new(Exit::Usage, error.to_string())
}
