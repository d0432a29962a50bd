//! What a server is given from outside its store.

mod secret_file;

pub use secret_file::{SecretFile, SecretFileError};
