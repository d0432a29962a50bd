//! The command line: keyward's own API, spoken to a running server or to the store itself.

mod api;
mod args;
mod bench;
mod command_line;
mod failure;
mod no_core_dumps;
mod serve;
mod store;
mod terminal;
mod values;

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};

use crate::cli::api::client::Door;
use crate::cli::args::{Args, ClockTask, Task};
use crate::cli::failure::{Exit, Failure};
use crate::clock::SystemClock;

/// Runs the command line of this process and returns its exit code.
pub fn run() -> ExitCode {
    no_core_dumps::begin();
    // Whatever is created from here on is for its owner alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let args = match command_line::args() {
        Ok(args) => args,
        Err(answer) => {
            let exit = if answer.use_stderr() { Exit::Usage } else { Exit::Done };
            // With nowhere to print there is nobody to tell.
            let _ = without_values(answer).print();
            return exit.into();
        }
    };
    let exit = carry_out(args).unwrap_or_else(|failure| {
        failure.tell();
        failure.exit
    });
    exit.into()
}

fn carry_out(args: Args) -> Result<Exit, Failure> {
    let Args { place, output, task } = args;
    if SystemClock::is_before_1970() {
        return Err(Failure::new(
            Exit::Failed,
            "the system's clock shows a time before 1970: set it, then try again",
        ));
    }
    match task {
        Task::Serve(serve) => serve::run::serve(place, serve),
        Task::User(task) => Door::with(&place, |door| api::user::run(door, output, task)),
        Task::Key(task) => Door::with(&place, |door| api::key::run(door, output, task)),
        Task::Company(task) => Door::with(&place, |door| api::company::run(door, output, task)),
        Task::Audit(asked) => Door::with(&place, |door| api::audit::run(door, output, &asked)),
        Task::Check { repair: true } => store::repair::repair(&place),
        Task::Check { repair: false } => Door::with(&place, |door| store::check::run(door, output)),
        Task::Backup { file, force } => Door::with(&place, |door| store::backup::back_up(door, &file, force)),
        Task::Restore(asked) => store::restore::restore(&place, &asked),
        Task::Secret(task) => store::peppers::run(&place, output, &task),
        Task::Clock(ClockTask::Accept) => Door::with(&place, |door| store::clock::accept(door, output)),
        Task::Compact => store::repair::compact(&place),
        Task::Bench(asked) => bench::run(&asked, output),
    }
}

/// The same answer without what was typed where a value belongs: a key or password in the wrong place would end up
/// in the log of whatever runs the command.
fn without_values(mut answer: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidValue, ContextKind::InvalidSubcommand] {
        let typed = match answer.get(kind) {
            // Names of arguments begin with a dash or, when they have a place instead, with a bracket.
            Some(ContextValue::String(text)) => !text.starts_with(['-', '<', '[']),
            _ => false,
        };
        if typed {
            answer.insert(kind, ContextValue::String("…".to_owned()));
        }
    }
    answer
}
