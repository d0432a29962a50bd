//! The certificate that `serve` shows, from its files.

use std::io;
use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use super::args::Serve;
use super::failure::{Exit, Failure};
use crate::server::Tls;

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub(super) struct CertificateFiles {
    chain: PathBuf,
    key: PathBuf,
}

impl CertificateFiles {
    /// Those that were asked for.
    pub(super) fn asked(asked: &Serve) -> Option<Self> {
        let (chain, key) = asked.tls_cert.clone().zip(asked.tls_key.clone())?;
        Some(Self { chain, key })
    }

    /// Reads them for the first time.
    pub(super) fn read(&self) -> Result<Tls, Failure> {
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
        let text = format!("{} and {}: {refused}", self.chain.display(), self.key.display());
        Failure::new(Exit::Usage, text)
    }

    fn read_again(&self, tls: &Tls) -> Result<(), Failure> {
        let (chain, key) = self.contents()?;
        tls.exchange(&chain, &key).map_err(|refused| self.refused(&refused))
    }
}

/// Has the files read again at each SIGHUP, for as long as it is polled. What cannot be used changes nothing.
pub(super) fn renewal(files: CertificateFiles, tls: Tls) -> io::Result<impl Future<Output = ()> + Send> {
    let mut asked = signal(SignalKind::hangup())?;
    Ok(async move {
        while asked.recv().await.is_some() {
            match files.read_again(&tls) {
                Ok(()) => tracing::info!(?files, "the certificate was read again"),
                Err(failure) => tracing::error!(%failure, "the certificate stays as it was"),
            }
        }
    })
}
