//! The engine and its stores as a library: without the server, in memory or in a directory of its own.

mod gated_store;
mod imported_hashes;
mod index_snapshot;
mod regained_rights;
mod salted_hashes;
mod store_contract;
mod tenants;
mod traps;
