//! What the child says: an intent before each operation, its answer after it, and what a reader saw meanwhile.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Child;

use keyward::store::codec::Record;
use serde::{Deserialize, Serialize};

/// One change, in full: what it makes of a record follows from it, except for ids and secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Operation {
    AddUser { name: String },
    UpdateUser { user: u64, email: String, role: usize, blocked: bool },
    RemoveUser { user: u64 },
    CreateKey { owner: u64, keyspace: String, comment: String },
    UpdateKey { key: String, comment: String, level: u8 },
    SetActive { key: String, active: bool },
    RotateKey { key: String, grace_ms: u64 },
    RevokeKey { key: String },
    DeleteKey { key: String },
}

/// What an operation answered with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The user or key as it is now, encoded as the store does; none when it was removed.
    pub(crate) record: Vec<u8>,
    /// The key text, when one was issued.
    pub(crate) text: Option<String>,
}

impl Answer {
    pub(crate) fn of(record: &impl Record, text: Option<String>) -> Self {
        Self { record: record.encode().unwrap(), text }
    }

    pub(crate) fn record<T: Record>(&self) -> T {
        T::decode(&self.record).unwrap()
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Line {
    /// The store is about to be opened.
    Open {},
    Intend {
        writer: usize,
        operation: Operation,
    },
    Answer {
        writer: usize,
        answer: Answer,
    },
    /// A reader saw the audit event of this number.
    See {
        event: u64,
    },
}

impl Line {
    pub(crate) fn say(&self) {
        let line = serde_json::to_string(self).unwrap() + "\n";
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
}

/// When the child is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kill {
    /// While it opens the store, after so many looks at its directory.
    Opening(u32),
    AfterAnswers(usize),
    AfterSights(usize),
}

/// Everything a child said until it was killed.
#[derive(Default)]
pub(crate) struct History {
    /// Answered operations; those of one writer in their order.
    pub(crate) answered: Vec<(Operation, Answer)>,
    /// Operations that were begun and not answered, one a writer at most.
    pub(crate) in_flight: Vec<Operation>,
    /// The newest audit event that a reader saw.
    pub(crate) seen: u64,
}

impl History {
    /// Listens to `child`, which works in `dir`, and has `end` kill it.
    ///
    /// # Errors
    /// When it ended by itself, or saw something vanish.
    pub(crate) fn of(
        mut child: Child,
        dir: &Path,
        kill: Kill,
        end: impl FnOnce(&mut Child),
    ) -> Result<Self, String> {
        let mut end = Some(end);
        let mut history = Self::default();
        let mut begun: Vec<Option<Operation>> = Vec::new();
        let (mut sights, mut vanished, mut killed) = (0, false, false);
        for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
            let Some(line) = parse(&line.unwrap()) else { continue };
            match line {
                Line::Open {} => {
                    if let Kill::Opening(looks) = kill {
                        (0..looks).for_each(|_| drop(dir.join("data/aside").try_exists()));
                        killed = true;
                    }
                }
                Line::Intend { writer, operation } => {
                    begun.resize(begun.len().max(writer + 1), None);
                    begun[writer] = Some(operation);
                }
                Line::Answer { writer, answer } => {
                    history.answered.push((begun[writer].take().unwrap(), answer));
                }
                Line::See { event } => {
                    vanished |= event < history.seen;
                    history.seen = event;
                    sights += 1;
                }
            }
            killed |= match kill {
                Kill::Opening(_) => false,
                Kill::AfterAnswers(count) => history.answered.len() >= count,
                Kill::AfterSights(count) => sights >= count,
            };
            if killed && let Some(end) = end.take() {
                // The lines it still wrote come next.
                end(&mut child);
            }
        }
        let status = child.wait().unwrap();
        history.in_flight = begun.into_iter().flatten().collect();
        if vanished {
            return Err("lost: what a reader had seen was gone again".to_owned());
        }
        if killed { Ok(history) } else { Err(format!("the child ended by itself: {status}")) }
    }
}

/// The line, unless it is the test harness's or was cut off by the kill: its operation was not answered then.
fn parse(line: &[u8]) -> Option<Line> {
    let start = line.iter().position(|byte| *byte == b'{')?;
    serde_json::from_slice(&line[start..]).ok()
}
