//! Where answers go.

use crate::binary::Done;
use crate::site::Site;

#[test]
fn a_reader_who_leaves_ends_the_run_without_a_panic() {
    let site = Site::started_once();
    let mut child = site.command(&["user", "list"]).spawn().unwrap();
    drop(child.stdout.take());
    let done = Done::from(child.wait_with_output().unwrap());
    assert!(!done.err.contains("panicked"), "{}", done.err);
}
