//! Audit events: who changed what, when, and each field before and after.

mod details;
mod event;

pub(crate) use details::changes;
pub use details::{AuditField, EventDetails, FieldChange};
pub use event::{AuditAction, AuditEvent, AuditHead, EventHash, Subject};
