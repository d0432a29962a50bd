//! Pages as whoever sends requests sees them.
