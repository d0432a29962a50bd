//! Arguments of the command line: one file for each group of commands. A doc comment here is the help that a caller reads.

pub(in crate::cli) mod audit;
pub(in crate::cli) mod data_dir;
pub(in crate::cli) mod keys;
pub(in crate::cli) mod page;
pub(in crate::cli) mod serve;
pub(in crate::cli) mod store;
pub(in crate::cli) mod users;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use self::audit::AuditArgs;
use self::data_dir::{DataDir, EVERYWHERE};
use self::keys::KeyCommand;
use self::serve::ServeArgs;
use self::store::{BenchArgs, ClockCommand, RestoreArgs, SecretCommand};
use self::users::{CompanyCommand, UserCommand};
use crate::cli::failure::EXIT_CODES;
use crate::cli::terminal::output::OutputFormat;

/// API keys in one binary: issue, list, restrict, rotate, revoke and verify
#[derive(Debug, Parser)]
#[command(name = "keyward", version, after_help = EXIT_CODES)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(in crate::cli) data_dir: DataDir,
    /// Format of answers: text for people, or the JSON of the API
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Text, help_heading = EVERYWHERE)]
    pub(in crate::cli) output: OutputFormat,
    #[command(subcommand)]
    pub(in crate::cli) command: CliCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CliCommand {
    /// Serve the APIs until SIGTERM or SIGINT
    Serve(ServeArgs),
    /// Add, list and change users
    #[command(subcommand)]
    User(UserCommand),
    /// Issue, list, change and verify keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Add, list and change companies
    #[command(subcommand)]
    Company(CompanyCommand),
    /// List who changed what and when, newest first, one page at a time; or prove that no event was changed since
    Audit(AuditArgs),
    /// Check the whole store and report entries that contradict each other
    Check {
        /// Rebuild the store from its records, with every index made anew and without records that cannot be read; the
        /// server must be stopped, and the old store is kept
        #[arg(long)]
        repair: bool,
    },
    /// Copy the whole store as of one moment, also while a server runs; the secret file is not copied
    Backup {
        /// File to write, or - for standard output
        file: PathBuf,
        /// Overwrite the file if it exists
        #[arg(long)]
        force: bool,
    },
    /// Replace the store by a backup; the server must be stopped
    Restore(RestoreArgs),
    /// List, rotate and remove peppers, the secrets under which keys are hashed, sealed and signed
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Confirm that the machine's clock is right
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Return disk space that the store does not use; the server must be stopped
    Compact,
    /// Measure how fast keyward is on this machine, with a temporary store
    Bench(BenchArgs),
}
