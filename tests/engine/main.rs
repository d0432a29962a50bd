//! The engine and its stores as a library: without the server, in memory or in a directory of its own.

mod gated_store;
mod imported_hashes;
mod index_snapshot;
mod regained_rights;
#[cfg(feature = "server")]
mod salted_hashes;
mod store_contract;
#[cfg(feature = "server")]
mod tenants;
mod traps;
