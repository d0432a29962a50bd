//! Work that no caller waits for: write-behind, loading the hot index, the scrub, and the hashing of passwords.

mod auth_events;
mod clock_doubt;
mod hot_state;
mod index_loader;
mod index_snapshot;
mod password_hashing;
mod rehash;
mod scrub;
mod ttl;
mod use_overflow;
mod write_behind;

pub use hot_state::HotState;
pub use index_loader::IndexState;

pub(in crate::engine) use clock_doubt::{ClockDoubt, accept as accept_clock};
pub(in crate::engine) use index_loader::{IndexLoader, published};
pub(in crate::engine) use password_hashing::PasswordHasher;
pub(in crate::engine) use scrub::Scrub;
pub(in crate::engine) use write_behind::WriteBehind;
