//! Head of a request: everything but the body, borrowed.

use std::fmt;
use std::net::IpAddr;

/// Head of a request. Printed without query and values of header fields, which may hold a secret.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Method, as sent.
    pub method: &'a str,
    /// Path as sent: never percent-decoded, without the query.
    pub path: &'a str,
    /// Query without the question mark; empty when there is none.
    pub query: &'a str,
    /// Address of the client, if it is known.
    pub client: Option<IpAddr>,
    /// Way the request came in.
    pub entrance: Entrance,
    /// Header fields.
    pub fields: &'a dyn Fields,
}

impl<'a> Head<'a> {
    /// First value of the header field of this (lower-case) name, if it is text.
    pub fn text(&self, name: &'static str) -> Option<&'a str> {
        let mut first = None;
        self.fields.each(name, &mut |value| _ = first.get_or_insert(value));
        first.and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Value of the header field of this (lower-case) name, without blanks around it.
    ///
    /// # Errors
    /// [`TwoKeys`] when there are two values that differ; the same value twice is one.
    pub fn only(&self, name: &'static str) -> Result<Option<&'a [u8]>, TwoKeys> {
        let (mut only, mut differ) = (None, false);
        self.fields.each(name, &mut |value| differ |= *only.get_or_insert(value) != value);
        if differ { Err(TwoKeys) } else { Ok(only.map(<[u8]>::trim_ascii)) }
    }
}

impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("client", &self.client)
            .field("entrance", &self.entrance)
            .finish_non_exhaustive()
    }
}

/// Error of a request that presents two different key texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoKeys;

/// Header fields, in any representation.
pub trait Fields {
    /// Calls `look` with every value of the field of this lower-case name, in the order sent.
    fn each<'a>(&'a self, name: &'static str, look: &mut dyn FnMut(&'a [u8]));
}

impl Fields for Vec<(String, Vec<u8>)> {
    fn each<'a>(&'a self, name: &'static str, look: &mut dyn FnMut(&'a [u8])) {
        self.iter().filter(|(field, _)| field == name).for_each(|(_, value)| look(value));
    }
}

/// Way a request came in, which bounds who can have sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// A loopback address or a socket in the file system, which only this machine reaches.
    Local,
    /// Any other address.
    Network {
        /// Address of the peer: the client, or a proxy.
        peer: IpAddr,
    },
}
