//! Pages and forms as browsers use them.

mod forms;
mod pages;
mod sessions;
mod world;
