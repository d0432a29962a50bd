//! Commands about users, their passwords and their sessions.

mod add;
mod list;
mod password;
mod remove;
mod requests;
mod sessions;
mod show;
mod update;

pub use add::AddUser;
pub use list::{ListUsers, ListUsersOf};
pub use password::SetPassword;
pub use remove::RemoveUser;
pub use requests::ListRequests;
pub use sessions::{CountSessions, EndSessions};
pub use show::ShowUser;
pub use update::UpdateUser;
