//! Rules about giving and widening rights, checked on the write lane.

mod bounds;
mod owner_limits;
#[cfg(test)]
mod tests;

pub use bounds::Right;

pub(in crate::engine) use bounds::{bounded, reaches};
