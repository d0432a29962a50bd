//! The certificate that `serve` shows, from its files.

use std::fmt;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use zeroize::Zeroizing;

use crate::cli::args::Serve;
use crate::cli::failure::{Exit, Failure};
use crate::server::Tls;

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub(in crate::cli) struct CertificateFiles {
    chain: PathBuf,
    key: PathBuf,
}

impl CertificateFiles {
    /// Those that were asked for.
    pub(in crate::cli) fn asked(asked: &Serve) -> Option<Self> {
        let (chain, key) = asked.tls_cert.clone().zip(asked.tls_key.clone())?;
        Some(Self { chain, key })
    }

    /// Reads them for the first time.
    pub(in crate::cli) fn read(&self) -> Result<Tls, Failure> {
        let (chain, key) = self.contents()?;
        Tls::new(&chain, &key).map_err(|refused| self.refused(&refused))
    }

    fn contents(&self) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), Failure> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| Failure::system(&path.display().to_string(), &error))
        };
        Ok((read(&self.chain)?, Zeroizing::new(read(&self.key)?)))
    }

    fn refused(&self, refused: &crate::server::TlsError) -> Failure {
        Failure::new(Exit::Usage, format!("{self}: {refused}"))
    }

    fn read_again(&self, tls: &Tls) -> Result<(), Failure> {
        let (chain, key) = self.contents()?;
        tls.exchange(&chain, &key).map_err(|refused| self.refused(&refused))
    }
}

impl fmt::Display for CertificateFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", self.chain.display(), self.key.display())
    }
}

/// The hang-ups that this process is told of. From when there is one of these on, none ends the process.
pub(in crate::cli) struct HangUps(Signal);

impl HangUps {
    /// Takes note of every hang-up from now on.
    ///
    /// # Errors
    /// The system's, when it takes no handler.
    pub(in crate::cli) fn noted(runtime: &Runtime) -> Result<Self, Failure> {
        let _here = runtime.enter();
        let signals = signal(SignalKind::hangup());
        signals.map(Self).map_err(|error| Failure::system("the server could not be set up", &error))
    }

    /// Has the files read again at each hang-up, for as long as this is polled. What cannot be used changes nothing.
    pub(in crate::cli) async fn renew(mut self, files: CertificateFiles, tls: Tls) {
        while self.0.recv().await.is_some() {
            match files.read_again(&tls) {
                Ok(()) => tracing::info!(%files, "the certificate was read again"),
                Err(failure) => tracing::error!(%failure, "the certificate stays as it was"),
            }
        }
    }
}
