//! Options that name the data directory and the secret file.

use std::path::PathBuf;

pub(in crate::cli) const EVERYWHERE: &str = "Options of every command";

/// Data directory and secret file of a store.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = EVERYWHERE)]
pub(in crate::cli) struct DataDir {
    /// Data directory
    #[arg(long, global = true, value_name = "DIR", env = "KEYWARD_DATA", default_value = "./keyward-data")]
    pub(in crate::cli) data: PathBuf,
    /// Secret file, to be backed up apart from the data [default: DIR/secret]
    #[arg(long, global = true, value_name = "FILE", env = "KEYWARD_SECRET_FILE")]
    pub(in crate::cli) secret_file: Option<PathBuf>,
}
