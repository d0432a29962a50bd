//! Does a gateway look whether keyward is there, by itself or when it is asked?

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::client::get;
use crate::gateway::Kind;
use crate::site::{Over, Plan, Site};

/// Its example has keyward asked at `/healthz`, be it by a client's request to the gateway.
pub(crate) fn is_looked_at(gateway: &Kind, program: &Path) {
    let (address, asked) = watch();
    let site = Site::start(gateway, program, &Plan::new("native", Over::At(address)));
    if matches!(gateway.name, "nginx" | "traefik") {
        assert_eq!(site.ask(&get("/keyward/healthz")).status, 200);
    }
    let line = asked.recv_timeout(crate::client::PATIENCE).unwrap();
    assert!(line.starts_with("GET /healthz HTTP/1."), "{line}");
}

/// In place of keyward: answers 200 to everything, and tells what was asked.
fn watch() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (tell, asked) = channel();
    let address = listener.local_addr().unwrap();
    // It ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut line = String::new();
            if reader.read_line(&mut line).is_ok_and(|length| length > 0) {
                let mut rest = String::new();
                while reader.read_line(&mut rest).is_ok_and(|length| length > 2) {}
                let _ = reader.get_mut().write_all(b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nok\n");
                let _ = tell.send(line);
            }
        }
    });
    (address, asked)
}
