//! Pages about bot users.

pub(in crate::console) mod bot_page;
pub(in crate::console) mod bots_page;
