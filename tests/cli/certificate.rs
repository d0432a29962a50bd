//! The certificate that is shown.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::binary::Done;
use crate::site::Site;
use crate::skipped::skipped;

/// A certificate for `localhost` and its key, as files of this name.
fn certificate(site: &Site, name: &str) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = |end: &str| site.dir.path().join(format!("{name}.{end}"));
    fs::write(file("pem"), made.cert.pem()).unwrap();
    fs::write(file("key"), made.signing_key.serialize_pem()).unwrap();
    (file("pem"), file("key"))
}

/// The version of HTTP that curl spoke with a server whose certificate it trusts; nothing when it does not.
fn curl_speaks(trusted: &Path, address: &str) -> String {
    let port = address.rsplit(':').next().unwrap();
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_version}", "--cacert"]).arg(trusted);
    let done: Done = curl.arg(format!("https://localhost:{port}/healthz")).output().unwrap().into();
    if done.code == 0 { done.out } else { String::new() }
}

#[test]
fn a_certificate_is_shown_and_read_again_at_a_hangup() {
    if Command::new("curl").arg("--version").output().is_err() {
        skipped("there is no curl");
        return;
    }
    let site = Site::new();
    let ((first, key), (second, second_key)) = (certificate(&site, "first"), certificate(&site, "second"));
    let (shown, shown_key) = (site.dir.path().join("shown.pem"), site.dir.path().join("shown.key"));
    let show = |from: &Path, key: &Path| {
        fs::copy(from, &shown).unwrap();
        fs::copy(key, &shown_key).unwrap();
    };
    let args = ["--tls-cert", shown.to_str().unwrap(), "--tls-key", shown_key.to_str().unwrap()];
    show(&first, &second_key);
    let wrong = site.run(&[&["serve", "--listen", "127.0.0.1:0"][..], &args].concat());
    assert!(wrong.code == 2 && wrong.err.contains("does not belong"), "{}: {}", wrong.code, wrong.err);
    assert!(!site.data().exists(), "a wrong certificate leaves nothing behind");
    let alone = site.run(&["serve", "--tls-cert", "x"]);
    assert_eq!(alone.code, 2, "{}", alone.err);

    show(&first, &key);
    let server = site.serve(&args);
    assert_eq!(curl_speaks(&first, &server.address), "2");
    show(&second, &second_key);
    server.signal(Signal::HUP);
    while curl_speaks(&second, &server.address).is_empty() {}
    assert_eq!(curl_speaks(&first, &server.address), "");
    assert_eq!(server.stop().code, 0);
}

#[test]
fn a_test_that_was_skipped_says_so_on_the_terminal() {
    let name = "certificate::a_certificate_is_shown_and_read_again_at_a_hangup";
    let mut tests = Command::new(std::env::current_exe().unwrap());
    let done = Done::from(tests.args(["--exact", name]).env("PATH", "").output().unwrap());
    assert!(done.code == 0 && done.out.contains("1 passed"), "{}", done.out);
    assert!(done.err.contains(&format!("skipped: {name}: there is no curl\n")), "{}", done.err);
    assert!(!done.out.contains("skipped: "), "libtest would show it only for a failure: {}", done.out);
}
