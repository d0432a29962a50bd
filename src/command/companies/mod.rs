//! Commands about companies.

mod add;
mod list;
mod remove;
mod rename;
mod show;

pub use add::AddCompany;
pub use list::ListCompanies;
pub use remove::RemoveCompany;
pub use rename::RenameCompany;
pub use show::ShowCompany;
