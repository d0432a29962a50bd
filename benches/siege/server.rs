//! The real server, with a user and a key, and requests to it.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The password of its only user.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A server that runs on a directory of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    dir: tempfile::TempDir,
    /// A key of a user who may do everything.
    pub(crate) key: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.env_clear().env("KEYWARD_DATA", &data).args(["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        let mut server = Self { child, address, dir, key: String::new() };
        server.operate(
            "/v1/users",
            &format!("{{\"username\":\"flo\",\"role\":\"administrator\",\"password\":\"{PASSWORD}\"}}"),
        );
        let made = server.operate("/v1/keys", "{\"keyspace\":\"native\",\"owner\":\"flo\",\"level\":8}");
        server.key = field(&made, "text").unwrap();
        server
    }

    /// The answer to a request of the operator.
    pub(crate) fn operate(&self, target: &str, body: &str) -> String {
        let mut stream = UnixStream::connect(self.data().join("keyward.sock")).unwrap();
        stream.write_all(post(target, "connection: close", body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Bytes of it.
    pub(crate) fn disk(&self) -> u64 {
        bytes_below(&self.data())
    }

    /// Memory in use, in kB.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// The value of the first field of this name that is a text.
pub(crate) fn field(answer: &str, name: &str) -> Option<String> {
    let (_, value) = answer.split_once(&format!("\"{name}\":\""))?;
    value.split('"').next().map(str::to_owned)
}

/// The bytes that the files below a directory take.
fn bytes_below(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    // A file may be gone by the time it is looked at.
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request with a JSON body.
pub(crate) fn post(target: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{fields}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Asks whether a key is good.
pub(crate) fn verify(key: &str) -> String {
    post("/v1/verify", "accept: */*", &format!("{{\"key\":\"{key}\"}}"))
}

fn answer(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let from = head.len();
        if stream.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = head.get(from..).unwrap_or_default().trim_end();
        if let Some(text) = line.strip_prefix("content-length: ") {
            length = text.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(head + &String::from_utf8_lossy(&body))
}

/// A connection that gives up after half a minute of silence.
pub(crate) fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    settled(TcpStream::connect(address)?)
}

/// The same on a stream that is connected.
pub(crate) fn settled(stream: TcpStream) -> io::Result<BufReader<TcpStream>> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(BufReader::new(stream))
}

/// The answer to a request on a kept connection.
pub(crate) fn ask(stream: &mut BufReader<TcpStream>, request: &str) -> io::Result<String> {
    stream.get_mut().write_all(request.as_bytes())?;
    answer(stream)
}
