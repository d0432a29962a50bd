//! Bounds of a server: how many, how large and how long.

use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use crate::limits;

/// What the server allows; [`Bounds::default`] takes all of it from [`limits`].
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most connections of clients at once; fewer when the process may not open as many files. When all are taken, those
    /// that wait for their next request make room for others.
    pub connections: usize,
    /// Most of them from one network (an IPv4 address, or the first 64 bits of an IPv6 address) that is no trusted proxy;
    /// further ones are closed at once. Fewer where there are fewer connections in all.
    pub connections_of_network: usize,
    /// Most requests being answered or waiting for a thread.
    pub requests: usize,
    /// Time to send a complete head, from its first byte on.
    pub head_read: Duration,
    /// Silence between requests.
    pub idle: Duration,
    /// Largest body, in bytes.
    pub body_bytes: usize,
    /// Most bytes of bodies held at once.
    pub bodies_bytes: usize,
    /// Bytes of a larger body that are read and dropped.
    pub body_dropped_bytes: usize,
    /// Time to send a complete body.
    pub body_read: Duration,
    /// Time in which a client has to take some of its answer.
    pub write_stall: Duration,
    /// Time that requests in flight have once a stop was asked for.
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
    /// The same with as many connections as leave file descriptors for everything else.
    pub(in crate::server) fn within_descriptors(self) -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let room = files.saturating_sub(limits::DESCRIPTORS_RESERVED).max(1);
        self.with_at_most(usize::try_from(room).unwrap_or(usize::MAX))
    }

    /// The same with so few connections that each network has the same part of them.
    fn with_at_most(self, most: usize) -> Self {
        if self.connections <= most {
            return self;
        }
        let part = self.connections_of_network.saturating_mul(most) / self.connections;
        Self { connections: most, connections_of_network: part.max(1), ..self }
    }
}
