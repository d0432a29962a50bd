//! Parts that pages are made of.

pub(in crate::console) mod page;
pub(in crate::console) mod pieces;
pub(in crate::console) mod plot;
pub(in crate::console) mod question;
