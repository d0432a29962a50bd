//! The real binary on a disk that fails: every API says so in its own shape, verifying goes on, and nothing is lost.

#![cfg(all(feature = "server", target_os = "linux"))]
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../powercut/layer.rs"]
mod layer;
mod no_room;
mod requests;
mod site;
#[path = "../skipped/said.rs"]
mod skipped;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use requests::{creations, uses};
use site::Site;

/// What the layer has fail, and the system's words for it.
const FAULTS: [(u8, &str); 4] = [
    (1, "No space left on device"),
    (2, "Input/output error"),
    (3, "Input/output error"),
    (4, "Read-only file system"),
];

#[test]
fn a_failing_disk_is_told_in_every_api_while_verifying_goes_on() {
    let Some(layer) = layer::layer() else { return };
    for (fault, words) in FAULTS {
        let mut site = Site::new(layer);
        let server = site.start();
        let keys = site.people_and_keys(&server);
        let before = site.count(&server);
        for request in creations(&keys) {
            let answer = server.ask(&request.bytes);
            assert!(matches!(answer.status, 200 | 201), "{}: {answer:?}", request.api);
        }
        let made = site.count(&server);
        assert_eq!(made, before + creations(&keys).len() as u64);

        site.fail(fault);
        for request in creations(&keys) {
            let answer = server.ask(&request.bytes);
            assert_eq!(answer.status, request.refused, "{fault}, {}: {answer:?}", request.api);
            assert!(answer.head.contains(&format!("content-type: {}", request.media_type)), "{answer:?}");
            assert!(answer.body.contains(request.says), "{}: {answer:?}", request.api);
        }
        for request in uses(&keys) {
            let answer = server.ask(&request.bytes);
            let right = answer.status == 200 || answer.status == request.refused;
            assert!(right, "{fault}, {}: {answer:?}", request.api);
        }
        // Having room again is not enough: what is on the disk is not known before it was looked at.
        site.fail(0);
        assert_eq!(server.ask(&creations(&keys)[0].bytes).status, 503);
        let log = site.stop(server);
        assert!(log.contains(words) && log.contains("takes no writes until it is opened again"), "{log}");

        let server = site.start();
        let found = site.count(&server);
        assert!(found >= made && found <= made + 1, "{fault}: {made} were answered, {found} are there");
        for request in uses(&keys).iter().chain(&creations(&keys)) {
            let answer = server.ask(&request.bytes);
            assert!(matches!(answer.status, 200 | 201), "{fault}, {}: {answer:?}", request.api);
        }
        assert_eq!(site.count(&server), found + creations(&keys).len() as u64);
        site.stop(server);
    }
}

#[test]
fn without_file_descriptors_who_is_connected_goes_on_and_others_wait() {
    let Some(layer) = layer::layer() else { return };
    let mut site = Site::new(layer);
    let server = site.start();
    let keys = site.people_and_keys(&server);
    let mut kept = server.connect();
    let creation = &creations(&keys).pop().unwrap().bytes;
    assert_eq!(kept.ask(creation).status, 201);

    let pid = Some(Pid::from_child(&server.child));
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap().count() as u64;
    let all = getrlimit(Resource::Nofile);
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(open), ..all }).unwrap();
    let mut waiting = server.connect();
    waiting.send(creation);
    for _ in 0..3 {
        assert_eq!(kept.ask(creation).status, 201, "who is connected is answered");
    }
    prlimit(pid, Resource::Nofile, Rlimit { current: all.maximum, ..all }).unwrap();
    assert_eq!(waiting.answer().status, 201, "who waited is answered, too");
    let made = site.count(&server);
    site.stop(server);
    let server = site.start();
    assert_eq!(site.count(&server), made);
    site.stop(server);
}
