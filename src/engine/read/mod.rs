//! Reads of durable state: records, lists, the audit, and the look-up for verify.

mod audit_chain;
mod audit_search;
mod cursor;
mod key_search;
mod list;
mod lookup;
mod reader;
mod summary;

pub use audit_chain::Chain;
pub use audit_search::{AuditPage, EventFilter};
pub use cursor::Cursor;
pub use key_search::{KeyFilter, KeyScope};
pub use reader::Reader;
pub use summary::{KeyCounts, Summary};

pub(in crate::engine) use audit_chain::look_back;
