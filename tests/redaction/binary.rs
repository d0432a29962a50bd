//! The life of a server and a command line that are given secrets in every right and wrong way.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::console::use_console;
use crate::site::{Server, Site};

const ADMIN: &str = "aDminPassphraseOfTheFirstStart";
const FLO: &str = "fLoPassphraseGivenWhenAdded";
const FLO_LATER: &str = "lAterPassphraseSetByHandForFlo";
const WRONG: &str = "wRongPassphraseNobodyEverHad";
/// A key text of filebin's form that no key has.
const STRANGE: &str = "QzZ7strangeKeyTextNobodyWasGiven";
const KEYSPACES: [&str; 6] = ["filebin", "qreserve", "telvue", "bokamera", "freesewing", "native"];

#[test]
fn nothing_that_comes_out_or_stays_behind_shows_a_secret() {
    let mut site = Site::new();
    for (name, secret) in
        [("admin", ADMIN), ("flo", FLO), ("flo, later", FLO_LATER), ("wrong", WRONG), ("strange", STRANGE)]
    {
        site.planted.plant(name, secret.as_bytes());
    }
    let server = site.serve("log", &[("KEYWARD_ADMIN_PASSWORD", ADMIN)], &[]);
    plant_pepper(&mut site, "pepper", "data/secret");
    site.run(&["user", "add", "flo", "--password-stdin", "--output", "json"], FLO, &[]);
    let keys: Vec<_> = KEYSPACES.into_iter().map(|keyspace| create(&mut site, keyspace)).collect();
    for key in &keys {
        verify(&mut site, key);
        use_over_http(&mut site, &server, key);
    }
    logins(&mut site, &server);
    manage_by_filebin(&mut site, &server);
    use_console(&mut site, &server, "admin", ADMIN, WRONG);
    bad_json(&mut site, &keys[5]);
    wrong_arguments(&mut site, &keys[5]);
    change(&mut site, &keys);
    site.keep_files();
    let backup = site.path("backup");
    site.run(&["backup", backup.to_str().unwrap()], "", &[]);
    site.keep_file(&backup);
    let log = site.stop(server, &[]);
    assert!(log.contains("DEBUG") && log.contains("key denied"), "everything is logged");
    site.keep_files();
    refused_starts(&mut site);
    site.search();
    for (kind, least) in
        [("the answer", 100), ("the file", 10), ("standard error", 60), ("standard output", 60)]
    {
        assert!(site.kept(kind) >= least, "{kind}: {}", site.kept(kind));
    }
}

