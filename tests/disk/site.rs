//! A server whose disk fails on demand.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::requests::{PASSWORD, request};

/// Key texts by keyspace.
pub(crate) type Keys = BTreeMap<&'static str, String>;

pub(crate) struct Site {
    dir: TempDir,
    root: PathBuf,
    layer: PathBuf,
}

pub(crate) struct Server {
    pub(crate) child: Child,
    address: String,
}

/// A kept connection.
pub(crate) struct Connection(BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Site {
    pub(crate) fn new(layer: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let site = Self { dir, root, layer: layer.to_owned() };
        site.fail(0);
        site
    }

    /// Has the disk fail in this way from now on.
    pub(crate) fn fail(&self, fault: u8) {
        // Written in place: the layer has the file in its memory.
        let file = fs::File::options().write(true).create(true).truncate(false).open(self.root.join("fault"));
        file.unwrap().write_all(&[fault]).unwrap();
    }

    fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub(crate) fn start(&mut self) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.env_clear().env("KEYWARD_DATA", self.data()).args(["serve", "--listen", "127.0.0.1:0"]);
        command.env("LD_PRELOAD", &self.layer).env("KEYWARD_FAULT", self.root.join("fault"));
        command.env("KEYWARD_JOURNAL", "/dev/null").env("KEYWARD_JOURNAL_ROOT", self.data());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child =
            command.stderr(fs::File::create(self.dir.path().join("log")).unwrap()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        Server { child, address: address.unwrap_or_else(|| panic!("it does not start: {line}")).to_owned() }
    }

    /// Asks it to stop, and gives what it logged.
    pub(crate) fn stop(&self, mut server: Server) -> String {
        kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
        server.child.wait().unwrap();
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// What the control socket answers.
    fn operate(&self, method: &str, target: &str, body: &Value) -> Value {
        let mut stream = UnixStream::connect(self.data().join("keyward.sock")).unwrap();
        stream.write_all(&request(method, target, "connection: close", &body.to_string())).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 20"), "{method} {target}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    /// The administrator `test`, a bot, and a key in every keyspace.
    pub(crate) fn people_and_keys(&self, _of: &Server) -> Keys {
        let company = self.operate("POST", "/v1/companies", &json!({ "name": "Example" }));
        let test = json!({ "username": "test", "password": PASSWORD, "role": "administrator", "company": company["id"] });
        self.operate("POST", "/v1/users", &test);
        self.operate(
            "POST",
            "/v1/users",
            &json!({ "username": "bot", "kind": "bot", "role": "administrator" }),
        );
        let key = |(keyspace, level): (&'static str, u8)| {
            let owner = if keyspace == "qreserve" { "bot" } else { "test" };
            let body = json!({ "keyspace": keyspace, "owner": owner, "level": level });
            let made = self.operate("POST", "/v1/keys", &body);
            (keyspace, made["text"].as_str().unwrap().to_owned())
        };
        let spaces = [
            ("filebin", 4),
            ("freesewing", 8),
            ("qreserve", 8),
            ("telvue", 2),
            ("bokamera", 8),
            ("native", 8),
        ];
        spaces.map(key).into()
    }

    /// How many keys there are, in a sound store.
    pub(crate) fn count(&self, _of: &Server) -> u64 {
        let report = self.operate("POST", "/v1/check", &json!({}));
        assert_eq!(report["findings"], json!([]));
        report["keys"].as_u64().unwrap() + report["users"].as_u64().unwrap()
    }
}

impl Server {
    pub(crate) fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Connection(BufReader::new(stream))
    }

    pub(crate) fn ask(&self, request: &[u8]) -> Answer {
        self.connect().ask(request)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Connection {
    pub(crate) fn ask(&mut self, request: &[u8]) -> Answer {
        self.send(request);
        self.answer()
    }

    pub(crate) fn send(&mut self, request: &[u8]) {
        self.0.get_mut().write_all(request).unwrap();
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.0.read_line(&mut head).unwrap() > 0, "no answer, only {head:?}");
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        Answer { status: head[9..12].parse().unwrap(), head, body: String::from_utf8(body).unwrap() }
    }
}
