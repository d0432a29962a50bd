//! Values as a caller types them.

pub(in crate::cli) mod limit;
pub(in crate::cli) mod period;
