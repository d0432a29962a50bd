//! Names: ids of records, short names, and texts that people give.

mod id;
mod short_name;
mod text;

pub use id::{CompanyId, KeyId, UserId};
pub use short_name::{KeyspaceName, LimitName};
pub(in crate::key) use text::text;
pub use text::{Comment, Contact, DisplayName, Email, Username};
