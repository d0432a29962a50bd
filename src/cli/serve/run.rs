//! `keyward serve`.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::args::data_dir::DataDir;
use crate::cli::args::serve::ServeArgs;
use crate::cli::failure::{CliError, Exit};
use crate::cli::serve::apis;
use crate::cli::serve::certificate::{CertificateFiles, HangupSignals};
use crate::cli::serve::demo::{self, Demo};
use crate::cli::serve::descriptors;
use crate::cli::serve::first_start;
use crate::cli::serve::listen::{Listeners, reached_at};
use crate::cli::serve::socket::{self, SocketFile};
use crate::cli::store::open::{self, OpenedStore};
use crate::cli::terminal::output::line;
use crate::cli::terminal::progress::{self, LogAboveBars, Progress};
use crate::cli::values::listen_at::ListenAt;
use crate::console::Console;
use crate::dialect::{Dialect, Gateway, Native, Welcome};
use crate::engine::{Engine, IndexState};
use crate::http::SiteUrl;
use crate::limits;
use crate::server::{Bounds, Routes, Server, Tls, stop_signal};
use crate::store::sled::OpenOptions;

/// Runs `keyward serve`: serves until SIGTERM or SIGINT.
pub(in crate::cli) fn serve(data_dir: DataDir, args: ServeArgs) -> Result<Exit, CliError> {
    start_log()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::system("the server could not be set up", &error))?;
    let hangups = HangupSignals::install(&runtime)?;
    // Bound before the store is opened: a wrong address creates no directory.
    let listeners = Listeners::bind(&args.listen)?;
    let demo = if args.demo { Some(Demo::new(&listeners)?) } else { None };
    let data_dir = demo.as_ref().map_or(data_dir, Demo::data_dir);
    let certificate = CertificateFiles::named_by(&args);
    let tls = certificate.as_ref().map(CertificateFiles::read).transpose()?.zip(certificate);
    descriptors::raise();
    let opened = open::open(&data_dir, OpenOptions { recover: args.recover, ..OpenOptions::default() })?;
    let entrances = Entrances { listeners, tls, hangups };
    let served = run(&data_dir, &args, demo.as_ref(), entrances, &opened, runtime);
    let stopped = opened.engine.stop();
    served?;
    stopped?;
    Ok(Exit::Done)
}

/// Listeners, and the certificate that their addresses present.
struct Entrances {
    listeners: Listeners,
    /// TLS of the addresses, and the files of its certificate.
    tls: Option<(Tls, CertificateFiles)>,
    /// Signals to read the certificate again.
    hangups: HangupSignals,
}

impl Entrances {
    /// Scheme of the server's addresses.
    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

fn run(
    data_dir: &DataDir,
    args: &ServeArgs,
    demo: Option<&Demo>,
    entrances: Entrances,
    opened: &OpenedStore,
    runtime: Runtime,
) -> Result<(), CliError> {
    let code = match demo {
        Some(_) => {
            first_start::unused_by_a_demo()?;
            demo::add_users(&opened.service)?;
            None
        }
        None => first_start::administrator(opened)?,
    };
    let bound = SocketFile::control(&data_dir.data);
    let (_socket, control) = bound.map_err(|error| socket::failure(&data_dir.data, &error))?;
    let scheme = entrances.scheme();
    let Entrances { listeners, tls, hangups } = entrances;
    let urls: Vec<_> =
        listeners.bound().into_iter().map(|address| format!("{scheme}://{}", reached_at(address))).collect();
    let Listeners { addresses: listeners, sockets } = listeners;
    let (_files, sockets): (Vec<_>, Vec<_>) = sockets.into_iter().unzip();
    let site = match &args.site_url {
        Some(site) => site.clone(),
        None => urls.first().map_or("http://localhost", String::as_str).parse().map_err(CliError::usage)?,
    };
    let routes = routes(args, &site)?;
    let served = runtime.block_on(async {
        let shutdown = stop_signal()?;
        let listeners =
            listeners.into_iter().map(tokio::net::TcpListener::from_std).collect::<Result<_, _>>()?;
        let sockets =
            sockets.into_iter().map(tokio::net::UnixListener::from_std).collect::<Result<_, _>>()?;
        let tls = tls.map(|(tls, files)| {
            tokio::spawn(hangups.renew(files, tls.clone()));
            tls
        });
        let server = Server {
            listeners,
            tls,
            sockets,
            control: Some(tokio::net::UnixListener::from_std(control)?),
            routes,
            proxies: args.trust_proxy.iter().copied().collect(),
            service: opened.service.clone(),
            bounds: Bounds::default(),
        };
        announce(args, &urls);
        if let Some(demo) = demo {
            let _ = line(&demo.introduction(urls.first().map_or("", String::as_str), args));
        }
        if let Some(code) = &code {
            first_start::invite(code, &site);
        }
        tokio::spawn(show_loading(opened.engine.clone()));
        server.run(shutdown).await;
        Ok(())
    });
    // An interrupted request may still wait for the disk. The engine waits for it when it stops, so the runtime does not.
    runtime.shutdown_timeout(Duration::from_secs(limits::DRAIN_SECONDS));
    served.map_err(|error: std::io::Error| CliError::system("the server could not start", &error))
}

fn routes(args: &ServeArgs, site: &SiteUrl) -> Result<Routes, CliError> {
    let gateway = if args.open_verify { Gateway::default().open() } else { Gateway::default() };
    let names: Vec<_> = apis::names(args).collect();
    let welcome = Welcome::new(names.iter().map(|(name, path)| (name.as_str(), *path)));
    // The dialects with most requests are first: an exact claim ends the search.
    let mut dialects: Vec<Arc<dyn Dialect>> = vec![
        Arc::new(gateway),
        Arc::new(Native::for_everyone(args.open_verify)),
        Arc::new(Console::new(site.clone())),
        Arc::new(welcome),
    ];
    dialects.extend(apis::served(args, site)?);
    Ok(Routes { dialects, control: Some(Arc::new(Native::for_operator())), own: None })
}

/// Prints the addresses of the server. A closed standard output is ignored.
fn announce(args: &ServeArgs, urls: &[String]) {
    for url in urls {
        let _ = line(&format!("listening on {url}"));
    }
    for socket in args.listen.iter().filter(|place| matches!(place, ListenAt::Socket(_))) {
        let _ = line(&format!("listening on {socket}"));
    }
}

/// Shows the progress of the index loader on a terminal. Without a terminal, the log has its start and end.
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

fn start_log() -> Result<(), CliError> {
    let level = std::env::var("KEYWARD_LOG").unwrap_or_default();
    let level = if level.is_empty() { "info" } else { &level };
    let wrong = |_| CliError::new(Exit::Usage, "KEYWARD_LOG must be error, warn, info, debug or trace");
    let level: LevelFilter = level.parse().map_err(wrong)?;
    // Debug messages of other crates may repeat secrets or personal data: those of sled, the name of a login.
    let filter = Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("keyward", level);
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt::layer().with_writer(|| LogAboveBars).with_ansi(colours);
    tracing_subscriber::registry().with(log.with_filter(filter)).init();
    Ok(())
}
