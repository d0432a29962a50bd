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

use crate::cli::api::client::ApiClient;
use crate::cli::args::store::ClockCommand;
use crate::cli::args::{Args, CliCommand};
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::note;
use crate::clock::SystemClock;

/// Runs the command line of this process and returns its exit code.
pub fn run() -> ExitCode {
    no_core_dumps::begin();
    // From here on, only the user of this process may use the files that it creates.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let args = match command_line::args() {
        Ok(args) => args,
        Err(answer) => {
            let exit = if answer.use_stderr() { Exit::Usage } else { Exit::Done };
            // Standard output or error may be closed.
            let _ = without_values(answer).print();
            return exit.into();
        }
    };
    let exit = carry_out(args).unwrap_or_else(|error| {
        if !error.is_quiet() {
            note(&format!("keyward: {error}"));
        }
        error.exit
    });
    exit.into()
}

fn carry_out(args: Args) -> Result<Exit, CliError> {
    let Args { data_dir, output, command } = args;
    if SystemClock::is_before_1970() {
        return Err(CliError::new(
            Exit::Failed,
            "the system's clock shows a time before 1970: set it, then try again",
        ));
    }
    match command {
        CliCommand::Serve(serve) => serve::run::serve(data_dir, serve),
        CliCommand::User(command) => {
            ApiClient::with(&data_dir, |client| api::user::run(client, output, command))
        }
        CliCommand::Key(command) => {
            ApiClient::with(&data_dir, |client| api::key::run(client, output, command))
        }
        CliCommand::Company(command) => {
            ApiClient::with(&data_dir, |client| api::company::run(client, output, command))
        }
        CliCommand::Audit(args) => {
            ApiClient::with(&data_dir, |client| api::audit::run(client, output, &args))
        }
        CliCommand::Check { repair: true } => store::repair::repair(&data_dir),
        CliCommand::Check { repair: false } => {
            ApiClient::with(&data_dir, |client| store::check::run(client, output))
        }
        CliCommand::Backup { file, force } => {
            ApiClient::with(&data_dir, |client| store::backup::back_up(client, &file, force))
        }
        CliCommand::Restore(args) => store::restore::restore(&data_dir, &args),
        CliCommand::Secret(command) => store::peppers::run(&data_dir, output, &command),
        CliCommand::Clock(ClockCommand::Accept) => {
            ApiClient::with(&data_dir, |client| store::clock::accept(client, output))
        }
        CliCommand::Compact => store::repair::compact(&data_dir),
        CliCommand::Bench(args) => bench::run(&args, output),
    }
}

/// Removes typed values from an error of clap.
///
/// # Security
/// A key or password that the caller typed in the wrong position must not reach the log of the program that runs the
/// command.
fn without_values(mut answer: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidValue, ContextKind::InvalidSubcommand] {
        let typed = match answer.get(kind) {
            // Names of options begin with a dash, names of positional arguments with a bracket.
            Some(ContextValue::String(text)) => !text.starts_with(['-', '<', '[']),
            _ => false,
        };
        if typed {
            answer.insert(kind, ContextValue::String("…".to_owned()));
        }
    }
    answer
}
