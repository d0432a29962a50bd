//! Where clients connect.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::str::FromStr;

use crate::cli::failure::Failure;
use crate::cli::serve::socket::SocketFile;

/// A place to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ListenAt {
    Address(SocketAddr),
    /// Every address of a name, as `localhost:8080`.
    Name(String, u16),
    /// Every address of this machine, as `:8080`.
    Everywhere(u16),
    Socket(PathBuf),
}

const NOT_A_PLACE: &str = "must be like 127.0.0.1:8080, localhost:8080, :8080 or unix:/path";

impl FromStr for ListenAt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some("") => return Err("must name the socket, like unix:/run/keyward/http.sock"),
            Some(path) => return Ok(Self::Socket(path.into())),
            None => {}
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let (name, port) = text.rsplit_once(':').ok_or(NOT_A_PLACE)?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = Some(port).filter(|_| digits).and_then(|port| port.parse().ok()).ok_or(NOT_A_PLACE)?;
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) || !byte.is_ascii();
        match name {
            "" => Ok(Self::Everywhere(port)),
            // Of digits alone it is an address that somebody mistyped.
            name if name.bytes().all(letter) && name.bytes().any(|byte| !b"0123456789.".contains(&byte)) => {
                Ok(Self::Name(name.to_owned(), port))
            }
            _ => Err(NOT_A_PLACE),
        }
    }
}

impl fmt::Display for ListenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Everywhere(port) => write!(f, ":{port}"),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// How people reach an address that a server listens at. One that stands for all of this machine is no place to go to.
pub(in crate::cli) fn reached_at(address: SocketAddr) -> String {
    if address.ip().to_canonical().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// Everything that clients can connect to. The socket files are removed when dropped.
#[derive(Default)]
pub(in crate::cli) struct Listeners {
    pub(in crate::cli) addresses: Vec<TcpListener>,
    pub(in crate::cli) sockets: Vec<(SocketFile, UnixListener)>,
}

impl Listeners {
    pub(in crate::cli) fn bind(places: &[ListenAt]) -> Result<Self, Failure> {
        let mut bound = Self::default();
        for place in places {
            bound.add(place).map_err(|error| {
                Failure::system(&format!("cannot listen on {place}; choose another with --listen"), &error)
            })?;
        }
        Ok(bound)
    }

    /// The addresses, as the system gave them.
    pub(in crate::cli) fn bound(&self) -> Vec<SocketAddr> {
        self.addresses.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    fn add(&mut self, place: &ListenAt) -> io::Result<()> {
        match place {
            ListenAt::Address(address) => self.add_address(*address)?,
            ListenAt::Name(name, port) => self.add_all((name.as_str(), *port).to_socket_addrs()?)?,
            // The first takes IPv4 as well, where there is IPv6.
            ListenAt::Everywhere(port) => {
                self.add_address((Ipv6Addr::UNSPECIFIED, *port).into()).or_else(|error| {
                    if is_missing(&error) {
                        self.add_address((Ipv4Addr::UNSPECIFIED, *port).into())
                    } else {
                        Err(error)
                    }
                })?
            }
            // A proxy that runs as another user of the same group connects, too.
            ListenAt::Socket(path) => self.sockets.push(SocketFile::bind_if_dead(path, 0o660)?),
        }
        Ok(())
    }

    /// All of these that this machine has, at one port.
    fn add_all(&mut self, addresses: impl Iterator<Item = SocketAddr>) -> io::Result<()> {
        let (mut port, mut missing) = (None, io::Error::from(io::ErrorKind::AddrNotAvailable));
        for mut address in addresses {
            address.set_port(port.unwrap_or_else(|| address.port()));
            match self.add_address(address) {
                Ok(()) => port = self.addresses.last().and_then(|last| Some(last.local_addr().ok()?.port())),
                Err(error) if is_missing(&error) => missing = error,
                Err(error) => return Err(error),
            }
        }
        if port.is_some() { Ok(()) } else { Err(missing) }
    }

    fn add_address(&mut self, address: SocketAddr) -> io::Result<()> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        self.addresses.push(listener);
        Ok(())
    }
}

/// Whether this machine does not have the address, or nothing of its family.
fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(libc::EAFNOSUPPORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_a_name_a_port_or_a_socket() {
        for (text, place) in [
            ("127.0.0.1:8080", ListenAt::Address(([127, 0, 0, 1], 8080).into())),
            ("[::1]:0", ListenAt::Address((Ipv6Addr::LOCALHOST, 0).into())),
            ("localhost:8080", ListenAt::Name("localhost".to_owned(), 8080)),
            ("keys-1.example.org:80", ListenAt::Name("keys-1.example.org".to_owned(), 80)),
            (":8080", ListenAt::Everywhere(8080)),
            ("unix:/run/x", ListenAt::Socket("/run/x".into())),
        ] {
            assert_eq!((text.parse(), place.to_string().as_str()), (Ok(place), text));
        }
        for wrong in [
            "",
            "8080",
            "localhost",
            "localhost:",
            ":",
            ":+80",
            ":65536",
            "::1:80",
            "[localhost]:80",
            "1.2.3:80",
            "127.0.0.1.5:80",
            "http://localhost:80",
            "a b:80",
            "unix:",
        ] {
            assert!(wrong.parse::<ListenAt>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_is_listened_at_on_all_its_addresses_at_one_port() {
        let listeners = Listeners::bind(&["localhost:0".parse().unwrap()]).unwrap();
        let bound = listeners.bound();
        assert!(bound.iter().all(|at| at.ip().is_loopback() && at.port() == bound[0].port()), "{bound:?}");
    }

    #[test]
    fn what_is_shown_can_be_gone_to() {
        for (address, shown) in [
            ("0.0.0.0:8080", "localhost:8080"),
            ("[::]:8080", "localhost:8080"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(reached_at(address.parse().unwrap()), shown);
        }
    }
}
