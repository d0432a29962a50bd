//! An API that a WSGI server runs, `wsgi.py` beside this file.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::skipped::skipped;

/// A WSGI server that runs.
pub(crate) struct Wsgi {
    pub(crate) address: SocketAddr,
    child: Child,
}

/// The variables that the API was told.
pub(crate) type Told = BTreeMap<String, String>;

impl Wsgi {
    /// `None`, and a reason on the terminal, when this machine has no Python.
    pub(crate) fn start() -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gateways/wsgi.py");
        let mut command = Command::new("python3");
        command.arg(script).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else {
            skipped("there is no python3");
            return None;
        };
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let address = (Ipv4Addr::LOCALHOST, port.trim().parse().unwrap()).into();
        Some(Self { address, child })
    }

    /// The requests that reached it since it was asked last.
    pub(crate) fn seen(&self) -> Vec<Told> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(b"GET /seen HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Wsgi {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
