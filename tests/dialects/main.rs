//! The documented APIs, from request bytes to answer bytes.

mod filebin;
mod transcript;
