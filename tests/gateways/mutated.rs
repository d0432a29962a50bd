//! Requests with good keys, mutated: whatever reaches the API, it reaches it as the holder of the key that was shown.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use keyward::key::Level;

use crate::gateway::Kind;
use crate::site::{Over, Plan, Site};
use crate::skipped::skipped;
use crate::wsgi::{Told, Wsgi};

/// How many requests, unless `KEYWARD_MUTATED_REQUESTS` says so.
const REQUESTS: u64 = 1_000;
/// No answer may take longer, however busy the machine. Some requests get none: their end is a matter of taste.
const PATIENCE: Duration = Duration::from_millis(2_000);

/// A key and what the API has to be told of it.
struct Holder {
    text: String,
    level: u8,
}

/// Sends mutated requests through `gateway` to a WSGI API.
pub(crate) fn reach_the_api_as_their_keys_only(gateway: &Kind) {
    let (Some(program), Some(wsgi)) = (gateway.program(), Wsgi::start()) else { return };
    let plan = Plan { api: Some(wsgi.address), ..Plan::new("native", Over::Tcp) };
    let site = Site::start(gateway, &program, &plan);
    let holders: Vec<_> = (1..=3)
        .map(|level| Holder { text: site.key(|new| new.level = Level::new(level).unwrap()), level })
        .collect();
    let count =
        std::env::var("KEYWARD_MUTATED_REQUESTS").ok().map_or(REQUESTS, |count| count.parse().unwrap());
    let (mut passed, mut unanswered) = (0, 0);
    for seed in 0..count {
        let mut dice = Dice(seed);
        let holder = &holders[dice.below(holders.len())];
        let request = Mutated::of(&mut dice, seed, holder, &holders);
        unanswered += u64::from(send(site.front.address, &request));
        for told in wsgi.seen() {
            passed += 1;
            check(&told, seed, holder, &request);
        }
    }
    // Most mutations leave a good request.
    assert!(passed * 3 > count, "only {passed} of {count} requests got through to the API");
    if unanswered * 10 > count {
        skipped(&format!("{unanswered} of {count} mutated requests got no answer"));
    }
    println!("{}: {count} mutated requests, {passed} reached the API, {unanswered} unanswered", gateway.name);
}

/// What reached the API is this request, as its key's.
fn check(told: &Told, seed: u64, holder: &Holder, request: &Mutated) {
    let sent = || format!("seed {seed}: {}\nreached the API as {told:?}", request.bytes.escape_ascii());
    let place = format!("{}?{}", told["PATH_INFO"], told["QUERY_STRING"]);
    assert!(place.contains(&format!("r{seed}r")), "{}", sent());
    assert!(request.may_pass, "{}", sent());
    let identity = |name: &str| told.get(&format!("HTTP_X_KEY_{name}")).map(String::as_str);
    let level = holder.level.to_string();
    assert_eq!((identity("USER"), identity("LEVEL")), (Some("flo"), Some(level.as_str())), "{}", sent());
    assert_eq!(identity("ID").map(str::len), Some(36), "{}", sent());
    for (name, value) in told {
        // As CGI makes them of any sign.
        let plain: String =
            name.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '_' }).collect();
        let is_known = ["ID", "USER", "LEVEL", "KEYSPACE", "EXPIRES", "REMAINING", "STATUS"]
            .iter()
            .any(|known| name == &format!("HTTP_X_KEY_{known}"));
        assert!(!plain.to_uppercase().starts_with("HTTP_X_KEY_") || is_known, "{name} {}", sent());
        assert!(!value.contains(FORGED) || !plain.to_uppercase().starts_with("HTTP_X_KEY_"), "{}", sent());
        assert!(
            !value.contains(&holder.text) || name == "QUERY_STRING",
            "it need not see the key: {}",
            sent()
        );
    }
}

