//! Commands about the audit.

mod check_audit;
mod list_events;
mod search_events;

pub use check_audit::CheckAudit;
pub use list_events::ListEvents;
pub use search_events::SearchEvents;
