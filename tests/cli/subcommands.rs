//! Every subcommand, stopped and running.

use std::thread;

use serde_json::Value;

use crate::site::Site;

/// Every subcommand once. Nothing here depends on whether a server runs.
fn exercise(site: &Site) {
    users(site);
    keys(site);
    site.ok(&["user", "remove", "robot"]);
    audit(site);
    assert!(site.ok(&["check"]).ends_with("audit events, 0 findings\n"));
    assert_eq!(site.json(&["check"])["findings"], Value::Array(Vec::new()));
    refusals(site);
}

/// A head that was kept holds later, and another one does not.
fn audit(site: &Site) {
    let head = site.json(&["audit", "verify"])["head"].as_str().unwrap().to_owned();
    site.ok(&["user", "add", "late"]);
    site.ok(&["user", "remove", "late"]);
    let told = site.ok(&["audit", "--limit", "2", "--since", "1h", "--user", "flo"]);
    assert!(!told.contains("late"), "{told}");
    let told = site.ok(&["audit", "--limit", "2"]);
    let rows: Vec<_> = told.lines().collect();
    assert!(rows[1].contains("user_removed") && rows[1].contains("username: late → -"), "{told}");
    assert!(rows[2].contains("user_added") && rows[2].contains("operator"), "{told}");
    let created = site.json(&["audit", "--action", "key_created", "--limit", "1"]);
    let key = created["events"][0]["subject"]["id"].as_str().unwrap();
    assert!(site.ok(&["audit", "--key", key]).contains("key_created"));
    assert_eq!(site.json(&["audit", "--after", "0", "--limit", "1"])["events"][0]["sequence"], 1);
    assert_eq!(site.run(&["audit", "--since", "yesterday"]).code, 2);
    assert_eq!(site.run(&["audit", "--action", "exploded"]).code, 2);
    let proved = site.ok(&["audit", "verify", "--kept", &head]);
    assert!(proved.contains(" events proved, head "), "{proved}");
    let (sequence, _) = head.split_once(':').unwrap();
    let done = site.run(&["audit", "verify", "--kept", &format!("{sequence}:{}", "00".repeat(32))]);
    assert!(done.code == 1 && done.out.contains("is missing or was altered"), "{}", done.out);
    assert_eq!(site.run(&["audit", "verify", "--kept", "7"]).code, 2);
}

fn users(site: &Site) {
    let added = site.run_with(
        &["user", "add", "flo", "--email", "flo@example.org", "--display-name", "Flo", "--password-stdin"],
        "hunter-2\nignored",
    );
    assert_eq!(added.code, 0, "{}", added.err);
    assert!(added.out.contains("flo@example.org"), "{}", added.out);
    let bot = site.json(&["user", "add", "robot", "--bot", "--role", "read-only"]);
    assert_eq!((&bot["kind"], &bot["role"]), (&Value::from("bot"), &Value::from("read-only")));
    let users = site.ok(&["user", "list"]);
    let columns: Vec<_> =
        users.lines().map(|line| line.find("person").or_else(|| line.find("KIND"))).collect();
    assert_eq!((columns.len(), columns[0]), (4, columns[1]), "the table is aligned:\n{users}");
    let page = site.run(&["user", "list", "--limit", "1"]);
    let (_, next) = page.err.trim_end().split_once("--after ").unwrap();
    assert!(site.ok(&["user", "list", "--after", next, "--limit", "1"]).contains("flo"));
    assert_ne!(site.run(&["key", "list", "--after", next]).code, 0, "of another list");

    let set = ["user", "set", "flo", "--role", "support", "--email", "", "--api-access", "true"];
    let flo = site.json(&set);
    assert_eq!(
        (&flo["role"], &flo["email"], &flo["api_access"]),
        (&"support".into(), &Value::Null, &true.into())
    );
    let set = site.run_with(&["user", "passwd", "flo"], "hunter-3\n");
    assert_eq!((set.code, set.out.as_str()), (0, ""), "{}", set.err);
    assert!(site.ok(&["user", "show", "flo"]).contains("display_name  Flo"));
}

