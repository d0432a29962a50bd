//! Configuration of a server from outside its store.

mod secret_file;

pub use secret_file::{SecretFile, SecretFileError};
