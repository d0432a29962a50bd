//! What `serve` takes, says, and leaves.

use std::fs;
use std::io::BufRead as _;
use std::os::unix::fs::FileTypeExt as _;
use std::process::Command;

use rustix::process::Signal;

use crate::binary::Done;
use crate::site::{Server, Site, mode};

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
        site.run_with(&["user", "add", "root", "--role", "administrator", "--password-stdin"], "hunter-2\n");
    assert_eq!(added.code, 0, "{}", added.err);
    let server = site.serve(&[]);
    assert!(server.takes_login("root", "hunter-2"));
    assert_eq!(code(&server.stop()), None);
}

#[test]
fn a_given_administrator_password_is_used_and_not_printed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "from-a-file\n").unwrap();
    let marked = tempfile::NamedTempFile::new().unwrap();
    fs::write(marked.path(), "\u{feff}from-a-file\r\nmore").unwrap();
    let path = file.path().to_str().unwrap();
    for (variable, value, password) in [
        ("KEYWARD_ADMIN_PASSWORD", "from-env", "from-env"),
        ("KEYWARD_ADMIN_PASSWORD_FILE", path, "from-a-file"),
        // A mark that editors begin files with, and the line ends of Windows, are no part of it.
        ("KEYWARD_ADMIN_PASSWORD_FILE", marked.path().to_str().unwrap(), "from-a-file"),
    ] {
        let site = Site::new();
        let mut command = site.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env(variable, value);
        let server = Server::of(command);
        assert!(server.takes_login("admin", password), "{variable}");
        let done = server.stop();
        assert!(!done.err.contains(password) && !done.out.contains(password), "{}", done.err);
        let mut again = site.command(&["serve", "--listen", "127.0.0.1:0"]);
        again.env(variable, value);
        let done = Server::of(again).stop();
        assert!(done.err.contains(&format!("{variable} is not used: ")), "{}", done.err);
    }
}

#[test]
fn a_given_password_is_for_the_administrator_who_only_lacks_one() {
    let started = |site: &Site, password: &str| {
        let mut command = site.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("KEYWARD_ADMIN_PASSWORD", password);
        command
    };
    let site = Site::new();
    let short = crate::binary::run(started(&site, "seven-7"), "");
    assert!(short.code == 2 && short.err.contains("at least 8 characters"), "{} {}", short.code, short.err);
    site.ok(&["user", "add", "admin", "--role", "administrator"]);
    let server = site.serve(&[]);
    assert!(server.stop().err.contains("one-time code: "), "nobody can log in yet");
    let server = Server::of(started(&site, "eight-88"));
    assert!(server.takes_login("admin", "eight-88"));
    assert!(!server.stop().err.contains("one-time code: "));

    let other = Site::new();
    other.serve(&[]).stop();
    other.ok(&["user", "add", "admin"]);
    let said = Server::of(started(&other, "eight-88")).stop().err;
    assert!(said.contains("is not used: ") && said.contains("one-time code: "), "{said}");
}

