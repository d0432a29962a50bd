//! Where clients connect.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::str::FromStr;

use super::failure::Failure;
use super::socket::SocketFile;

/// A place to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListenAt {
    Address(SocketAddr),
    Socket(PathBuf),
}

impl ListenAt {
    /// Whether only this machine reaches it.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::Address(address) => address.ip().to_canonical().is_loopback(),
            Self::Socket(_) => true,
        }
    }
}

impl FromStr for ListenAt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some("") => Err("must name the socket, like unix:/run/keyward/http.sock"),
            Some(path) => Ok(Self::Socket(path.into())),
            None => text.parse().map(Self::Address).map_err(|_| "must be like 127.0.0.1:8080 or unix:/path"),
        }
    }
}

impl fmt::Display for ListenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Everything that clients can connect to. The socket files are removed when dropped.
#[derive(Default)]
pub(super) struct Listeners {
    pub(super) addresses: Vec<TcpListener>,
    pub(super) sockets: Vec<(SocketFile, UnixListener)>,
}

impl Listeners {
    pub(super) fn bind(places: &[ListenAt]) -> Result<Self, Failure> {
        let mut bound = Self::default();
        for place in places {
            bound.add(place).map_err(|error| {
                Failure::system(&format!("cannot listen on {place}; choose another with --listen"), &error)
            })?;
        }
        Ok(bound)
    }

    fn add(&mut self, place: &ListenAt) -> std::io::Result<()> {
        match place {
            ListenAt::Address(address) => {
                let listener = TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                self.addresses.push(listener);
            }
            // A proxy that runs as another user of the same group connects, too.
            ListenAt::Socket(path) => self.sockets.push(SocketFile::bind_if_dead(path, 0o660)?),
        }
        Ok(())
    }
}
