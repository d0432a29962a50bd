//! The only writer: one file per thing that can happen to a key or a user.

mod audit;
mod check;
mod create;
mod delete;
mod draft;
mod error;
mod lane;
mod list;
mod open;
mod passwords;
mod reader;
mod revoke;
mod rotate;
mod update;
mod usage;
mod users;

pub use check::CheckReport;
pub use draft::{KeyChange, NewKey, NewKind, NewUser, UserChange};
pub use error::EngineError;
pub use list::Cursor;
pub use open::{Engine, Parts};
pub use reader::Reader;
