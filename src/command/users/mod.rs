//! Users: added, read, changed, removed; their passwords and sessions.

mod add;
mod password;
mod remove;
mod sessions;
mod show;
mod update;

pub use add::AddUser;
pub use password::SetPassword;
pub use remove::RemoveUser;
pub use sessions::{CountSessions, EndSessions};
pub use show::{ListRequests, ListUsers, ListUsersOf, ShowUser};
pub use update::UpdateUser;
