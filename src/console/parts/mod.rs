//! Parts that pages consist of.

pub(in crate::console) mod field;
pub(in crate::console) mod page;
pub(in crate::console) mod plot;
pub(in crate::console) mod question;
pub(in crate::console) mod text;
pub(in crate::console) mod value;
