//! A request without its body, borrowed from whoever holds it.

use std::fmt;
use std::net::IpAddr;

use super::TwoKeys;

/// A request's head. Printed without what may hold a secret: the query, and values of header fields.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Method, as sent.
    pub method: &'a str,
    /// Path as sent: never percent-decoded, without the query.
    pub path: &'a str,
    /// Query without the question mark; empty when there is none.
    pub query: &'a str,
    /// Where the request came from, if that is known.
    pub client: Option<IpAddr>,
    /// Which way it came in.
    pub entrance: Entrance,
    /// Its header fields.
    pub fields: &'a dyn Fields,
}

impl<'a> Head<'a> {
    /// The first value of the header field of this (lower-case) name, if it is text.
    pub fn text(&self, name: &'static str) -> Option<&'a str> {
        let mut first = None;
        self.fields.each(name, &mut |value| _ = first.get_or_insert(value));
        first.and_then(|value| std::str::from_utf8(value).ok())
    }
}

impl<'a> Head<'a> {
    /// The value of the header field of this (lower-case) name, without blanks around it.
    ///
    /// # Errors
    /// [`TwoKeys`] when there are two that differ; the same twice is one.
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

/// Header fields, however they are kept.
pub trait Fields {
    /// Has `look` see every value of the field of this lower-case name, in the order sent.
    fn each<'a>(&'a self, name: &'static str, look: &mut dyn FnMut(&'a [u8]));
}

impl Fields for Vec<(String, Vec<u8>)> {
    fn each<'a>(&'a self, name: &'static str, look: &mut dyn FnMut(&'a [u8])) {
        self.iter().filter(|(field, _)| field == name).for_each(|(_, value)| look(value));
    }
}

/// Which way a request came in; says who can have sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// A loopback address or a socket in the file system: only this machine reaches it.
    Local,
    /// Any other address.
    Network {
        /// Who is connected, be it a proxy or the client.
        peer: IpAddr,
    },
}