fn keys(site: &Site) {
    let create = ["key", "create", "--owner", "flo", "--comment", "ci", "--level", "3", "--expires", "30d"];
    let created = site.run(&create);
    let text = created.out.trim_end();
    assert!(
        created.code == 0 && text.len() == 53 && !text.contains(char::is_whitespace),
        "{:?}",
        created.out
    );
    assert!(created.err.contains("this once") && !created.err.contains(text), "{}", created.err);
    let keys = site.json(&["key", "list", "--owner", "flo", "--keyspace", "native"]);
    let id = keys["keys"][0]["id"].as_str().unwrap().to_owned();
    let show = || site.json(&["key", "show", &id]);
    assert_eq!((&show()["comment"], &show()["level"]), (&"ci".into(), &3.into()));
    assert!(site.ok(&["key", "list", "--owner", "flo"]).contains(&text[..15]));
    let everyones = site.ok(&["key", "list"]);
    assert!(everyones.lines().next().is_some_and(|line| line.contains("OWNER")) && everyones.contains("flo"));

    let verify = |text: &str| site.run_with(&["key", "verify"], &format!("{text}\n"));
    let good = verify(text);
    assert!(good.code == 0 && good.out.contains("of flo, level 3"), "{} {}", good.out, good.err);
    assert_eq!(verify("kw_nonsense").code, 4);
    let elsewhere = ["key", "verify", "--level", "5", "--address", "10.0.0.1", "--output", "json"];
    let denied = site.run_with(&elsewhere, text);
    assert_eq!((denied.code, &denied.json()["code"]), (4, &"level_too_low".into()));

    let update = ["key", "update", &id, "--allow", "10.0.0.0/8", "--expires", "never", "--comment", ""];
    let updated = site.json(&update);
    assert_eq!((&updated["allowlist"], &updated["expires_at"]), (&"10.0.0.0/8".into(), &Value::Null));
    assert_eq!((&updated["comment"], &updated["level"]), (&"".into(), &3.into()));
    assert_eq!(verify(text).out, "denied: address_not_allowed\n");
    site.ok(&["key", "update", &id, "--allow", ""]);

    let rotated = site.run(&["key", "rotate", &id, "--grace", "12h"]);
    let fresh = rotated.out.trim_end();
    assert!(rotated.code == 0 && rotated.err.contains("verifies until"), "{}", rotated.err);
    assert_eq!((verify(text).code, verify(fresh).code), (0, 0));
    site.ok(&["key", "suspend", &id]);
    assert_eq!(verify(fresh).out, "denied: suspended\n");
    site.ok(&["key", "resume", &id]);
    let revoked = site.json(&["key", "revoke", &id, "--reason", "keyCompromise"]);
    assert_eq!(revoked["revoked"]["reason"], "keyCompromise");
    assert_eq!(verify(fresh).code, 4);
    site.ok(&["key", "delete", &id]);
    assert_eq!(site.run(&["key", "show", &id]).code, 3);
}

fn refusals(site: &Site) {
    for (args, code, says) in [
        (&["user", "add", "flo"][..], 1, "the user name is taken"),
        (&["user", "add", "flo", "--role", "king"], 2, "role must be"),
        (&["user", "add", "flo", "--password", "x"], 2, "unexpected argument '--password'"),
        (&["user", "set", "flo"], 2, "required"),
        (&["key", "update", "00000000-0000-4000-8000-000000000000"], 2, "required"),
        (&["key", "verify", "kw_text"], 2, "unexpected argument"),
        (&["key", "create", "--owner", "flo", "--expires", "soon"], 2, "must be never"),
        (&["key", "create", "--owner", "nobody"], 3, "no such user"),
        (&["key", "create", "--owner", "flo", "--keyspace", "nowhere"], 1, "no such keyspace"),
        (&["key", "create", "--owner", "flo", "--expires", "1970-01-02T00:00:00Z"], 1, "in the future"),
        (&["user", "show", "nobody"], 3, "no such user"),
        (&["user", "passwd", "flo"], 1, "password must not be empty"),
        (&["user", "passwd", "nobody"], 3, "no such user"),
        (&["user", "remove", "admin"], 1, "last active administrator"),
    ] {
        let done = site.run(args);
        assert_eq!(done.code, code, "{args:?}: {}", done.err);
        assert!(done.err.contains(says) && done.out.is_empty(), "{args:?}: {:?} {:?}", done.out, done.err);
    }
}

#[test]
fn every_subcommand_works_while_the_server_is_stopped() {
    exercise(&Site::started_once());
}

#[test]
fn every_subcommand_works_while_the_server_runs() {
    let site = Site::started_once();
    let server = site.serve(&[]);
    exercise(&site);
    assert!(server.takes_login("flo", "hunter-3"), "the password set last is the one");
    assert!(!server.takes_login("flo", "hunter-2"));
    let done = server.stop();
    assert_eq!(done.code, 0, "{}", done.err);
    for secret in ["hunter-2", "hunter-3", "kw_"] {
        assert!(!done.err.contains(secret), "{}", done.err);
    }
}

#[test]
fn many_at_once_are_all_answered() {
    let site = Site::started_once();
    let _server = site.serve(&[]);
    thread::scope(|scope| {
        for n in 0..8 {
            let site = &site;
            scope.spawn(move || site.ok(&["user", "add", &format!("bot{n}"), "--bot"]));
        }
    });
    assert_eq!(site.json(&["user", "list"])["users"].as_array().unwrap().len(), 9);
}
