//! Where the data and the secret file may lie: what others could write or read is refused, with what to do instead; a
//! place that cannot be used leaves nothing behind.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::binary::{Done, keyward, run};

fn try_to(dir: &Path, args: &[&str]) -> Done {
    run(keyward(dir, args), "")
}

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

#[test]
fn a_data_directory_that_others_can_write_to_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    for mode in [0o777, 0o1777, 0o702] {
        fs::set_permissions(&data, Permissions::from_mode(mode)).unwrap();
        for args in [&SERVE[..], &["compact"], &["check", "--repair"], &["restore", "/dev/null"]] {
            let done = try_to(&data, args);
            let advice =
                format!("use a subdirectory of it, as with --data {}", data.join("keyward").display());
            assert!(
                done.code == 5 && done.err.contains(&advice),
                "{mode:o} {args:?}: {} {}",
                done.out,
                done.err
            );
            assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "{mode:o} {args:?}");
        }
    }
    // A subdirectory is accepted even if others may write beside it, and so are files that our own group may write.
    for (place, mode) in [(data.join("keyward"), 0o1777), (data.clone(), 0o770)] {
        fs::set_permissions(&data, Permissions::from_mode(mode)).unwrap();
        let mut server = keyward(&place, &SERVE).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.take().unwrap()), &mut line)
            .unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
        assert!(line.starts_with("listening on "), "{line}");
    }
}

#[test]
fn a_secret_file_that_cannot_be_made_or_used_is_named_and_leaves_no_directory() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("open"), "keyward-secret 1\n").unwrap();
    fs::set_permissions(at("open"), Permissions::from_mode(0o644)).unwrap();
    for name in ["absent/secret", "open/secret", "open", "."] {
        let secret = at(name);
        let done = try_to(&at("data"), &[&SERVE[..], &["--secret-file", secret.to_str().unwrap()]].concat());
        assert!(done.code == 5 && done.err.contains(secret.to_str().unwrap()), "{name}: {}", done.err);
        assert!(!at("data").exists(), "{name}");
    }
    // One that was made for a store that then could not be is gone again.
    let secret = at("secret");
    let done = try_to(&at("open/data"), &[&SERVE[..], &["--secret-file", secret.to_str().unwrap()]].concat());
    assert!(done.code == 5 && done.err.contains("open/data"), "{}", done.err);
    assert!(!secret.exists());
}
