//! TLS: who speaks what, and what those get who do not speak it.

use std::sync::Arc;

use keyward::server::{Bounds, Tls};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Client, Running, SOON, Setting, bounded, patient};

/// A certificate for `localhost`.
pub(crate) struct Certificate {
    der: CertificateDer<'static>,
    chain: String,
    key: String,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self { der: cert.der().clone(), chain: cert.pem(), key: signing_key.serialize_pem() }
    }

    pub(crate) fn tls(&self) -> Tls {
        Tls::new(self.chain.as_bytes(), self.key.as_bytes()).unwrap()
    }

    /// Connects as a client that trusts this certificate alone.
    pub(crate) async fn connect(
        &self,
        server: &Running,
        versions: &[&'static SupportedProtocolVersion],
        alpn: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, server.stream().await).await
    }
}

pub(crate) async fn start(certificate: &Certificate, bounds: Bounds) -> Running {
    Running::start_in(Setting { tls: Some(certificate.tls()), ..Setting::default() }, bounds).await
}

const GET: &str = "GET /a?b HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn either_version_of_tls_brings_the_same_requests_and_hyper_is_asked_or_not() {
    bounded(async {
        let certificate = Certificate::new();
        let server = start(&certificate, patient()).await;
        for (version, alpn) in [(&TLS12, &["http/1.1"][..]), (&TLS13, &["http/1.1"]), (&TLS13, &[])] {
            let stream = certificate.connect(&server, &[version], alpn).await.unwrap();
            let mut client = Client::new(stream);
            // The first is answered from memory, the others are not.
            for (path, body) in [("/auth/native", ""), ("/a?b", "GET /a [b] from 127.0.0.1: \"\"")] {
                client.send(GET.replace("/a?b", path)).await;
                let answer = client.answer().await;
                assert_eq!(answer.status, if body.is_empty() { 401 } else { 200 }, "{answer:?}");
                assert!(body.is_empty() || answer.body == body, "{answer:?}");
            }
            client.finish().await;
            assert_eq!(client.rest().await, "");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_tls_gets_no_answer_and_a_silent_client_is_not_kept() {
    bounded(async {
        let certificate = Certificate::new();
        let hasty = start(&certificate, Bounds { head_read: SOON, ..patient() }).await;
        assert_eq!(hasty.raw("").await, "", "closed once its time is over");
        // A handshake that begins and does not go on.
        assert_eq!(hasty.raw("\x16\x03\x01\x02\x00\x01").await, "");
        let server = start(&certificate, patient()).await;
        assert!(!server.raw(GET).await.contains("HTTP"), "no answer in the clear");
        assert!(certificate.connect(&server, &[&TLS13], &["smtp"]).await.is_err(), "nothing to agree on");
        let stranger = Certificate::new();
        assert!(stranger.connect(&server, &[&TLS13], &[]).await.is_err(), "shows what it was given");
        assert!(certificate.connect(&server, &[&TLS13], &[]).await.is_ok(), "and still serves");
    })
    .await;
}

#[tokio::test]
async fn a_certificate_is_exchanged_under_open_connections() {
    bounded(async {
        let (before, after) = (Certificate::new(), Certificate::new());
        let tls = before.tls();
        let setting = Setting { tls: Some(tls.clone()), ..Setting::default() };
        let server = Running::start_in(setting, patient()).await;
        let mut open = Client::new(before.connect(&server, &[&TLS13], &[]).await.unwrap());
        tls.exchange(after.chain.as_bytes(), after.key.as_bytes()).unwrap();
        assert!(before.connect(&server, &[&TLS13], &[]).await.is_err());
        assert!(after.connect(&server, &[&TLS13], &[]).await.is_ok());
        assert!(tls.exchange(b"", after.key.as_bytes()).is_err());
        assert!(after.connect(&server, &[&TLS13], &[]).await.is_ok(), "what is refused changes nothing");
        open.send(GET).await;
        assert_eq!(open.answer().await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_handshake_does_not_hold_up_a_stop() {
    bounded(async {
        let server = start(&Certificate::new(), patient()).await;
        let mut client = server.connect().await;
        client.send("\x16\x03\x01").await;
        server.stop().await.unwrap();
        assert_eq!(client.rest().await, "");
    })
    .await;
}
