//! Arguments of the commands about the store as a whole.

use std::path::PathBuf;

use clap::{Subcommand, value_parser};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BenchArgs {
    /// Keys to fill the temporary store with
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = value_parser!(u64).range(1..=100_000_000))]
    pub(in crate::cli) keys: u64,
    /// Length of each measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = value_parser!(u64).range(1..=3_600))]
    pub(in crate::cli) seconds: u64,
    /// Print the figures as one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ClockCommand {
    /// Accept a clock that is more than a day ahead of the newest time in the store, as after a long stop: the server
    /// removes expired records again; also while a server runs
    Accept,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SecretCommand {
    /// List the peppers, and how many secrets are hashed under each
    List,
    /// Add a new pepper to the secret file; the server uses it from its next start on
    Rotate,
    /// Remove a pepper that no stored key uses; the server must be stopped
    Retire {
        /// Number of the pepper
        number: u8,
    },
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RestoreArgs {
    /// File that `keyward backup` wrote
    pub(in crate::cli) file: PathBuf,
    /// Restore even if the backup gives back rights that were removed after it (revoked, narrowed or deleted keys;
    /// passwords, roles and access of users), or if the present store cannot be read
    #[arg(long)]
    pub(in crate::cli) bring_back: bool,
    /// Remove the store that the previous restore kept
    #[arg(long)]
    pub(in crate::cli) force: bool,
}
