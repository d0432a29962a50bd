//! Pages about keys.

pub(in crate::console) mod key_form;
pub(in crate::console) mod key_page;
pub(in crate::console) mod keys_page;
