//! From an operation to a durable commit: the write lane, the transaction of one operation, and the entries of a record.

mod audit_changes;
mod index_entries;
mod lane;
mod transaction;

pub(in crate::engine) use index_entries::{Entries, hot, of_key, of_user, trace};
pub(in crate::engine) use lane::Lane;
pub(in crate::engine) use transaction::{Transaction, after, event_hash};
