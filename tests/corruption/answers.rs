//! What a directory answers: a child opens it as the binary does and asks everything; this process reads along.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use keyward::engine::{Engine, IndexState};
use keyward::key::{AuditHead, Keyspace};
use keyward::store::{SledStore, Store as _, schema};
use keyward::verify::{Verdict, Verifier, VerifyRequest};

use super::filled;

/// How long a child may take; what takes longer hangs.
const SECONDS_MAX: u64 = 600;
/// From nowhere in particular, and from inside and outside of allowlists.
const CLIENTS: [Option<&str>; 3] = [None, Some("10.1.2.3"), Some("192.0.2.7")];

macro_rules! say {
    ($said:expr, $($words:tt)*) => { writeln!($said, "= {}", format_args!($($words)*)).unwrap() };
}

/// What a child said.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    /// How the store was opened, or why not.
    pub(crate) opened: Result<String, String>,
    /// Verdicts by what was asked: level, key and user when it is good.
    pub(crate) good: BTreeMap<String, (u8, String)>,
    /// Everything that could not be answered, or is said to be wrong.
    pub(crate) errors: Vec<String>,
    /// The newest audit event, if the audit could be read.
    pub(crate) head: Option<AuditHead>,
    /// Whether the event that was kept elsewhere is there.
    pub(crate) kept: bool,
}

impl Answers {
    /// Asks the directory, and whether it has the event `kept`.
    ///
    /// # Errors
    /// When the child did not come to its end, or something in keyward panicked.
    pub(crate) fn of(dir: &Path, texts: &Path, kept: Option<AuditHead>) -> Result<Self, String> {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["answers::asked", "--exact", "--nocapture"]).stdin(Stdio::null());
        child.env("KEYWARD_DAMAGED", dir).env("KEYWARD_TEXTS", texts).env("RUST_BACKTRACE", "0");
        if let Some(kept) = kept {
            child.env("KEYWARD_KEPT", kept.to_string());
        }
        let done = child.output().unwrap();
        let (said, complained) =
            (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        orderly(&complained)?;
        if !done.status.success() {
            return Err(format!("{}: {complained}", done.status));
        }
        let mut answers = Self {
            opened: Err(String::new()),
            good: BTreeMap::new(),
            errors: Vec::new(),
            head: None,
            kept: true,
        };
        for line in said.lines().filter_map(|line| line.split_once("= ").map(|(_, line)| line)) {
            let (kind, rest) = line.split_once(' ').unwrap();
            match kind {
                "opened" => answers.opened = Ok(rest.to_owned()),
                "refused" => answers.opened = Err(rest.to_owned()),
                "good" => {
                    let (asked, level) = rest.split_once(" at ").unwrap();
                    let (level, whom) = level.split_once(' ').unwrap();
                    answers.good.insert(asked.to_owned(), (level.parse().unwrap(), whom.to_owned()));
                }
                "head" => answers.head = Some(rest.parse().unwrap()),
                "kept" => answers.kept = rest == "true",
                _ => answers.errors.push(rest.to_owned()),
            }
        }
        Ok(answers)
    }
}

impl Answers {
    /// Whether what is good here is so there, too, with no more rights, for the same.
    pub(crate) fn allows(&self, asked: &str, good: &(u8, String)) -> bool {
        self.good.get(asked).is_some_and(|own| good.0 <= own.0 && good.1 == own.1)
    }
}

/// sled may panic on damage, and is caught; keyward may not.
pub(crate) fn orderly(complained: &str) -> Result<(), String> {
    let panicked = complained.lines().find(|line| line.contains("panicked at src/"));
    panicked.map_or(Ok(()), |line| Err(line.to_owned()))
}

/// Not a test of its own: what the child does.
#[test]
fn asked() {
    let Some(dir) = std::env::var_os("KEYWARD_DAMAGED") else { return };
    let texts = std::fs::read_to_string(std::env::var_os("KEYWARD_TEXTS").unwrap()).unwrap();
    let (done, watched) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if watched.recv_timeout(Duration::from_secs(SECONDS_MAX)) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("it hangs");
            std::process::abort();
        }
    });
    let kept = std::env::var("KEYWARD_KEPT").ok().map(|kept| kept.parse().unwrap());
    // At once, since there is much.
    print!("{}", ask(&PathBuf::from(dir), &texts, kept));
    drop(done);
}

fn ask(dir: &Path, texts: &str, kept: Option<AuditHead>) -> String {
    let mut said = String::new();
    let (store, opened, engine) = match filled::open(dir) {
        Ok(opened) => opened,
        Err(error) => return format!("= refused {error}\n"),
    };
    say!(said, "opened {:?}, set aside: {}", opened.last_stop, opened.set_aside.is_some());
    // Once from the store, where the index takes its time, and once from the index.
    verify_all(&engine, texts, &CLIENTS[..1], &mut said);
    let readable = [schema::USERS, schema::HOT].into_iter().all(|place| can_read(&store, place));
    while readable && engine.index_state() != IndexState::Ready {
        std::thread::yield_now();
    }
    verify_all(&engine, texts, &CLIENTS, &mut said);
    match engine.check() {
        Ok(report) => report
            .findings
            .iter()
            .for_each(|finding| say!(said, "finding {} {}", finding.place, finding.problem)),
        Err(error) => say!(said, "error checking: {error}"),
    }
    match engine.reader().audit_chain(kept.as_ref()) {
        Ok(chain) => {
            say!(said, "head {}", chain.head);
            say!(said, "kept {}", chain.kept != Some(false));
            chain.broken_at.iter().for_each(|event| say!(said, "broken audit at {event}"));
        }
        Err(error) => say!(said, "error proving the audit: {error}"),
    }
    if let Err(error) = engine.stop() {
        say!(said, "error stopping: {error}");
    }
    said
}

fn can_read(store: &SledStore, place: &[u8]) -> bool {
    store.scan(place, None, usize::MAX).is_ok()
}

fn verify_all(engine: &Engine, texts: &str, clients: &[Option<&str>], said: &mut String) {
    let verifier = Verifier::new(engine.reader());
    for (n, line) in texts.lines().enumerate() {
        let (keyspace, text) = line.split_once(' ').unwrap();
        let keyspace = Keyspace::named(&keyspace.parse().unwrap()).unwrap();
        for client in clients {
            let from = client.map(|client| client.parse::<IpAddr>().unwrap());
            match verifier.verify(&VerifyRequest { client: from, ..VerifyRequest::new(&keyspace, text) }) {
                Ok(Verdict::Allow(identity)) => {
                    let (level, key, user) = (identity.level.number(), identity.key, identity.user);
                    say!(said, "good {n} from {client:?} at {level} {key} of {user}");
                }
                Ok(Verdict::Deny(_)) => {}
                Err(error) => say!(said, "error verifying: {error}"),
            }
        }
    }
}
