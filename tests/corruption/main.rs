//! Damage to the data directory: it is repaired or refused, never a panic, never a wrong value.
//!
//! `KEYWARD_FLIP_ROUNDS` sets how many rounds of random damage there are, `KEYWARD_FLIP_SEED` which is the first of them;
//! `--nocapture` shows the figures.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod answers;
mod damage;
#[path = "../directory/copy.rs"]
mod directory;
mod filled;
mod random;
#[path = "../directory/raw_sled.rs"]
mod raw_sled;
mod stale_store;
mod store;
