//! Listening sockets of the server.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::os::unix::net::UnixListener;

use crate::cli::failure::CliError;
use crate::cli::serve::socket::SocketFile;
use crate::cli::values::listen_at::ListenAt;

/// Address at which clients on this machine reach a listener: an unspecified address becomes `localhost`.
pub(in crate::cli) fn reached_at(address: SocketAddr) -> String {
    if address.ip().to_canonical().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// Listening addresses and sockets. Removes the socket files when dropped.
#[derive(Default)]
pub(in crate::cli) struct Listeners {
    pub(in crate::cli) addresses: Vec<TcpListener>,
    pub(in crate::cli) sockets: Vec<(SocketFile, UnixListener)>,
}

impl Listeners {
    pub(in crate::cli) fn bind(places: &[ListenAt]) -> Result<Self, CliError> {
        let mut bound = Self::default();
        for place in places {
            bound.add(place).map_err(|error| {
                CliError::system(&format!("cannot listen on {place}; choose another with --listen"), &error)
            })?;
        }
        Ok(bound)
    }

    /// Addresses with the ports that the system chose.
    pub(in crate::cli) fn bound(&self) -> Vec<SocketAddr> {
        self.addresses.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    fn add(&mut self, place: &ListenAt) -> io::Result<()> {
        match place {
            ListenAt::Address(address) => self.add_address(*address)?,
            ListenAt::Name(name, port) => self.add_all((name.as_str(), *port).to_socket_addrs()?)?,
            // An unspecified IPv6 address accepts IPv4, too; the second address is for machines without IPv6.
            ListenAt::Everywhere(port) => {
                self.add_address((Ipv6Addr::UNSPECIFIED, *port).into()).or_else(|error| {
                    if is_missing(&error) {
                        self.add_address((Ipv4Addr::UNSPECIFIED, *port).into())
                    } else {
                        Err(error)
                    }
                })?
            }
            // The group may connect, for a proxy that runs as another user of the group.
            ListenAt::Socket(path) => self.sockets.push(SocketFile::bind_if_dead(path, 0o660)?),
        }
        Ok(())
    }

    /// Adds those addresses that this machine has, all at one port.
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

/// Whether this machine lacks the address, or its whole family.
fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(libc::EAFNOSUPPORT)
}

#[cfg(test)]
mod tests {
    use super::*;

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
