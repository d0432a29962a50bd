//! Room for connections: each takes a file descriptor, and systems begin programs with few.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the number of open files to the most that the system lets this process have. The server then takes as many
/// connections as there is room for, so a failure needs no word.
pub(in crate::cli) fn raise() {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    let _ = setrlimit(Resource::Nofile, files);
}
