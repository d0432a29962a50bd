//! Where answers go.

use std::fs::File;
use std::process::Command;

use serde_json::Value;

use crate::binary::{Done, run};
use crate::site::Site;

#[test]
fn a_reader_who_has_seen_enough_ends_the_run_quietly() {
    let site = Site::started_once();
    site.ok(&["user", "add", "flo"]);
    site.ok(&["key", "create", "--owner", "flo"]);
    for args in [
        &["user", "list"][..],
        &["key", "list"],
        &["company", "list"],
        &["audit"],
        &["audit", "verify"],
        &["check"],
        &["user", "show", "flo"],
        &["secret", "list"],
        &["--output", "json", "key", "list"],
    ] {
        let mut child = site.command(args).spawn().unwrap();
        drop(child.stdout.take());
        let done = Done::from(child.wait_with_output().unwrap());
        assert!(matches!(done.code, 0 | 141) && done.err.is_empty(), "{args:?} {}: {}", done.code, done.err);
    }
}

fn keys(site: &Site) -> usize {
    site.json(&["key", "list"])["keys"].as_array().unwrap().len()
}

#[test]
fn no_key_is_made_or_changed_whose_text_nobody_can_see() {
    let site = Site::started_once();
    site.ok(&["user", "add", "flo"]);
    let create = ["key", "create", "--owner", "flo"];
    let closed = |args: &[&str]| {
        let command = site.command(args);
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$0\" \"$@\" >&-"]).arg(command.get_program()).args(command.get_args());
        shell.env("KEYWARD_DATA", site.data()).stderr(std::process::Stdio::piped());
        shell.stdin(std::process::Stdio::piped());
        run(shell, "")
    };
    let done = closed(&create);
    assert!(done.code == 1 && done.err.contains("no standard output"), "{} {}", done.code, done.err);
    assert_eq!(keys(&site), 0);

    let mut full = site.command(&create);
    full.stdout(File::options().write(true).open("/dev/full").unwrap());
    let done = run(full, "");
    assert!(done.code == 1 && done.err.contains("was removed again"), "{} {}", done.code, done.err);
    assert_eq!(keys(&site), 0);

    let mut unread = site.command(&create).spawn().unwrap();
    drop(unread.stdout.take());
    unread.wait().unwrap();
    assert!(keys(&site) <= 1, "there is one only if its text was written before the reader left");

    site.ok(&create);
    let id = site.json(&["key", "list"])["keys"][0]["id"].as_str().unwrap().to_owned();
    let text = site.ok(&["key", "rotate", &id]);
    assert_eq!(closed(&["key", "rotate", &id]).code, 1);
    assert_eq!(site.run_with(&["key", "verify"], &text).code, 0, "it was not rotated");
}

#[test]
fn a_key_that_acts_below_its_level_is_said_to() {
    let site = Site::started_once();
    site.ok(&["user", "add", "flo", "--role", "read-only"]);
    let create = |level: &str| site.run(&["key", "create", "--owner", "flo", "--level", level]);
    let (capped, whole) = (create("8"), create("2"));
    assert!(capped.code == 0 && capped.err.contains("the key acts at level 2 only"), "{}", capped.err);
    assert!(whole.code == 0 && !whole.err.contains("acts at level"), "{}", whole.err);
}

#[test]
fn whoever_stops_a_key_sees_how_often_it_was_used() {
    let site = Site::started_once();
    let server = site.serve(&[]);
    site.ok(&["user", "add", "flo"]);
    let text = site.ok(&["key", "create", "--owner", "flo"]);
    let id = site.json(&["key", "list"])["keys"][0]["id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        assert_eq!(site.run_with(&["key", "verify"], &text).code, 0);
    }
    for what in ["suspend", "resume", "revoke"] {
        let usage = site.json(&["key", what, &id])["usage"].clone();
        assert_eq!(usage["count"], Value::from(3), "{what}");
        let last = usage["last_at"].as_str().unwrap();
        assert!(!last.contains('.') && last.ends_with('Z'), "no more than is known: {last}");
    }
    server.stop();
}

#[test]
fn a_refused_key_is_no_line_of_the_log() {
    let site = Site::started_once();
    let server = site.serve(&[]);
    for (target, field) in [
        ("/auth/native", "x-api-key: kw_junk"),
        ("/v1/keys", "authorization: Bearer kw_junk"),
        ("/v1/keys", "authorization: Basic YWRtaW46d3Jvbmc="),
        ("/xml/software_version", "authorization: kw_junk"),
        ("/", "authorization: kw_junk"),
        ("/apikeys", "authorization: Basic YTpi"),
    ] {
        let answer =
            server.ask(&format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{field}\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 4"), "{target}: {answer}");
        let login = field.ends_with("d3Jvbmc=");
        assert_eq!(answer.contains("this login is not valid"), login, "{target}: {answer}");
    }
    let log = server.stop().err;
    assert!(!log.contains("denied") && !log.contains("refused") && !log.contains("Some("), "{log}");
}
