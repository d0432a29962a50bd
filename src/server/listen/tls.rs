//! TLS: the certificate, which is replaced while the server runs, and the listener.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::listener::{Listener, Protocol};

/// TLS 1.2 and 1.3, with one certificate for every name. Clones share it.
///
/// Clients that offer HTTP/2 get it, all others HTTP/1.1. No client is asked for a certificate.
///
/// # Security
/// No request is read before the handshake is over (0-RTT), since an attacker could replay it.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<CurrentCertificate>,
}

/// Reason why a certificate is not taken.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The chain is not PEM, or holds no certificate: give the server's own certificate first, then those up to a root.
    #[error("no certificate can be read: a PEM file with the server's own first is needed")]
    NoCertificate,
    /// The key is not PEM, or holds no private key.
    #[error(
        "no private key can be read: a PEM file with one in PKCS #8, PKCS #1 or SEC1 is needed, not encrypted"
    )]
    NoKey,
    /// The key is of a kind that is not supported; RSA, ECDSA (P-256, P-384) and Ed25519 are.
    #[error("the private key is of no supported kind")]
    UnsupportedKey,
    /// The key is another certificate's.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    /// The build has no supported version of TLS.
    #[error("TLS is not available")]
    Unavailable,
}

/// Certificate for new connections.
#[derive(Debug)]
struct CurrentCertificate(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Tls {
    /// Reads a chain of certificates, the server's own first, and its private key, both PEM.
    ///
    /// # Errors
    /// [`TlsError`], which repeats nothing of the chain or the key.
    pub fn new(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let current = Arc::new(CurrentCertificate(ArcSwap::from_pointee(certified(chain, key)?)));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::Unavailable)?;
        let mut config = config
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = [HTTP2, b"http/1.1"].map(<[u8]>::to_vec).into();
        Ok(Self { acceptor: Arc::new(config).into(), current })
    }

    /// Replaces the certificate for new connections. Open connections keep the one before.
    ///
    /// # Errors
    /// As [`Tls::new`]; then the certificate stays as it was.
    pub fn exchange(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        self.current.0.store(Arc::new(certified(chain, key)?));
        Ok(())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

fn certified(chain: &[u8], key: &[u8]) -> Result<CertifiedKey, TlsError> {
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
    let key = default_provider().key_provider.load_private_key(key).map_err(|_| TlsError::UnsupportedKey)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // A key that does not give its public half cannot be compared.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch),
        Err(_) => Err(TlsError::NoCertificate),
    }
}

const HTTP2: &[u8] = b"h2";

/// Listener whose clients speak TLS.
pub(in crate::server) struct TlsListener {
    pub(in crate::server) listener: TcpListener,
    pub(in crate::server) tls: Tls,
}

impl Listener for TlsListener {
    type Accepted = (std::net::TcpStream, TlsAcceptor);
    type Stream = TlsStream<TcpStream>;

    async fn next(&self) -> io::Result<(Self::Accepted, Option<IpAddr>)> {
        let (stream, peer) = self.listener.next().await?;
        Ok(((stream, self.tls.acceptor.clone()), peer))
    }

    async fn open((accepted, acceptor): Self::Accepted) -> io::Result<(Self::Stream, Protocol)> {
        let stream = acceptor.accept(TcpStream::from_std(accepted)?).await?;
        let (_, session) = stream.get_ref();
        let protocol = if session.alpn_protocol() == Some(HTTP2) { Protocol::Http2 } else { Protocol::Http1 };
        Ok((stream, protocol))
    }

    /// A session's state is bound to its stream, so a connection stays on its thread.
    const MOVES: bool = false;

    fn release(_: Self::Stream) -> io::Result<Self::Accepted> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn is_local(&self) -> bool {
        self.listener.is_local()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn pair() -> (String, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    #[test]
    fn what_is_no_certificate_with_its_key_is_told_apart_and_changes_nothing() {
        let ((chain, key), (other, _)) = (pair(), pair());
        let tls = Tls::new(chain.as_bytes(), key.as_bytes()).unwrap();
        let before = tls.current.0.load_full();
        let refused = |chain: &str, key: &str| tls.exchange(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(matches!(refused("", &key), TlsError::NoCertificate));
        assert!(matches!(refused(&key, &key), TlsError::NoCertificate));
        assert!(matches!(refused(chain.split_at(200).0, &key), TlsError::NoCertificate));
        assert!(matches!(refused(&chain, ""), TlsError::NoKey));
        assert!(matches!(refused(&chain, &chain), TlsError::NoKey));
        assert!(matches!(refused(&other, &key), TlsError::Mismatch));
        let hollow = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(matches!(refused(&chain, hollow), TlsError::UnsupportedKey));
        let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(refused(hollow, &key), TlsError::NoCertificate));
        assert!(Arc::ptr_eq(&before, &tls.current.0.load_full()));
        let (chain, key) = pair();
        tls.exchange(chain.as_bytes(), key.as_bytes()).unwrap();
        assert!(!Arc::ptr_eq(&before, &tls.current.0.load_full()));
    }
}
