//! Who somebody is: what a login leaves a client with, and the first administrator.

mod backoff;
mod hs256;
mod session;
mod setup;
mod token;

pub(super) use backoff::Backoff;
pub(super) use session::Sessions;
pub use session::{FormToken, SessionToken};
pub(super) use setup::Setup;
pub use setup::SetupError;
pub use token::Audience;
