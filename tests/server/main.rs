//! The HTTP server over real sockets: what bytes it takes, what it answers, and when it gives up.

mod bodies;
mod connections;
mod harness;
mod heads;
mod stopping;
