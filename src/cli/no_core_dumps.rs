//! Keeps what is in this process's memory, peppers among it, out of core dumps and away from debuggers.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::cli::terminal::output::note;

/// From here on a crash leaves no image of the memory, and no other process of the same user can look into it; root
/// still can.
pub(super) fn begin() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let done =
        setrlimit(Resource::Core, none).and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = done {
        note(&format!("keyward: a crash may leave secrets in a core dump: {error}"));
    }
}
