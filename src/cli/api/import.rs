//! `keyward key import`: lines of JSON, sent in pieces that are durable one after the other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::cli::api::client::Door;
use crate::cli::api::user::encoded;
use crate::cli::args::{ImportKeys, Output};
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal::output::{cell, line, note};
use crate::cli::terminal::progress::Progress;
use crate::limits;

/// Refused lines that are told one by one.
const TOLD: usize = 20;
/// Most bytes of one piece.
const PIECE_BYTES: usize = limits::BODY_BYTES_MAX / 2;

/// What became of all lines.
#[derive(Default)]
struct Sum {
    imported: u64,
    existing: u64,
    refused: u64,
}

pub(in crate::cli) fn run(door: &mut Door, output: Output, asked: &ImportKeys) -> Result<Exit, Failure> {
    let progress = lines_of(&asked.file)?.map(|lines| Progress::new("importing", lines.max(1)));
    let (mut lines, target) = (Lines::open(&asked.file)?, target(asked));
    let (mut sum, mut notes) = (Sum::default(), Vec::new());
    while let Some(piece) = lines.piece()? {
        let answer = door.send("POST", &target, piece.text)?;
        let count = |name| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
        sum.imported += count("imported");
        sum.existing += count("existing");
        tell_refused(&answer, &piece.numbers, &mut sum.refused);
        let said = answer.get("notes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        // The longest counts, which comes last since every piece adds keys.
        if !said.is_empty() {
            notes = said.iter().map(cell).collect();
        }
        if let Some(progress) = &progress {
            progress.at(lines.read);
        }
    }
    drop(progress);
    notes.iter().for_each(|text| note(text));
    let Sum { imported, existing, refused } = sum;
    match output {
        Output::Json => line(
            &serde_json::json!({ "imported": imported, "existing": existing, "refused": refused })
                .to_string(),
        )?,
        Output::Text => {
            let done = if asked.dry_run { "would be imported" } else { "imported" };
            line(&format!("{imported} {done}, {existing} were there already, {refused} refused"))?;
        }
    }
    Ok(if refused > 0 { Exit::Failed } else { Exit::Done })
}

fn target(asked: &ImportKeys) -> String {
    let defaults = [
        ("dry_run", asked.dry_run.then(|| "true".to_owned())),
        ("keyspace", asked.keyspace.map(|keyspace| keyspace.to_string())),
        ("owner", asked.owner.as_ref().map(ToString::to_string)),
        ("level", asked.level.map(|level| level.to_string())),
    ];
    let pairs = defaults.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?))));
    format!("/v1/import?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// Says why lines were refused, by their numbers in the file.
fn tell_refused(answer: &Value, numbers: &[u64], refused: &mut u64) {
    let lines = answer.get("lines").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for one in lines.iter().filter(|one| one.get("status").and_then(Value::as_str) == Some("refused")) {
        *refused += 1;
        let at = one.get("line").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
        let number = at.and_then(|at| numbers.get(at.saturating_sub(1))).copied().unwrap_or_default();
        match usize::try_from(*refused) {
            Ok(told) if told <= TOLD => {
                note(&format!("line {number}: {}", one.get("detail").map(cell).unwrap_or_default()));
            }
            Ok(told) if told == TOLD + 1 => note("more lines are refused; they are only counted"),
            Ok(_) | Err(_) => {}
        }
    }
}

/// How many lines a file has, the last of them ended or not; `None` for standard input.
fn lines_of(path: &Path) -> Result<Option<u64>, Failure> {
    if path == Path::new("-") {
        return Ok(None);
    }
    let mut file = File::open(path).map_err(|error| failure(path, &error))?;
    let (mut buffer, mut lines, mut open) = (vec![0; 64 * 1024], 0, false);
    loop {
        let read = file.read(&mut buffer).map_err(|error| failure(path, &error))?;
        let part = buffer.get(..read).unwrap_or_default();
        let Some(last) = part.last() else {
            return Ok(Some(lines + u64::from(open)));
        };
        open = *last != b'\n';
        lines += memchr::memchr_iter(b'\n', part).count() as u64;
    }
}

/// The lines that are still to be sent.
struct Lines {
    path: PathBuf,
    from: Box<dyn BufRead>,
    /// Lines read so far.
    read: u64,
}

/// Lines that are sent together, and their numbers in the file.
struct Piece {
    text: String,
    numbers: Vec<u64>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Failure> {
        let from: Box<dyn BufRead> = if path == Path::new("-") {
            Box::new(BufReader::new(io::stdin()))
        } else {
            Box::new(BufReader::new(File::open(path).map_err(|error| failure(path, &error))?))
        };
        Ok(Self { path: path.to_owned(), from, read: 0 })
    }

    /// The next piece; `None` at the end.
    fn piece(&mut self) -> Result<Option<Piece>, Failure> {
        let (mut text, mut numbers) = (String::new(), Vec::new());
        // Wiped: it may be a key.
        let mut one = Zeroizing::new(String::new());
        while numbers.len() < limits::IMPORTED_AT_ONCE_MAX && text.len() < PIECE_BYTES {
            one.clear();
            let bound = (PIECE_BYTES / 2) as u64;
            let mut from = self.from.as_mut().take(bound);
            let read = from.read_line(&mut one).map_err(|error| failure(&self.path, &error))?;
            if read == 0 {
                break;
            }
            self.read += 1;
            // Some editors begin a file with a byte order mark.
            let line = one.trim_start_matches('\u{feff}').trim();
            if !line.is_empty() {
                text.push_str(line);
                text.push('\n');
                numbers.push(self.read);
            }
        }
        Ok((!numbers.is_empty()).then_some(Piece { text, numbers }))
    }
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    Failure::system(&format!("{} could not be read", path.display()), error)
}
