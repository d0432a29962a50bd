//! Pages about users.

pub(in crate::console) mod user_list;
pub(in crate::console) mod user_page;
pub(in crate::console) mod users_page;
