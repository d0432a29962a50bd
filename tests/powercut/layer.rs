//! `layer.c`, compiled.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::skipped::skipped;

/// The compiled layer; `None` only where there is no C compiler.
pub(crate) fn layer() -> Option<&'static Path> {
    static LAYER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = LAYER.get_or_init(|| {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("layer.{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/powercut/layer.c");
        let compiler = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .arg(&library)
            .arg(source)
            .arg("-ldl")
            .status();
        let Ok(status) = compiler else {
            return None;
        };
        assert!(status.success(), "the layer does not compile");
        Some(library)
    });
    if built.is_none() {
        skipped("there is no C compiler `cc`");
    }
    built.as_deref()
}
