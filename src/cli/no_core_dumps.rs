//! Protection of this process's memory, which holds peppers, from core dumps and debuggers.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::cli::terminal::output::note;

/// Disables core dumps, and denies other processes of the same user access to the memory. Root still has access.
pub(super) fn begin() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let done =
        setrlimit(Resource::Core, none).and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = done {
        note(&format!("keyward: a crash may leave secrets in a core dump: {error}"));
    }
}
