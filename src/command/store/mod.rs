//! Commands about the store as a whole.

mod accept_clock;
mod backup;
mod check_store;
mod count_peppers;
mod show_overview;

pub use accept_clock::AcceptClock;
pub use backup::Backup;
pub use check_store::CheckStore;
pub use count_peppers::CountPeppers;
pub use show_overview::ShowOverview;
