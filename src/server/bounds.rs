//! Bounds of a server: counts, sizes and times.

use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use crate::limits;

/// Bounds of a server; [`Bounds::default`] takes each from [`limits`].
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections of clients at once, at most; fewer when the process may not open as many files. At the bound, an
    /// idle connection is closed for a new one.
    pub connections: usize,
    /// Connections from one network (an IPv4 address, or the first 64 bits of an IPv6 address) that is no trusted
    /// proxy, at most. Further ones are closed at once. Fewer when [`Bounds::connections`] is lowered.
    pub connections_of_network: usize,
    /// Requests on threads that may block or waiting for one, at most.
    pub requests: usize,
    /// Time for a client to send a whole head, from its first byte on.
    pub head_read: Duration,
    /// Time that a connection may be idle between requests.
    pub idle: Duration,
    /// Bytes of a body, at most.
    pub body_bytes: usize,
    /// Bytes of all bodies in memory, at most.
    pub bodies_bytes: usize,
    /// Bytes of too large a body that are read and dropped.
    pub body_dropped_bytes: usize,
    /// Time for a client to send a whole body.
    pub body_read: Duration,
    /// Time for a client to take at least one byte of a response.
    pub write_stall: Duration,
    /// Time for requests in flight after a stop was requested.
    pub drain: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS_MAX,
            connections_of_network: limits::CONNECTIONS_OF_NETWORK_MAX,
            requests: limits::REQUESTS_MAX,
            head_read: Duration::from_secs(limits::HEAD_READ_SECONDS),
            idle: Duration::from_secs(limits::IDLE_SECONDS),
            body_bytes: limits::BODY_BYTES_MAX,
            bodies_bytes: limits::BODIES_BYTES_MAX,
            body_dropped_bytes: limits::BODY_DROPPED_BYTES_MAX,
            body_read: Duration::from_secs(limits::BODY_READ_SECONDS),
            write_stall: Duration::from_secs(limits::WRITE_STALL_SECONDS),
            drain: Duration::from_secs(limits::DRAIN_SECONDS),
        }
    }
}

impl Bounds {
    /// The same bounds with as many connections as leave file descriptors for everything else.
    pub(in crate::server) fn within_descriptors(self) -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let room = files.saturating_sub(limits::DESCRIPTORS_RESERVED).max(1);
        self.with_at_most(usize::try_from(room).unwrap_or(usize::MAX))
    }

    /// The same bounds with at most `most` connections, and the same part of them for each network.
    fn with_at_most(self, most: usize) -> Self {
        if self.connections <= most {
            return self;
        }
        let part = self.connections_of_network.saturating_mul(most) / self.connections;
        Self { connections: most, connections_of_network: part.max(1), ..self }
    }
}
