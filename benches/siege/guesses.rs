//! Guesses that begin like imported keys, and what logins and first uses meet with meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::good::Good;
use crate::server::{PASSWORD, Server, ask, connect, post};
use crate::stand_back;

/// Networks that guesses come from, and connections of each.
const NETWORKS: usize = 20;
const CONNECTIONS: usize = 20;
/// Guesses a second, all together, while none has to wait.
const A_SECOND: u64 = 1_000;
/// Keys that are imported with a bcrypt hash of this cost; each is used for the first time meanwhile.
const KEYS: usize = 8;
const COST: u32 = 10;

fn text(nth: usize) -> String {
    format!("sk_live_{nth:026}")
}

/// Asks about a key that was used from a network.
fn asked(key: &str, network: usize) -> String {
    let body = format!("{{\"key\":\"{key}\",\"address\":\"10.0.{network}.1\"}}");
    post("/v1/verify", "accept: */*", &body)
}

fn import(server: &Server) {
    let line = |nth| {
        let hash = bcrypt::hash_with_salt(text(nth), COST, [nth as u8; 16]).unwrap();
        format!("{{\"hash\":\"{hash}\",\"prefix\":\"sk_live_\",\"owner\":\"flo\"}}")
    };
    let lines: Vec<_> = (0..KEYS).map(line).collect();
    assert!(server.operate("/v1/import", &lines.join("\n")).contains("\"imported\":8"));
}

/// Sends guesses over one connection, each another one.
fn guess(server: &Server, number: usize, sent: &AtomicU64, over: &AtomicBool) {
    stand_back();
    let pause = Duration::from_secs((NETWORKS * CONNECTIONS) as u64) / A_SECOND as u32;
    let mut stream = connect(server.address).unwrap();
    for count in 0_u64.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let begun = Instant::now();
        let guess = asked(&format!("sk_live_guess{number:05}x{count:015}"), number % NETWORKS);
        if ask(&mut stream, &guess).is_err() {
            stream = connect(server.address).unwrap();
        }
        sent.fetch_add(1, Ordering::Relaxed);
        sleep(pause.saturating_sub(begun.elapsed()));
    }
}

/// How long a first use takes, told to come back as often as it may be.
fn first_use(server: &Server, nth: usize, network: usize) -> Duration {
    let begun = Instant::now();
    loop {
        let answer =
            connect(server.address).and_then(|mut stream| ask(&mut stream, &asked(&text(nth), network)));
        match answer {
            Ok(answer) if answer.contains("\"valid\":true") => return begun.elapsed(),
            Ok(answer) => assert!(answer.starts_with("HTTP/1.1 503"), "{answer}"),
            Err(error) => println!("         {error}"),
        }
        sleep(Duration::from_secs(2));
    }
}

/// The longest login, each from the same place.
fn log_in(server: &Server, over: &AtomicBool) -> (usize, Duration) {
    let login = STANDARD.encode(format!("flo:{PASSWORD}"));
    let (mut count, mut longest) = (0, Duration::ZERO);
    while !over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let request =
            format!("GET /v1/keys?limit=1 HTTP/1.1\r\nhost: x\r\nauthorization: Basic {login}\r\n\r\n");
        let answer = connect(server.address).and_then(|mut stream| ask(&mut stream, &request)).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        (count, longest) = (count + 1, longest.max(begun.elapsed()));
        sleep(Duration::from_millis(300));
    }
    (count, longest)
}

/// Good requests, logins and first uses while guesses come.
pub(crate) fn lay(server: &Server, length: Duration) {
    import(server);
    let (sent, over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for number in 0..NETWORKS * CONNECTIONS {
            let (sent, over) = (&sent, &over);
            scope.spawn(move || guess(server, number, sent, over));
        }
        let logins = scope.spawn(|| log_in(server, &over));
        let firsts = scope.spawn(|| {
            sleep(Duration::from_secs(5));
            let (mut elsewhere, mut own) = (Duration::ZERO, Duration::ZERO);
            for nth in (0..KEYS).step_by(2) {
                elsewhere = elsewhere.max(first_use(server, nth, 100 + nth));
                own = own.max(first_use(server, nth + 1, nth));
            }
            (elsewhere, own)
        });
        sleep(Duration::from_secs(5));
        let (before, begun) = (sent.load(Ordering::Relaxed), Instant::now());
        Good::watch(server, length).print("guesses", server);
        let rate = (sent.load(Ordering::Relaxed) - before) as f64 / begun.elapsed().as_secs_f64();
        let (elsewhere, own) = firsts.join().unwrap();
        over.store(true, Ordering::Relaxed);
        let (count, longest) = logins.join().unwrap();
        println!(
            "         {rate:.0} guesses a second from {NETWORKS} networks; {count} logins, the longest {:.2} s; first uses from elsewhere at most {:.2} s, from one of those networks {:.2} s",
            longest.as_secs_f64(),
            elsewhere.as_secs_f64(),
            own.as_secs_f64(),
        );
    });
}
