//! Keys of other systems of which a hash was imported.

mod checker;
mod lookup;
mod queue;
mod schemes;

pub use checker::Patience;

pub(in crate::engine) use checker::Salted;
pub(in crate::engine) use lookup::Foreign;
pub(in crate::engine) use schemes::Schemes;
