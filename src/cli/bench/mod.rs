//! `keyward bench`: how fast keyward is on this machine, with a temporary store.

mod creates;
mod http;
mod latency;
mod material;
mod memory;
mod report;
mod server;

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::cli::args::store::BenchArgs;
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::OutputFormat;
use crate::cli::terminal::output::line;
use crate::cli::terminal::progress::Progress;
use crate::command::Service;
use crate::engine::{Engine, IndexState, NewKind, NewUser, Parts};
use crate::entropy::OsEntropy;
use crate::key::{Actor, PepperRing, Role};
use crate::store::SledStore;
use crate::store::sled::OpenOptions;
use crate::verify::Verifier;

use self::creates::Creates;
use self::http::Http;
use self::material::Material;
use self::memory::Verifies;

/// Measured figures.
struct Figures {
    keys: u64,
    seconds: u64,
    processors: usize,
    /// Creates while the store was filled.
    fill: Creates,
    verify: Vec<Verifies>,
    http: Vec<Http>,
    creates: Vec<Creates>,
}

/// Measures and reports.
pub(super) fn run(args: &BenchArgs, output: OutputFormat) -> Result<Exit, CliError> {
    let dir = TempDir::with_prefix("keyward-bench-");
    let dir = dir.map_err(|error| CliError::system("no temporary directory could be made", &error))?;
    let (store, _) = SledStore::open(dir.path(), OpenOptions::default())?;
    let engine = Engine::open(Parts::new(store, PepperRing::generate(&OsEntropy)?))?;
    let figures = measure(&engine, dir.path(), args);
    let stopped = engine.stop();
    let figures = figures?;
    stopped?;
    if args.json || output == OutputFormat::Json {
        line(&report::json(&figures).to_string())?;
    } else {
        report::text(&figures)?;
    }
    Ok(Exit::Done)
}

fn measure(engine: &Engine, data: &Path, args: &BenchArgs) -> Result<Figures, CliError> {
    let length = Duration::from_secs(args.seconds);
    let wrong = |error: crate::key::ParseError| CliError::new(Exit::Failed, error.to_string());
    let bot =
        NewUser { kind: NewKind::Bot, ..NewUser::person("bench".parse().map_err(wrong)?, Role::User, None) };
    let owner = engine.add_user(Actor::Operator, bot)?.id;
    let progress = Progress::new("filling a temporary store", args.keys);
    let (fill, issued) = creates::fill(engine, owner, args.keys, &progress)?;
    let material = Material::new(issued)?;
    while engine.index_state() != IndexState::Ready {
        latency::pause(Duration::from_millis(10));
    }
    // Before anything is verified: uses are written behind, and would be while creates are measured.
    let progress = Progress::new("measuring", creates::STEPS + memory::STEPS + http::STEPS);
    let creates = creates::measure(engine, owner, data, length, &progress)?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let verifier = Verifier::new(engine.reader());
    Ok(Figures {
        keys: args.keys,
        seconds: args.seconds,
        processors,
        fill,
        verify: memory::measure(&verifier, &material, processors, length, &progress)?,
        http: http::measure(&Service::new(engine.clone()), &material, length, &progress)?,
        creates,
    })
}