#[test]
fn variables_that_are_set_to_nothing_are_as_good_as_none() {
    let variables = [
        "KEYWARD_LISTEN",
        "KEYWARD_TLS_CERT",
        "KEYWARD_TLS_KEY",
        "KEYWARD_TRUST_PROXY",
        "KEYWARD_SITE_URL",
        "KEYWARD_WITHOUT",
        "KEYWARD_API_AT",
        "KEYWARD_SECRET_FILE",
        "KEYWARD_ADMIN_PASSWORD",
        "KEYWARD_ADMIN_PASSWORD_FILE",
        "KEYWARD_LOG",
    ];
    let help = Site::new().ok(&["serve", "--help"]);
    let named = |text: &str| {
        text.split("KEYWARD_")
            .skip(1)
            .map(|rest| {
                let end = rest.find(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
                format!("KEYWARD_{}", &rest[..end.unwrap_or(rest.len())])
            })
            .collect::<std::collections::BTreeSet<_>>()
    };
    let known = variables.iter().map(|name| (*name).to_owned()).chain(["KEYWARD_DATA".to_owned()]).collect();
    assert_eq!(named(&help), known, "this test knows of every variable");

    let site = Site::new();
    let empty = |args: &[&str]| {
        let mut command = site.command(args);
        command.envs(variables.map(|name| (name, "")));
        command
    };
    assert_eq!(Server::of(empty(&["serve", "--listen", "127.0.0.1:0"])).stop().code, 0);
    let mut listed = empty(&["user", "list"]);
    listed.env("KEYWARD_DATA", "").current_dir(site.dir.path());
    let done = crate::binary::run(listed, "");
    assert!(done.code == 5 && done.err.contains("./keyward-data"), "the default: {}", done.err);
}

#[test]
fn names_and_ports_are_listened_at_and_shown_as_a_browser_takes_them() {
    let site = Site::new();
    for (place, shown) in [
        ("localhost:0", "127.0.0.1:"),
        ("[::1]:0", "[::1]:"),
        ("0.0.0.0:0", "localhost:"),
        (":0", "localhost:"),
    ] {
        if place.starts_with('[') && std::net::TcpListener::bind(place).is_err() {
            crate::skipped::skipped("this machine has no IPv6");
            continue;
        }
        let server = Server::of(site.command(&["serve", "--listen", place]));
        let shows = server.address.starts_with(shown)
            || (place == "localhost:0" && server.address.starts_with("[::1]:"));
        assert!(shows, "{place}: {}", server.address);
        std::net::TcpStream::connect(server.address.as_str()).unwrap();
        assert_eq!(server.stop().code, 0);
    }
    let done = site.run(&["serve", "--listen", "localhost"]);
    assert!(done.code == 2 && done.err.contains("must be like"), "{}", done.err);
}

#[test]
fn a_site_has_a_scheme_and_its_console_is_below_its_path() {
    let site = Site::new();
    let done = site.run(&["serve", "--site-url", "keys.example.org"]);
    assert!(done.code == 2 && done.err.contains("https://keys.example.org"), "{}", done.err);
    let said = site.serve(&["--site-url", "https://example.org/keys/"]).stop().err;
    assert!(said.contains("https://example.org/keys/console/setup\n"), "{said}");
}

#[test]
fn a_demo_has_a_directory_of_its_own_and_shows_only_calls_that_are_answered() {
    let site = Site::new();
    for option in ["--data", "--secret-file"] {
        let done = site.run(&["serve", "--demo", option, "mine"]);
        assert!(done.code == 2 && done.err.contains(&format!("leave out {option}")), "{}", done.err);
    }
    for (args, base) in [
        (&["--demo"][..], Some("/api/v2.0.0")),
        (&["--demo", "--api-at", "filebin=/fb"], Some("/fb/api/v2.0.0")),
        (&["--demo", "--without", "filebin"], None),
    ] {
        let server = site.serve(args);
        let dir = fs::read_dir(site.dir.path()).unwrap().next().unwrap().unwrap().path();
        let address = server.address.clone();
        let done = server.stop();
        assert!(done.out.contains(&format!("# The data is in {}", dir.display())), "{}", done.out);
        match base {
            Some(base) => {
                assert!(done.out.contains(&format!("base=http://{address}{base}\n")), "{}", done.out)
            }
            None => assert!(done.out.contains("/v1/keys -u test:test") && !done.out.contains("/api/v2.0.0")),
        }
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

#[test]
fn a_hang_up_ends_no_server_that_has_no_certificate_to_read_again() {
    let site = Site::new();
    for how in [&[][..], &["--demo"]] {
        let mut server = site.serve(how);
        for _ in 0..2 {
            server.signal(Signal::HUP);
        }
        server.signal(Signal::TERM);
        let done = server.end();
        assert_eq!(done.code, 0, "{how:?}: {}", done.err);
    }
}

#[test]
fn a_hang_up_before_the_server_listens_does_not_end_it() {
    let site = Site::new();
    // A reader that opens a pipe waits for a writer: the start waits there.
    let pipe = site.dir.path().join("password");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let mut command = site.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("KEYWARD_ADMIN_PASSWORD_FILE", &pipe);
    let hang_up = std::thread::scope(|scope| {
        let child = command.spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let start = scope.spawn(move || Server::started(child));
        // Opens only once the server waits at the other end.
        let mut writer = fs::File::options().write(true).open(&pipe).unwrap();
        rustix::process::kill_process(pid, Signal::HUP).unwrap();
        std::io::Write::write_all(&mut writer, b"adminadminadmin\n").unwrap();
        drop(writer);
        start.join().unwrap()
    });
    assert!(hang_up.takes_login("admin", "adminadminadmin"));
    assert_eq!(hang_up.stop().code, 0);
}
