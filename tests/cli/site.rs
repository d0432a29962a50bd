//! A directory of its own for each test, and the binary pointed at it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::{Done, keyward, run};

/// A directory of its own, and the binary pointed at it.
pub(crate) struct Site {
    pub(crate) dir: TempDir,
}

impl Done {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error} in {:?}, {:?}", self.out, self.err))
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With a store that a server was started on and stopped, and an administrator.
    pub(crate) fn started_once() -> Self {
        let site = Self::new();
        let mut command = site.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("KEYWARD_ADMIN_PASSWORD", "hunter-1");
        assert_eq!(Server::of(command).stop().code, 0);
        site
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = keyward(&self.data(), args);
        command.env("TMPDIR", self.dir.path());
        command
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Done {
        run(self.command(args), input)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "")
    }

    /// A run that has to succeed; its standard output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {}", done.err);
        done.out
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let done = self.run(&[&["--output", "json"], args].concat());
        assert_eq!(done.code, 0, "{args:?}: {}", done.err);
        done.json()
    }

    pub(crate) fn serve(&self, args: &[&str]) -> Server {
        Server::of(self.command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat()))
    }
}

/// A server at work; killed when dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) out: BufReader<std::process::ChildStdout>,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn of(mut command: Command) -> Self {
        Self::started(command.spawn().unwrap())
    }

    /// One that was started; waits until it listens.
    pub(crate) fn started(mut child: Child) -> Self {
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

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn stop(mut self) -> Done {
        self.signal(Signal::TERM);
        self.end()
    }

    /// Waits for its end, whatever led to it.
    pub(crate) fn end(&mut self) -> Done {
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let mut out = String::new();
        self.out.read_to_string(&mut out).unwrap();
        Done { code: self.child.wait().unwrap().code().unwrap_or(-1), out, err }
    }

    /// Its answer to these bytes.
    pub(crate) fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Whether filebin's API takes this login.
    pub(crate) fn takes_login(&self, name: &str, password: &str) -> bool {
        let form = format!("username={name}&password={password}&access_level=full");
        let answer = self.ask(&format!(
            "POST /api/v2.0.0/user/create_apikey HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len(),
        ));
        answer.contains("new_key")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
