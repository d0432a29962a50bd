//! The rules about who may give or widen what, asked on the write lane.

mod bounds;
mod owner_limits;
#[cfg(test)]
mod tests;

pub use bounds::Right;

pub(in crate::engine) use bounds::{bounded, reaches};
