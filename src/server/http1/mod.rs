//! HTTP/1: the fast path that answers plain requests on the stream, and hyper for all others.

mod codec;
pub(in crate::server) mod deadline_stream;
mod fast_path;
mod framing;
mod hyper;
pub(in crate::server) mod serve;
