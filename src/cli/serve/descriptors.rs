//! File descriptors: each connection needs one, and the default limit is low.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit of open files to its maximum. A failure is ignored: the server then accepts fewer connections.
pub(in crate::cli) fn raise() {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    let _ = setrlimit(Resource::Nofile, files);
}
