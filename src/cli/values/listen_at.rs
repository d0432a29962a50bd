//! Addresses to listen at, as a caller types them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Address or socket to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ListenAt {
    Address(SocketAddr),
    /// Every address of a name, as `localhost:8080`.
    Name(String, u16),
    /// Every address of this machine, as `:8080`.
    Everywhere(u16),
    Socket(PathBuf),
}

const NOT_A_LISTENER: &str = "must be like 127.0.0.1:8080, localhost:8080, :8080 or unix:/path";

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
        let (name, port) = text.rsplit_once(':').ok_or(NOT_A_LISTENER)?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = Some(port).filter(|_| digits).and_then(|port| port.parse().ok()).ok_or(NOT_A_LISTENER)?;
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) || !byte.is_ascii();
        match name {
            "" => Ok(Self::Everywhere(port)),
            // A name of digits alone is a mistyped address.
            name if name.bytes().all(letter) && name.bytes().any(|byte| !b"0123456789.".contains(&byte)) => {
                Ok(Self::Name(name.to_owned(), port))
            }
            _ => Err(NOT_A_LISTENER),
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

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

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
}
