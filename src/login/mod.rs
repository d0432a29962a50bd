//! Logins: who a caller is. Keys, passwords, sessions, tokens, and the code that makes the first administrator.
//!
//! The [`Authenticator`] turns a proof into a [`Caller`]; `command/` then decides what that caller may do. A [`Caller`]
//! is made in this room alone, and a [`Login`] only for a person whose password came with the same request, so no
//! session or token makes another one.

mod authenticator;
mod backoff;
mod caller;
mod error;
mod jwt;
mod session;
mod session_table;
mod setup;
mod setup_code;
mod token;

#[cfg(test)]
pub(crate) use caller::unproved;

pub use authenticator::Authenticator;
pub use caller::{Caller, Login, Proof};
pub use error::AuthenticateError;
pub use session_table::{FormToken, SessionToken};
pub use setup::SetupError;
pub use token::Audience;
