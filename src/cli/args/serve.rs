//! Arguments of `keyward serve`.

use std::path::PathBuf;

use crate::cli::values::api::{Api, ApiAt};
use crate::cli::values::listen_at::ListenAt;
use crate::http::{SiteUrl, TrustedPeer};

/// The part of `serve --help` about the first start.
const FIRST_START: &str = "\
The first start makes the secret file. It also makes the user admin, an administrator, if a password of at least 8
characters is in KEYWARD_ADMIN_PASSWORD, or in the first line of the file KEYWARD_ADMIN_PASSWORD_FILE. Otherwise, as long
as no administrator has a password, it prints a one-time code on standard error, with which /console/setup makes one.
KEYWARD_LOG sets the level of the log on standard error: error, warn, info (the default), debug or trace. An empty
variable counts as not set.";

#[derive(Debug, clap::Args)]
#[command(after_help = FIRST_START)]
pub(in crate::cli) struct ServeArgs {
    /// Address, name or port like :8080 to listen on or, as unix:/path, a socket; may be given several times
    #[arg(
        long,
        value_name = "PLACE",
        env = "KEYWARD_LISTEN",
        value_delimiter = ',',
        default_value = "127.0.0.1:8080"
    )]
    pub(in crate::cli) listen: Vec<ListenAt>,
    /// PEM file of the certificate chain, the server's own certificate first: addresses then speak TLS and HTTP/2, sockets
    /// still neither; SIGHUP reads it and the key again
    #[arg(
        long,
        value_name = "FILE",
        env = "KEYWARD_TLS_CERT",
        requires = "tls_key",
        conflicts_with = "demo"
    )]
    pub(in crate::cli) tls_cert: Option<PathBuf>,
    /// PEM file of the certificate's private key
    #[arg(long, value_name = "FILE", env = "KEYWARD_TLS_KEY", requires = "tls_cert")]
    pub(in crate::cli) tls_key: Option<PathBuf>,
    /// Proxy whose X-Forwarded-For is trusted: an address, a network, or unix for every client of a socket; may be given
    /// several times
    #[arg(long, value_name = "NET", env = "KEYWARD_TRUST_PROXY", value_delimiter = ',')]
    pub(in crate::cli) trust_proxy: Vec<TrustedPeer>,
    /// Let every client verify keys; without it, a client on other than loopback addresses needs a service key
    #[arg(long)]
    pub(in crate::cli) open_verify: bool,
    /// Public address of this server: scheme and host, and the path of the console, if any
    #[arg(long, value_name = "URL", env = "KEYWARD_SITE_URL")]
    pub(in crate::cli) site_url: Option<SiteUrl>,
    /// Documented API not to serve; may be given several times
    #[arg(long, value_name = "API", env = "KEYWARD_WITHOUT", value_delimiter = ',', value_enum)]
    pub(in crate::cli) without: Vec<Api>,
    /// Path prefix of a documented API, like filebin=/fb; may be given several times
    #[arg(long, value_name = "API=PATH", env = "KEYWARD_API_AT", value_delimiter = ',')]
    pub(in crate::cli) api_at: Vec<ApiAt>,
    /// Start without acknowledged data that is missing
    #[arg(long)]
    pub(in crate::cli) recover: bool,
    /// Serve a temporary directory with well-known passwords, on loopback only
    #[arg(long, conflicts_with = "recover")]
    pub(in crate::cli) demo: bool,
}
