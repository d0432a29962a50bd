//! The example programs, each run to its end.

#[path = "../../examples/embed.rs"]
mod embed;
#[path = "../../examples/own_dialect.rs"]
mod own_dialect;
#[path = "../../examples/own_routes.rs"]
mod own_routes;

#[test]
fn embed_runs_to_its_end() {
    embed::main().unwrap();
}

#[test]
fn own_dialect_runs_to_its_end() {
    own_dialect::main().unwrap();
}

#[test]
fn own_routes_runs_to_its_end() {
    own_routes::main().unwrap();
}
