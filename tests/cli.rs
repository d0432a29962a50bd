//! The real binary, as a person or a script uses it.

#![cfg(feature = "server")]
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "binary/run.rs"]
mod binary;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::{fs, thread};

use binary::{Done, keyward, run};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A directory of its own, and the binary pointed at it.
struct Site {
    dir: TempDir,
}

impl Done {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error} in {:?}, {:?}", self.out, self.err))
    }
}

impl Site {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With a store that a server was started on and stopped, and an administrator.
    fn started_once() -> Self {
        let site = Self::new();
        let mut command = site.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("KEYWARD_ADMIN_PASSWORD", "hunter1");
        assert_eq!(Server::of(command).stop().code, 0);
        site
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = keyward(&self.data(), args);
        command.env("TMPDIR", self.dir.path());
        command
    }

    fn run_with(&self, args: &[&str], input: &str) -> Done {
        run(self.command(args), input)
    }

    fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "")
    }

    /// A run that has to succeed; its standard output.
    fn ok(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {}", done.err);
        done.out
    }

    fn json(&self, args: &[&str]) -> Value {
        let done = self.run(&[&["--output", "json"], args].concat());
        assert_eq!(done.code, 0, "{args:?}: {}", done.err);
        done.json()
    }

    fn serve(&self, args: &[&str]) -> Server {
        Server::of(self.command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat()))
    }
}

/// A server at work; killed when dropped.
struct Server {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Server {
    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").and_then(|url| url.split_once("://"));
        let Some((_, address)) = address else {
            let done = Done::from(child.wait_with_output().unwrap());
            panic!("it did not start: {line:?}, {}", done.err);
        };
        Self { address: address.to_owned(), child, out }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn stop(mut self) -> Done {
        self.signal(Signal::TERM);
        self.end()
    }

    /// Waits for its end, whatever led to it.
    fn end(&mut self) -> Done {
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let mut out = String::new();
        self.out.read_to_string(&mut out).unwrap();
        Done { code: self.child.wait().unwrap().code().unwrap_or(-1), out, err }
    }

