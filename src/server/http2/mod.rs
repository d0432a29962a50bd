//! HTTP/2, which is only spoken over TLS: the requests of HTTP/1 in another framing.

pub(in crate::server) mod serve;
mod stream_watch;
