//! Pages: one module for each, by what it shows.

pub(in crate::console) mod audit;
pub(in crate::console) mod bots;
pub(in crate::console) mod keys;
pub(in crate::console) mod login;
pub(in crate::console) mod overview;
pub(in crate::console) mod setup;
pub(in crate::console) mod try_key;
pub(in crate::console) mod users;