    /// Whether filebin's API takes this login.
    fn takes_login(&self, name: &str, password: &str) -> bool {
        let form = format!("username={name}&password={password}&access_level=full");
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST /api/v2.0.0/user/create_apikey HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len(),
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.contains("new_key")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

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
    let proved = site.ok(&["audit", "verify", "--kept", &head]);
    assert!(proved.contains(" events proved, head "), "{proved}");
    let (sequence, _) = head.split_once(':').unwrap();
    let done = site.run(&["audit", "verify", "--kept", &format!("{sequence}:{}", "00".repeat(32))]);
    assert!(done.code == 1 && done.out.contains("not there, or not the same"), "{}", done.out);
    assert_eq!(site.run(&["audit", "verify", "--kept", "7"]).code, 2);
}

fn users(site: &Site) {
    let added = site.run_with(
        &["user", "add", "flo", "--email", "flo@example.org", "--display-name", "Flo", "--password-stdin"],
        "hunter2\nignored",
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
    assert!(page.err.contains("--after 1"), "{}", page.err);
    assert!(site.ok(&["user", "list", "--after", "1", "--limit", "1"]).contains("flo"));

    let set = ["user", "set", "flo", "--role", "support", "--email", "", "--api-access", "true"];
    let flo = site.json(&set);
    assert_eq!(
        (&flo["role"], &flo["email"], &flo["api_access"]),
        (&"support".into(), &Value::Null, &true.into())
    );
    let set = site.run_with(&["user", "passwd", "flo"], "hunter3\n");
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
    assert!(server.takes_login("flo", "hunter3"), "the password set last is the one");
    assert!(!server.takes_login("flo", "hunter2"));
    let done = server.stop();
    assert_eq!(done.code, 0, "{}", done.err);
    for secret in ["hunter2", "hunter3", "kw_"] {
        assert!(!done.err.contains(secret), "{}", done.err);
    }
}

#[test]
fn a_first_start_says_how_to_become_administrator_until_there_is_somebody() {
    let site = Site::new();
    let server = site.serve(&[]);
    assert_eq!((mode(&site.data()), mode(&site.data().join("secret"))), (0o700, 0o600));
    let socket = site.data().join("keyward.sock");
    assert_eq!(mode(&socket), 0o600, "others cannot reach the control socket");
    let address = server.address.clone();
    let first = server.stop();
    assert!(!socket.exists(), "a clean stop removes the control socket");
    let code = |said: &Done| {
        let code = said.err.split("one-time code: ").nth(1);
        code.map(|rest| rest.lines().next().unwrap().to_owned())
    };
    assert!(first.err.contains(&format!("http://{address}/console/setup")), "{}", first.err);
    assert_eq!(code(&first).unwrap().len(), 24, "{}", first.err);
    let second = site.serve(&[]).stop();
    assert_ne!(code(&first), code(&second), "a new one at each start");
    let added =
        site.run_with(&["user", "add", "root", "--role", "administrator", "--password-stdin"], "hunter2\n");
    assert_eq!(added.code, 0, "{}", added.err);
    let server = site.serve(&[]);
    assert!(server.takes_login("root", "hunter2"));
    assert_eq!(code(&server.stop()), None);
}

#[test]
fn a_given_administrator_password_is_used_and_not_printed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "from-a-file\n").unwrap();
    let path = file.path().to_str().unwrap();
    for (variable, value, password) in [
        ("KEYWARD_ADMIN_PASSWORD", "from-env", "from-env"),
        ("KEYWARD_ADMIN_PASSWORD_FILE", path, "from-a-file"),
    ] {
        let site = Site::new();
        let mut command = site.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env(variable, value);
        let server = Server::of(command);
        assert!(server.takes_login("admin", password), "{variable}");
        let done = server.stop();
        assert!(!done.err.contains(password) && !done.out.contains(password), "{}", done.err);
    }
}

#[test]
fn the_demo_prints_calls_that_work_as_printed() {
    let site = Site::new();
    let mut server = site.serve(&["--demo"]);
    let mut script = String::new();
    while !script.contains("delete_apikey") {
        assert!(server.out.read_line(&mut script).unwrap() > 0, "{script}");
    }
    let shell = Command::new("sh").arg("-euc").arg(&script).output().unwrap();
    let answers = Done::from(shell);
    assert_eq!(
        answers.out.matches(r#""status":"success""#).count(),
        3,
        "{script}\n{}{}",
        answers.out,
        answers.err
    );
    for part in [r#""apikeys":"#, r#""comment":"demo""#, r#""new_key":"#, r#""deleted_keys":"#] {
        assert!(answers.out.contains(part), "{part} in {}", answers.out);
    }
    assert!(server.takes_login("admin", "admin"));
    assert_eq!(server.stop().code, 0);
    let left: Vec<_> = fs::read_dir(site.dir.path()).unwrap().collect();
    assert!(left.is_empty(), "nothing is left of it: {left:?}");

    let open = site.run(&["serve", "--demo", "--listen", "0.0.0.0:0"]);
    assert!(open.code == 2 && open.err.contains("loopback"), "{}", open.err);
}

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
fn a_killed_server_leaves_nothing_that_stops_the_next() {
    let site = Site::new();
    let mut server = site.serve(&[]);
    site.ok(&["user", "add", "flo"]);
    server.signal(Signal::KILL);
    server.end();
    let socket = site.data().join("keyward.sock");
    assert!(fs::symlink_metadata(&socket).unwrap().file_type().is_socket(), "its socket is still there");
    site.ok(&["user", "show", "flo"]);
    let server = site.serve(&[]);
    site.ok(&["user", "show", "flo"]);
    assert_eq!(server.stop().code, 0);
    assert!(!socket.exists());
}

#[test]
fn a_server_that_was_asked_to_stop_ends_well_whichever_signal_it_was() {
    let site = Site::new();
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = site.serve(&[]);
        server.signal(signal);
        let done = server.end();
        assert_eq!(done.code, 0, "{}", done.err);
    }
    assert!(site.ok(&["check"]).contains("0 findings"));
}

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
        println!("skipped: there is no curl");
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

#[test]
fn a_reader_who_leaves_ends_the_run_without_a_panic() {
    let site = Site::started_once();
    let mut child = site.command(&["user", "list"]).spawn().unwrap();
    drop(child.stdout.take());
    let done = Done::from(child.wait_with_output().unwrap());
    assert!(!done.err.contains("panicked"), "{}", done.err);
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
