//! Listening: sockets, the bounds on connections, and the threads that serve them.

pub(in crate::server) mod accept;
pub(in crate::server) mod listener;
pub(in crate::server) mod open_connections;
pub(in crate::server) mod per_network_limit;
pub(in crate::server) mod tls;
mod unix_stream;
pub(in crate::server) mod workers;