/// Whether there was no whole answer in time.
fn send(address: SocketAddr, request: &Mutated) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut start = 0;
    for end in request.cuts.iter().copied().chain([request.bytes.len()]) {
        // A gateway that refuses early may have closed its side already.
        if stream.write_all(&request.bytes[start..end]).is_err() {
            break;
        }
        start = end;
    }
    let (mut bytes, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        match stream.read(&mut piece) {
            // A reset counts as the end: a gateway that refuses early leaves bytes unread.
            Ok(0) => return bytes.is_empty(),
            Err(error) => return bytes.is_empty() && error.kind() == ErrorKind::WouldBlock,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
        // The client closes once it has the answer, or some gateways keep the connection for a while.
        if bytes.windows(4).any(|four| four == b"\r\n\r\n") {
            let _ = stream.shutdown(Shutdown::Write);
        }
    }
}

/// In the value of every forged field, and nowhere else.
const FORGED: &str = "mallory";
/// What RFC 9110 has in names of fields, beside letters and digits.
const SIGNS: &str = "-_-_-_-_.!#$%&'*+^`|~";

/// One request.
struct Mutated {
    bytes: Vec<u8>,
    /// Where it is cut into packets.
    cuts: Vec<usize>,
    /// Whether it shows one key.
    may_pass: bool,
}

impl Mutated {
    fn of(dice: &mut Dice, seed: u64, holder: &Holder, holders: &[Holder]) -> Self {
        let mut may_pass = true;
        let mut lines = vec![key_line(dice, &holder.text)];
        let mut body = Vec::new();
        for _ in 0..1 + dice.below(6) {
            match dice.below(16) {
                0..=5 => lines.push(forged(dice)),
                6 | 7 => lines.push(hop_by_hop(dice)),
                8 => lines.push(key_line(dice, &holder.text)),
                9 if dice.below(3) == 0 => {
                    let other = &holders[dice.below(holders.len())];
                    may_pass &= other.text == holder.text;
                    lines.push(key_line(dice, &other.text));
                }
                10 => lines.push(odd_line(dice)),
                11 if body.is_empty() => {
                    let (line, bytes) = framed(dice, seed);
                    lines.push(line);
                    body = bytes;
                }
                12 => lines.extend((0..dice.below(60)).map(|nth| format!("X-Trace-{nth}: {nth}"))),
                13 => lines
                    .push(format!("X-Forwarded-{}: {FORGED}", dice.pick(&["For", "User", "Uri", "Method"]))),
                14 => lines.push("Access-Control-Request-Method: GET".to_owned()),
                _ => lines.push(format!("Cookie: a={FORGED}; X-Key-User={FORGED}")),
            }
        }
        lines.push(format!("{}: 127.0.0.1:8000", dice.pick(&["Host", "host", "HOST"])));
        dice.shuffle(&mut lines);
        lines.push("Connection: close".to_owned());
        let end = if dice.below(40) == 0 { "\n" } else { "\r\n" };
        let head =
            format!("{} {} HTTP/1.1{end}{}{end}{end}", method(dice), target(dice, seed), lines.join(end));
        let bytes = [head.as_bytes(), &body].concat();
        let mut cuts: Vec<_> = (0..dice.below(4)).map(|_| dice.below(bytes.len())).collect();
        cuts.sort_unstable();
        Self { bytes, cuts, may_pass }
    }
}

fn method(dice: &mut Dice) -> &'static str {
    if dice.below(3) > 0 {
        return dice.pick(&["GET", "GET", "POST"]);
    }
    dice.pick(&["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"])
}

fn target(dice: &mut Dice, seed: u64) -> String {
    let token = format!("r{seed}r");
    match dice.below(12) {
        0 => format!("//{token}//a"),
        1 => format!("/a/../{token}"),
        2 => format!("/{token}?level=0&cost=0&limit=x&for=nginx"),
        3 => format!("http://127.0.0.1:8000/{token}"),
        4 => format!("/{token};level=0/%2e%2e/auth/native"),
        5 => format!("/?q={token}&x=%0d%0aX-Key-User:%20{FORGED}"),
        6 => format!("/{token}%0d%0aX-Key-User:{FORGED}"),
        7 => format!("/_keyward?{token}"),
        _ => format!("/{token}"),
    }
}

