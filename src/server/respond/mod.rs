//! Responding: from the head of a request, whichever HTTP brought it, to its response.
//!
//! [`dispatch`] looks once for the dialect that claims the request. The dialect answers on the thread that read the
//! request where memory is enough ([`inline`]), else on a thread that may block ([`blocking`]). warp answers the rest
//! ([`routes`]).

pub(in crate::server) mod blocking;
pub(in crate::server) mod body;
pub(in crate::server) mod claim;
pub(in crate::server) mod client_address;
mod console;
pub(in crate::server) mod dispatch;
pub(in crate::server) mod inline;
pub(in crate::server) mod request;
pub(in crate::server) mod response;
pub(in crate::server) mod router;
pub(in crate::server) mod routes;
