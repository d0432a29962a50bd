//! The real binary on a directory that outlives it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::json;

use crate::client::Client;

/// A server that is opening its directory.
pub(crate) struct Starting {
    child: Child,
    out: BufReader<ChildStdout>,
    control: PathBuf,
}

/// A server that listens.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    control: PathBuf,
}

impl Starting {
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn listening(mut self) -> Server {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("it does not start: {line:?}")).to_owned();
        Server { child: self.child, address, control: self.control }
    }
}

impl Server {
    /// One that has not opened anything yet.
    pub(crate) fn spawn(data: &Path) -> Starting {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.env_clear().env("KEYWARD_DATA", data).args(["serve", "--listen", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Starting { child, out, control: data.join("keyward.sock") }
    }

    pub(crate) fn start(data: &Path) -> Self {
        Self::spawn(data).listening()
    }

    /// The key of an administrator who is made for it.
    pub(crate) fn administrator(&self) -> String {
        let mut operator = Client::over(UnixStream::connect(&self.control).unwrap());
        let made = operator.ask("POST", "/v1/users", &json!({ "username": "boss", "role": "administrator" }));
        assert_eq!(made.unwrap().0, 201);
        let body = json!({ "keyspace": "native", "owner": "boss", "level": 8 });
        let (status, key) = operator.ask("POST", "/v1/keys", &body).unwrap();
        assert_eq!(status, 201, "{key}");
        key["text"].as_str().unwrap().to_owned()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
