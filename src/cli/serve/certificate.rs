//! Certificate of the server, read from its files at start and at each SIGHUP.

use std::fmt;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use zeroize::Zeroizing;

use crate::cli::args::serve::ServeArgs;
use crate::cli::failure::{CliError, Exit};
use crate::server::Tls;

/// Paths of a certificate chain and its private key.
#[derive(Clone, Debug)]
pub(in crate::cli) struct CertificateFiles {
    chain: PathBuf,
    key: PathBuf,
}

impl CertificateFiles {
    /// Files that the arguments name, if any.
    pub(in crate::cli) fn named_by(args: &ServeArgs) -> Option<Self> {
        let (chain, key) = args.tls_cert.clone().zip(args.tls_key.clone())?;
        Some(Self { chain, key })
    }

    /// Reads them for the first time.
    pub(in crate::cli) fn read(&self) -> Result<Tls, CliError> {
        let (chain, key) = self.contents()?;
        Tls::new(&chain, &key).map_err(|refused| self.refused(&refused))
    }

    fn contents(&self) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), CliError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| CliError::system(&path.display().to_string(), &error))
        };
        Ok((read(&self.chain)?, Zeroizing::new(read(&self.key)?)))
    }

    fn refused(&self, refused: &crate::server::TlsError) -> CliError {
        CliError::new(Exit::Usage, format!("{self}: {refused}"))
    }

    fn read_again(&self, tls: &Tls) -> Result<(), CliError> {
        let (chain, key) = self.contents()?;
        tls.exchange(&chain, &key).map_err(|refused| self.refused(&refused))
    }
}

impl fmt::Display for CertificateFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", self.chain.display(), self.key.display())
    }
}

/// Stream of SIGHUP signals. Once it exists, SIGHUP no longer ends the process.
pub(in crate::cli) struct HangupSignals(Signal);

impl HangupSignals {
    /// Installs the handler of SIGHUP.
    ///
    /// # Errors
    /// The system's, when it takes no handler.
    pub(in crate::cli) fn install(runtime: &Runtime) -> Result<Self, CliError> {
        let _here = runtime.enter();
        let signals = signal(SignalKind::hangup());
        signals.map(Self).map_err(|error| CliError::system("the server could not be set up", &error))
    }

    /// Reads the files again at each SIGHUP, for as long as the future is polled. Unusable files change nothing.
    pub(in crate::cli) async fn renew(mut self, files: CertificateFiles, tls: Tls) {
        while self.0.recv().await.is_some() {
            match files.read_again(&tls) {
                Ok(()) => tracing::info!(%files, "the certificate was read again"),
                Err(failure) => tracing::error!(%failure, "the certificate stays as it was"),
            }
        }
    }
}
