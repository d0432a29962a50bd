//! Values as a caller types them.

pub(in crate::cli) mod api;
pub(in crate::cli) mod limit;
pub(in crate::cli) mod listen_at;
pub(in crate::cli) mod period;
