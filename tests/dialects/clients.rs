//! Programs that clients of the documented APIs are written with.

use std::process::{Command, Stdio};

/// Whether a program is there and does this without an error.
pub(crate) fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    let command = command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
