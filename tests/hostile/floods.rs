//! Many at once, against the real binary: its memory is its own, so that it can be measured.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::thread;

use keyward::limits::BODY_BYTES_MAX;

use crate::client::{Answer, PAIRS, PARTS, answer, ask, connect, parts, post};
use crate::demo::Demo;
use crate::site::{CREATE, LIST};

/// A server, and a key of its user.
struct Flooded {
    server: Demo,
    key: String,
}

impl Flooded {
    fn start() -> Self {
        let server = Demo::start();
        let created =
            ask(server.address, post(CREATE, PAIRS, "username=test&password=test&access_level=full"));
        let text = String::from_utf8(created.body).unwrap();
        let key = text.split("\"new_key\":\"").nth(1).expect("a key").split('"').next().unwrap().to_owned();
        Self { server, key }
    }

    fn list(&self) -> Answer {
        ask(self.server.address, post(LIST, PAIRS, format!("apikey={}", self.key)))
    }

    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// By how many MiB the memory in use grew at most while `work` was done.
    fn growth(&self, work: impl FnOnce()) -> u64 {
        // Lets the high-water mark begin anew.
        fs::write(format!("/proc/{}/clear_refs", self.server.child.id()), "5").unwrap();
        let before = self.status("VmRSS");
        work();
        self.status("VmHWM").saturating_sub(before)
    }
}

#[test]
fn wrong_logins_take_no_memory_and_hold_up_no_key() {
    let demo = Flooded::start();
    let listed = demo.list().body;
    let login = post(CREATE, PAIRS, "username=test&password=wrong&access_level=full");
    let mut answers = Vec::new();
    let growth = demo.growth(|| {
        // All are sent before any answer is read.
        let sent: Vec<TcpStream> = (0..60).map(|_| send(demo.server.address, &login)).collect();
        assert_eq!(demo.list().body, listed, "a key is answered while logins wait");
        answers = sent.into_iter().map(answer).collect();
    });
    let busy = answers.iter().filter(|answer| answer.status == 429).count();
    for answer in &answers {
        match answer.status {
            400 => assert_eq!(answer.error_id(), "user/login-failed"),
            429 => {
                assert_eq!(answer.error_id(), "api/too-many-logins");
                let seconds = answer.head.lines().find_map(|line| line.strip_prefix("retry-after: "));
                assert!(seconds.is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{answer:?}");
            }
            _ => panic!("{answer:?}"),
        }
    }
    println!("{busy} of {} logins were told to come back; memory grew by {growth} MiB", answers.len());
    assert!((1..60).contains(&busy), "{busy} were told to come back");
    assert!(growth < 100, "memory grew by {growth} MiB");
    let right =
        ask(demo.server.address, post(CREATE, PAIRS, "username=admin&password=admin&access_level=basic"));
    assert_eq!(right.status, 200, "whoever else comes is let in: {right:?}");
}

#[test]
fn large_bodies_at_once_take_a_small_multiple_of_their_size() {
    const AT_ONCE: u64 = 64;
    /// MiB for each, when all are looked at in the same moment.
    const EACH: u64 = 6;
    let demo = Flooded::start();
    let listed = demo.list().body;
    let value = |byte: u8| vec![byte; BODY_BYTES_MAX - 200];
    let bodies = [
        (PAIRS, [b"apikey=".to_vec(), value(b'x')].concat()),
        (PAIRS, [b"apikey[]=".to_vec(), value(b'+')].concat()),
        (PAIRS, b"apikey[x][x][x]=y&".repeat((BODY_BYTES_MAX - 200) / 18)),
        (PARTS, parts(&[("apikey", &value(0xff))])),
        (PARTS, parts(&[("apikey[]", &value(0))])),
    ];
    for (content_type, body) in bodies {
        let request = post(LIST, content_type, body);
        assert!(request.len() > BODY_BYTES_MAX - 500);
        let growth = demo.growth(|| {
            let (last, first) = request.split_last().unwrap();
            // None is complete before all have begun.
            let streams: Vec<TcpStream> = (0..AT_ONCE).map(|_| send(demo.server.address, first)).collect();
            assert_eq!(demo.list().body, listed, "a key is answered while bodies wait");
            let finish = |mut stream: TcpStream| {
                stream.write_all(&[*last]).unwrap();
                assert_eq!(answer(stream).status, 400);
            };
            thread::scope(|scope| {
                for stream in streams {
                    scope.spawn(move || finish(stream));
                }
            });
        });
        println!("{AT_ONCE} bodies of {content_type}: memory grew by {growth} MiB");
        assert!(growth < EACH * AT_ONCE, "{content_type}: memory grew by {growth} MiB");
    }
    assert_eq!(demo.list().body, listed);
}

/// Sends these bytes, and leaves the connection open.
fn send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(bytes).unwrap();
    stream
}
