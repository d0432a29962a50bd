//! The real binary on a directory of its own; everything that comes out of it is kept.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::planted::Planted;

/// Something that came out, and the secrets it is there to show.
struct Output {
    what: String,
    bytes: Vec<u8>,
    may_show: Vec<String>,
}

pub(crate) struct Site {
    dir: TempDir,
    pub(crate) planted: Planted,
    outputs: Vec<Output>,
}

/// A server that runs. Its standard error goes into a file, since a log of everything would fill a pipe.
pub(crate) struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) first_line: String,
    log: PathBuf,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), planted: Planted::new(), outputs: Vec::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.env_clear().env("KEYWARD_DATA", self.path("data")).env("TMPDIR", self.dir.path());
        command.env("KEYWARD_LOG", "trace").args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn keep(&mut self, what: &str, bytes: &[u8], may_show: &[&str]) {
        let may_show = may_show.iter().map(|name| (*name).to_owned()).collect();
        self.outputs.push(Output { what: what.to_owned(), bytes: bytes.to_vec(), may_show });
    }

    /// One run of the command line; its standard output, which alone may show the secrets named.
    pub(crate) fn run(&mut self, args: &[&str], input: &str, may_show: &[&str]) -> String {
        let mut child = self.command(args).spawn().unwrap();
        // A run that does not read its input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let done = child.wait_with_output().unwrap();
        self.keep(&format!("{args:?}, standard output"), &done.stdout, may_show);
        self.keep(&format!("{args:?}, standard error"), &done.stderr, &[]);
        String::from_utf8(done.stdout).unwrap()
    }

    /// A server on a free port, as soon as it listens or has ended.
    pub(crate) fn serve(&self, log: &str, environment: &[(&str, &str)], args: &[&str]) -> Server {
        let log = self.path(log);
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(args).envs(environment.iter().copied()).stderr(fs::File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        out.read_line(&mut first_line).unwrap();
        Server { child, out, first_line, log }
    }

    /// Ends the server and keeps what it printed.
    pub(crate) fn stop(&mut self, mut server: Server, may_show: &[&str]) -> String {
        // One that refused to start is gone already.
        let _ = kill_process(Pid::from_child(&server.child), Signal::TERM);
        let mut out = std::mem::take(&mut server.first_line);
        server.out.read_to_string(&mut out).unwrap();
        server.child.wait().unwrap();
        let log = fs::read(&server.log).unwrap();
        self.keep("serve, standard output", out.as_bytes(), &[]);
        self.keep("serve, standard error", &log, may_show);
        String::from_utf8_lossy(&log).into_owned()
    }

    /// What the server answers to these bytes; the answer may show the secrets named.
    pub(crate) fn ask(&mut self, server: &Server, request: &str, may_show: &[&str]) -> String {
        let address = server.first_line.trim().strip_prefix("listening on http://").expect("it listens");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        self.answer(stream, request, may_show)
    }

    /// As [`Self::ask`], on the control socket.
    pub(crate) fn ask_control(&mut self, request: &str) -> String {
        let mut stream = UnixStream::connect(self.path("data/keyward.sock")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        self.answer(stream, request, &[])
    }

    fn answer(&mut self, mut stream: impl std::io::Read, request: &str, may_show: &[&str]) -> String {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 "), "{request:?} got {answer:?}");
        self.keep(&format!("the answer to {request:?}"), answer.as_bytes(), may_show);
        answer
    }

    /// Keeps every file below the data directory but the secret file.
    pub(crate) fn keep_files(&mut self) {
        let data = self.path("data");
        let mut dirs = vec![data.clone()];
        let mut read = 0;
        while let Some(dir) = dirs.pop() {
            for path in fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    dirs.push(path);
                } else if path != data.join("secret") && path.is_file() {
                    self.keep_file(&path);
                    read += 1;
                }
            }
        }
        assert!(read >= 3, "the store has files");
    }

    /// Keeps one file.
    pub(crate) fn keep_file(&mut self, path: &Path) {
        let bytes = fs::read(path).unwrap();
        self.keep(&format!("the file {}", path.display()), &bytes, &[]);
        self.keep("the name of a file", path.to_string_lossy().as_bytes(), &[]);
    }

    /// Searches everything that was kept. Every secret has to be found where it may be, or nothing was searched.
    pub(crate) fn search(&self) {
        for output in &self.outputs {
            let found = self.planted.found(&output.bytes);
            let leaked: Vec<_> =
                found.iter().filter(|name| !output.may_show.iter().any(|may| may == *name)).collect();
            assert!(leaked.is_empty(), "{} gives away {leaked:?}", output.what);
            for name in &output.may_show {
                assert!(found.contains(name.as_str()), "{} does not show {name}", output.what);
            }
        }
    }

    /// How many outputs of this kind were kept.
    pub(crate) fn kept(&self, kind: &str) -> usize {
        self.outputs.iter().filter(|output| output.what.contains(kind)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
