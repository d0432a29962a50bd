//! `keyward serve`.

pub(in crate::cli) mod apis;
pub(in crate::cli) mod certificate;
pub(in crate::cli) mod demo;
pub(in crate::cli) mod descriptors;
pub(in crate::cli) mod first_start;
pub(in crate::cli) mod listen;
pub(in crate::cli) mod run;
pub(in crate::cli) mod socket;
