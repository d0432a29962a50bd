//! Commands about the store as a whole: backup, restore, check, repair, peppers, clock.

pub(in crate::cli) mod backup;
pub(in crate::cli) mod check;
pub(in crate::cli) mod clock;
pub(in crate::cli) mod new_store;
pub(in crate::cli) mod open;
pub(in crate::cli) mod peppers;
pub(in crate::cli) mod repair;
pub(in crate::cli) mod restore;
