//! Commands that ask the API: of a running server, or of the store itself when no server runs.

pub(in crate::cli) mod audit;
pub(in crate::cli) mod client;
pub(in crate::cli) mod company;
pub(in crate::cli) mod import;
pub(in crate::cli) mod key;
pub(in crate::cli) mod paging;
pub(in crate::cli) mod user;
