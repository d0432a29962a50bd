//! Data directories and secret files that cannot be used.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::site::Site;

#[test]
fn only_the_secret_file_of_the_store_opens_it_and_only_when_it_is_private() {
    let site = Site::started_once();
    let (secret, kept) = (site.data().join("secret"), site.dir.path().join("kept"));
    let refused = |says: &str| {
        for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"]] {
            let done = site.run(args);
            assert!(done.code == 5 && done.err.contains(says), "{args:?} {}: {}", done.code, done.err);
        }
    };
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    refused("chmod 600");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&secret, &kept).unwrap();
    refused("no issued key verifies");
    assert!(!secret.exists(), "none is made up in its place");
    let other = Site::started_once();
    fs::rename(other.data().join("secret"), &secret).unwrap();
    refused("--secret-file");
    site.ok(&["--secret-file", kept.to_str().unwrap(), "user", "list"]);
}

#[test]
fn one_server_at_a_time_has_a_directory_and_an_address() {
    let site = Site::new();
    let server = site.serve(&[]);
    let second = site.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(second.code == 5 && second.err.contains("in use by another keyward process"), "{}", second.err);
    let other = Site::new();
    let taken = other.run(&["serve", "--listen", &server.address]);
    assert!(taken.code == 1 && taken.err.contains("--listen"), "{}", taken.err);
    assert!(!other.data().exists(), "a wrong address leaves nothing behind");
    site.ok(&["user", "list"]);
}

#[test]
fn missing_data_is_refused_until_recovering_is_asked_for() {
    let site = Site::started_once();
    fs::remove_dir_all(site.data().join("db")).unwrap();
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"]] {
        let done = site.run(args);
        assert!(done.code == 5 && done.err.contains("--recover"), "{args:?} {}: {}", done.code, done.err);
    }
    let done = site.serve(&["--recover"]).stop();
    assert!(done.code == 0 && done.err.contains("missing"), "{}", done.err);
    site.ok(&["user", "list"]);
}

#[test]
fn a_mistyped_directory_makes_none() {
    let site = Site::new();
    let done = site.run(&["user", "list"]);
    assert!(done.code == 5 && done.err.contains("--data"), "{}", done.err);
    assert!(!site.data().exists());
    let done = site.run(&["serve", "--listen", "127.0.0.1:0", "--data", "/dev/null/x"]);
    assert!(done.code == 5 && done.err.contains("directory"), "{}", done.err);
}