fn key_line(dice: &mut Dice, text: &str) -> String {
    let scheme = dice.pick(&["Bearer ", "bearer  ", "Api-Key ", "APIKEY ", "Token ", ""]);
    match dice.below(3) {
        0 => format!("{}: {text}", dice.pick(&["X-API-Key", "x-api-key"])),
        1 => format!("{}:{text} ", dice.pick(&["apikey", "ApiKey"])),
        _ => format!("{}: {scheme}{text}", dice.pick(&["Authorization", "authorization"])),
    }
}

/// An identity field in one of its spellings.
fn forged(dice: &mut Dice) -> String {
    let fields = ["User", "Id", "Level", "Keyspace", "Expires", "Remaining", "Status"];
    let (first, second) = (dice.sign(), dice.sign());
    let name = format!("X{first}Key{second}{}", dice.pick(&fields));
    let name: String = name
        .chars()
        .map(
            |letter| {
                if dice.below(2) == 0 { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() }
            },
        )
        .collect();
    format!("{name}:{}{FORGED}", dice.pick(&[" ", "", "\t", "  "]))
}

fn hop_by_hop(dice: &mut Dice) -> String {
    let names = [
        "X-Key-User",
        "x-key-id",
        "X-KEY-LEVEL",
        "X_Key_User",
        "X-Forwarded-For",
        "keep-alive",
        "close",
        "TE",
    ];
    let list = [dice.pick(&names), dice.pick(&names), dice.pick(&names)];
    let field = dice.pick(&["Connection", "connection", "Proxy-Connection", "Keep-Alive", "Upgrade", "TE"]);
    format!("{field}: {}", list[..=dice.below(3)].join(dice.pick(&[",", ", ", " ,\t"])))
}

/// Lines that are none, or two.
fn odd_line(dice: &mut Dice) -> String {
    dice.pick(&[
        "X-Key-User : mallory",
        " X-Key-User: mallory",
        "X-A: 1\r\n X-Key-User: mallory",
        "X-A: 1\rX-Key-User: mallory",
        "X-A: 1\nX-Key-User: mallory",
        "X-A: 1\0X-Key-User: mallory",
        "X-Key-User\t: mallory",
        "X-Key-User",
        ": mallory",
        "\"X-Key-User\": mallory",
        "X-Key-Us\u{e9}r: mallory",
        "X-Key-User[]: mallory",
        "HTTP_X_KEY_USER: mallory",
        "HTTP-X-Key-User: mallory",
    ])
    .to_owned()
}

/// A body and the line that says how long it is; perhaps in two ways, or with a trailer.
fn framed(dice: &mut Dice, seed: u64) -> (String, Vec<u8>) {
    let inner = format!("GET /smuggled{seed} HTTP/1.1\r\nHost: x\r\nX-Key-User: {FORGED}\r\n\r\n");
    let chunked = format!("{:x}\r\n{inner}\r\n0\r\n", inner.len());
    let trailed = format!("{chunked}X-Key-User: {FORGED}\r\nX_Key_User: {FORGED}\r\n\r\n");
    let (line, body) = match dice.below(7) {
        0 | 1 => (format!("Content-Length: {}", inner.len()), inner),
        2 => ("Transfer-Encoding: chunked".to_owned(), format!("{chunked}\r\n")),
        3 => ("Transfer-Encoding: chunked\r\nTrailer: X-Key-User".to_owned(), trailed),
        4 => ("Content-Length: 5\r\nTransfer-Encoding: chunked".to_owned(), format!("{chunked}\r\n")),
        5 => (format!("Transfer-Encoding: xchunked\r\nContent-Length: {}", inner.len()), inner),
        _ => (format!("Content-Length: {0}\r\nContent-Length: {0}", inner.len()), inner),
    };
    (line, body.into_bytes())
}

/// The same for the same seed, everywhere. (SplitMix64.)
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end as u64).unwrap()
    }

    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        list[self.below(list.len())]
    }

    fn sign(&mut self) -> char {
        SIGNS.chars().nth(self.below(SIGNS.len())).unwrap()
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }
}