#[test]
fn a_code_for_setting_up_is_printed_once_and_kept_nowhere() {
    let mut site = Site::new();
    let server = site.serve("log", &[], &[]);
    // Begun to answer, it has printed the code.
    site.ask(&server, "GET /console/setup HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", &[]);
    let log = fs::read_to_string(site.path("log")).unwrap();
    let code = log.split("one-time code: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    site.planted.plant("code", code.as_bytes());
    let log = site.stop(server, &["code"]);
    assert_eq!(log.matches(&code).count(), 1);
    let server = site.serve("log", &[], &[]);
    site.stop(server, &[]);
    site.keep_files();
    site.search();
}

/// A key that was issued.
struct Issued {
    keyspace: &'static str,
    id: String,
    text: String,
}

fn plant_pepper(site: &mut Site, name: &str, file: &str) {
    let file = fs::read_to_string(site.path(file)).unwrap();
    let digits = file.lines().nth(1).unwrap().rsplit(' ').next().unwrap();
    site.planted.plant(name, &hex::decode(digits).unwrap());
}

/// Creates a key with each form of output.
fn create(site: &mut Site, keyspace: &'static str) -> Issued {
    // Where a user has one key, each needs its own.
    let (owner, second) = match keyspace {
        "telvue" => ("telvue", "telvue2"),
        "qreserve" => ("bot", "bot2"),
        _ => ("flo", "flo"),
    };
    for (name, kind) in [("telvue", None), ("telvue2", None), ("bot", Some("--bot")), ("bot2", Some("--bot"))]
    {
        if name == owner || name == second {
            let args: Vec<_> = ["user", "add", name].into_iter().chain(kind).collect();
            site.run(&args, "", &[]);
        }
    }
    let args = ["key", "create", "--owner", second, "--level", "4", "--keyspace", keyspace];
    let name = format!("{keyspace}, as text");
    let text = site.run(&args, "", &[&name]);
    site.planted.plant_key(keyspace, &name, text.trim_end());
    let args = ["key", "create", "--owner", owner, "--level", "4", "--keyspace", keyspace];
    let answer = site.run(&[&args[..], &["--output", "json"]].concat(), "", &[keyspace]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let text = answer["text"].as_str().unwrap().to_owned();
    site.planted.plant_key(keyspace, keyspace, &text);
    Issued { keyspace, id: answer["key"]["id"].as_str().unwrap().to_owned(), text }
}

fn verify(site: &mut Site, key: &Issued) {
    let broken =
        [key.text.clone(), key.text[1..].to_owned(), format!("{}x", key.text), key.text.to_uppercase()];
    for text in broken {
        for output in ["text", "json"] {
            for keyspace in [key.keyspace, "native", "telvue", "nowhere"] {
                site.run(&["key", "verify", "--keyspace", keyspace, "--output", output], &text, &[]);
            }
        }
    }
    site.run(&["key", "verify", "--keyspace", key.keyspace, "--level", "8"], &key.text, &[]);
}

/// Presents a key in every place a client might put one.
fn use_over_http(site: &mut Site, server: &Server, key: &Issued) {
    let (text, strange) = (&key.text, STRANGE);
    let good = key.keyspace == "filebin";
    let all = ["filebin", "filebin, as text"];
    let listed: &[&str] = if good { &all } else { &[] };
    site.ask(server, &form("/api/v2/user/apikeys", &format!("apikey={text}")), listed);
    site.ask(server, &multipart(&format!("name=\"apikey\"\r\n\r\n{text}\r\n")), listed);
    for body in [
        format!("apikey={text}x"),
        format!("apikey={strange}"),
        format!("apikey%5B={text}"),
        format!("{text}={text}"),
        text.clone(),
        format!("delete_key={text}&apikey={strange}"),
    ] {
        site.ask(server, &form("/api/v2/user/apikeys", &body), &[]);
        site.ask(server, &form("/api/v9/user/delete_apikey", &body), &[]);
        site.ask(server, &form(&format!("/api/v2/user/delete_apikey?{body}"), ""), &[]);
    }
    // An array is shown to the client that sent it.
    let answer =
        site.ask(server, &form("/api/v2/user/apikeys", &format!("apikey[]={text}")), &[key.keyspace]);
    assert!(answer.contains("input/invalid-form-field"));
    for head in [
        format!("GET /api/v2/user/apikeys?apikey={text} HTTP/1.1\r\nhost: x"),
        format!("GET /api/v2/user/{text} HTTP/1.1\r\nhost: x"),
        format!("GET /content_api/list?api_key={text} HTTP/1.1\r\nhost: x"),
        format!("GET /apikeys/{text} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {text}"),
        format!("POST /api/v2/user/apikeys HTTP/1.1\r\nhost: x\r\nx-api-key: {text}\r\ncookie: k={text}"),
        format!("POST /api/v2/user/apikeys HTTP/1.1\r\nhost: x\r\ncontent-type: {text}"),
        format!("GET / HTTP/1.1\r\nhost: {text}\r\n{}: {text}", text.replace(':', "-")),
        format!("{} / HTTP/1.1\r\nhost: x", text.replace(':', "-")),
        format!("GET / HTTP/1.1\r\nx-api-key: {text}\0"),
        format!("GET / {text}"),
        format!("GET /auth/{ks}?for=nginx HTTP/1.1\r\nhost: x\r\nx-api-key: {text}", ks = key.keyspace),
        format!("GET /auth/{ks}/{text}?api_key={text} HTTP/1.1\r\nhost: x", ks = key.keyspace),
        format!("GET /auth/{text}?for={text} HTTP/1.1\r\nhost: x\r\nauthorization: Basic {text}"),
        format!("GET /auth/native?limit={text} HTTP/1.1\r\nhost: x\r\nx-service-key: {text}"),
        format!("GET /auth/native HTTP/1.1\r\nhost: x\r\nx-api-key: {text}\r\nauthorization: {strange}"),
        format!("GET /v1/self?keyspace={ks} HTTP/1.1\r\nhost: x\r\nx-api-key: {text}", ks = key.keyspace),
        format!("GET /v1/self?keyspace={text} HTTP/1.1\r\nhost: x\r\nx-api-key: {text}"),
    ] {
        site.ask(server, &format!("{head}\r\nconnection: close\r\n\r\n"), &[]);
    }
    // A body in a form that is none, and one that ends too early.
    let json = format!("{{\"apikey\": \"{text}\"");
    site.ask(server, &form("/api/v2/user/apikeys", &json).replace("x-www-form-urlencoded", "json"), &[]);
    site.ask(server, &multipart(&format!("name=apikey; filename=\"{text}\"\r\n\r\n{text}")), &[]);
}

fn form(target: &str, body: &str) -> String {
    let content_type = "application/x-www-form-urlencoded";
    format!(
        "POST {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len(),
    )
}

fn multipart(part: &str) -> String {
    let body = format!("--B\r\nContent-Disposition: form-data; {part}");
    form("/api/v2/user/apikeys", &body)
        .replace("application/x-www-form-urlencoded", "multipart/form-data; boundary=B")
}

fn login(site: &mut Site, server: &Server, name: &str, password: &str, may_show: &[&str]) -> String {
    let fields = format!("username={name}&password={password}&access_level=full");
    site.ask(server, &form("/api/v2/user/create_apikey", &fields), may_show)
}

/// Creates a key and plants it under the name of `key`.
fn create_by_login(site: &mut Site, server: &Server, name: &str, password: &str, key: &str) -> String {
    let answer = login(site, server, name, password, &[key]);
    let text = answer.split("\"new_key\":\"").nth(1).expect("the login is right");
    let text = text.split('"').next().unwrap().to_owned();
    site.planted.plant_key("filebin", key, &text);
    text
}

fn logins(site: &mut Site, server: &Server) {
    for (name, password) in [("flo", WRONG), ("nobody", FLO), (FLO, "flo"), (FLO, FLO), ("flo", ADMIN)] {
        assert!(login(site, server, name, password, &[]).contains("user/login-failed"));
    }
    create_by_login(site, server, "admin", ADMIN, "of admin");
    create_by_login(site, server, "flo", FLO, "of flo");
    site.run(&["user", "passwd", "flo", "--output", "json"], FLO_LATER, &[]);
    assert!(login(site, server, "flo", FLO, &[]).contains("user/login-failed"));
    site.ask(
        server,
        &form("/api/v2/user/create_apikey", &format!("username[]={FLO_LATER}&password=x")),
        &["flo, later"],
    );
    site.ask(
        server,
        &form(&format!("/api/v2/user/create_apikey?username=flo&password={FLO_LATER}"), ""),
        &[],
    );
}

fn manage_by_filebin(site: &mut Site, server: &Server) {
    let text = create_by_login(site, server, "flo", FLO_LATER, "by form");
    let listed = ["filebin", "filebin, as text", "of flo", "by form"];
    site.ask(server, &form("/api/v2/user/apikeys", &format!("apikey={text}")), &listed);
    let delete = |key: &str| form("/api/v2/user/delete_apikey", &format!("apikey={text}&delete_key={key}"));
    site.ask(server, &delete(STRANGE), &[]);
    site.ask(server, &delete(&text), &["by form"]);
    site.ask(server, &delete(&text), &[]);
}

/// Requests to keyward's own API that hold secrets where none belong.
fn bad_json(site: &mut Site, key: &Issued) {
    let (text, id) = (&key.text, &key.id);
    for (method, target, body) in [
        ("POST", "/v1/users".to_owned(), format!(r#"{{"username":"bo","password":"{WRONG}"#)),
        ("POST", "/v1/users".to_owned(), format!(r#"{{"username":"bo","password":{{"a":"{WRONG}"}}}}"#)),
        ("POST", "/v1/users".to_owned(), format!(r#"{{"username":"{WRONG}!","password":"{WRONG}"}}"#)),
        ("POST", "/v1/users".to_owned(), format!(r#"{{"username":"bo","{WRONG}":1}}"#)),
        ("POST", "/v1/users".to_owned(), format!(r#"{{"username":"bo","role":"{WRONG}"}}"#)),
        ("POST", "/v1/users".to_owned(), format!(r#""{WRONG}""#)),
        ("POST", "/v1/users".to_owned(), WRONG.to_owned()),
        ("PUT", "/v1/users/flo/password".to_owned(), format!(r#"{{"password":["{WRONG}"]}}"#)),
        ("PUT", format!("/v1/users/{WRONG}/password"), format!(r#"{{"password":"{WRONG}"}}"#)),
        ("PUT", format!("/v1/users/flo/{WRONG}"), "{}".to_owned()),
        ("PATCH", "/v1/users/flo".to_owned(), format!(r#"{{"email":"{WRONG}"}}"#)),
        ("PATCH", format!("/v1/keys/{id}"), format!(r#"{{"level":"{text}"}}"#)),
        ("PATCH", format!("/v1/keys/{id}"), format!(r#"{{"allowlist":"{text}"}}"#)),
        ("PATCH", format!("/v1/keys/{id}"), format!(r#"{{"expires_at":"{text}, expected {text}"}}"#)),
        ("PATCH", format!("/v1/keys/{id}"), format!(r#"{{"x, expected {text}":1}}"#)),
        ("POST", "/v1/verify".to_owned(), format!(r#"{{"keyspace":"{text}","key":"{text}"}}"#)),
        ("POST", "/v1/verify".to_owned(), format!(r#"{{"keyspace":"native","key":["{text}"]}}"#)),
        (
            "POST",
            "/v1/verify".to_owned(),
            format!(r#"{{"keyspace":"native","key":"{text}","address":"{text}"}}"#),
        ),
        ("POST", "/v1/verify".to_owned(), format!(r#"{{"keyspace":"native","key":"{text}"}}"#)),
        ("POST", "/v1/verify?status=true".to_owned(), format!(r#"{{"key":"{text}","permission":"{text}"}}"#)),
        ("POST", "/v1/verify?status=true".to_owned(), format!(r#"{{"key":"{text}x"}}"#)),
        ("POST", format!("/v1/verify?status={text}"), format!(r#"{{"key":"{text}","limit":"{text}"}}"#)),
        (
            "POST",
            "/v1/verify/batch".to_owned(),
            format!(r#"{{"keys":[{{"key":"{text}"}},{{"kay":"{text}"}},"{text}"]}}"#),
        ),
        ("GET", format!("/v1/keys/{text}"), String::new()),
        ("GET", format!("/v1/keys?owner={WRONG}!"), String::new()),
        ("GET", format!("/v1/keys?owner=flo&after={text}"), String::new()),
        ("GET", format!("/v1/keys?{text}={text}"), String::new()),
    ] {
        let request =
            form(&target, &body).replacen("POST", method, 1).replace("x-www-form-urlencoded", "json");
        site.ask_control(&request);
    }
}

fn wrong_arguments(site: &mut Site, key: &Issued) {
    let text = key.text.as_str();
    for args in [
        &["key", "verify", text][..],
        &["key", "show", text],
        &["key", text],
        &[text],
        &["key", "create", "--owner", text, "--level", text],
        &["key", "create", "--owner", "flo", "--allow", text],
        &["key", "create", "--owner", "flo", "--expires", text],
        &["key", "list", "--owner", "flo", "--after", text],
        &["user", "add", "bo", "--password", text],
        &["user", "add", "bo", text],
        &["user", "set", "flo", "--role", text],
        &["user", "set", "flo", "--email", text],
        &["user", "show", text],
        &["--output", text, "check"],
        &["serve", "--listen", text],
        &["serve", "--trust-proxy", text],
        &["key", "create", "--owner", "flo", "--limit", text],
        &["key", "verify", "--permission", text],
    ] {
        for output in ["text", "json"] {
            site.run(&[args, &["--output", output]].concat(), "", &[]);
        }
    }
}

/// Shows, lists, rotates, suspends, revokes and deletes keys, and removes a user.
fn change(site: &mut Site, keys: &[Issued]) {
    for (nth, key) in keys.iter().enumerate() {
        let output: &[&str] = &["--output", ["text", "json"][nth % 2]];
        let id = key.id.as_str();
        let name = format!("{}, rotated", key.keyspace);
        let answer = site.run(&[&["key", "rotate", id, "--grace", "1h"][..], output].concat(), "", &[&name]);
        let text = match serde_json::from_str::<Value>(&answer) {
            Ok(answer) => answer["text"].as_str().unwrap().to_owned(),
            Err(_) => answer,
        };
        site.planted.plant_key(key.keyspace, &name, text.trim_end());
        verify(site, key);
        for task in ["show", "suspend", "resume", "revoke", "rotate", "show"] {
            site.run(&[&["key", task, id][..], output].concat(), "", &[]);
        }
        site.run(
            &[&["key", "list", "--owner", "flo", "--keyspace", key.keyspace][..], output].concat(),
            "",
            &[],
        );
        site.run(&[&["key", "delete", id][..], output].concat(), "", &[]);
        verify(site, key);
        for args in
            [&["user", "list"][..], &["user", "show", "flo"], &["key", "list", "--owner", "flo"], &["check"]]
        {
            site.run(&[args, output].concat(), "", &[]);
        }
    }
    site.run(&["user", "add", "bo", "--password-stdin"], FLO_LATER, &[]);
    site.run(&["user", "remove", "bo"], "", &[]);
}

/// Starts that fail: under a wrong, damaged or exposed secret file, and on a damaged store.
fn refused_starts(site: &mut Site) {
    let secret = site.path("data/secret");
    let right = fs::read_to_string(&secret).unwrap();
    let other = "5eed".repeat(16);
    site.planted.plant("other pepper", &hex::decode(&other).unwrap());
    site.planted.plant("other pepper, in digits", other.as_bytes());
    let header = "keyward-secret 1\n";
    for wrong in [
        format!("{header}pepper 1 {other}\n"),
        format!("{header}pepper 1 {other}0\n"),
        format!("{header}pepper 1 {other}\npepper 1 {other}\n"),
        format!("{header}{other}\n"),
        format!("{other}\n"),
        right.replacen("pepper 1 ", "pepper 1  ", 1),
    ] {
        fs::write(&secret, wrong).unwrap();
        start(site);
    }
    fs::write(&secret, right).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    start(site);
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let database = site.path("data/db/db");
    let mut bytes = fs::read(&database).unwrap();
    for byte in bytes.iter_mut().skip(2_000).step_by(1_009) {
        *byte ^= 0x55;
    }
    fs::write(&database, bytes).unwrap();
    start(site);
    site.keep_files();
    fs::write(&database, b"").unwrap();
    start(site);
    site.keep_files();
}

fn start(site: &mut Site) {
    for args in [&["user", "list"][..], &["key", "list", "--owner", "flo", "--output", "json"], &["check"]] {
        site.run(args, "", &[]);
    }
    let server = site.serve("log", &[], &[]);
    site.stop(server, &[]);
}
