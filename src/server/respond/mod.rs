//! Responding: from the head of a request, whichever HTTP brought it, to its response.

pub(in crate::server) mod body;
pub(in crate::server) mod client_address;
mod console;
pub(in crate::server) mod inline;
pub(in crate::server) mod request;
pub(in crate::server) mod response;
pub(in crate::server) mod router;
