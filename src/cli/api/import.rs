//! `keyward key import`: lines of JSON, sent in pieces that are durable one after the other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::cli::api::client::ApiClient;
use crate::cli::api::paging::query;
use crate::cli::args::keys::ImportArgs;
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::OutputFormat;
use crate::cli::terminal::output::{cell, line, note};
use crate::cli::terminal::progress::Progress;
use crate::limits;

/// Refused lines that are reported one by one.
const REPORTED_MAX: usize = 20;
/// Most bytes of one piece.
const PIECE_BYTES: usize = limits::BODY_BYTES_MAX / 2;

/// Numbers of lines by result.
#[derive(Default)]
struct ImportTotals {
    imported: u64,
    existing: u64,
    refused: u64,
}

pub(in crate::cli) fn run(
    client: &mut ApiClient,
    output: OutputFormat,
    args: &ImportArgs,
) -> Result<Exit, CliError> {
    let progress = lines_of(&args.file)?.map(|lines| Progress::new("importing", lines.max(1)));
    let (mut lines, target) = (Lines::open(&args.file)?, target(args));
    let (mut sum, mut notes) = (ImportTotals::default(), Vec::new());
    while let Some(piece) = lines.piece()? {
        let answer = client.send("POST", &target, piece.text)?;
        let count = |name| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
        sum.imported += count("imported");
        sum.existing += count("existing");
        report_refused(&answer, &piece.numbers, &mut sum.refused);
        let said = answer.get("notes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        // The notes of the last answer replace earlier ones: every piece adds keys, so later notes include more.
        if !said.is_empty() {
            notes = said.iter().map(cell).collect();
        }
        if let Some(progress) = &progress {
            progress.at(lines.read);
        }
    }
    drop(progress);
    notes.iter().for_each(|text| note(text));
    let ImportTotals { imported, existing, refused } = sum;
    match output {
        OutputFormat::Json => line(
            &serde_json::json!({ "imported": imported, "existing": existing, "refused": refused })
                .to_string(),
        )?,
        OutputFormat::Text => {
            let done = if args.dry_run { "would be imported" } else { "imported" };
            line(&format!("{imported} {done}, {existing} were there already, {refused} refused"))?;
        }
    }
    Ok(if refused > 0 { Exit::Failed } else { Exit::Done })
}

fn target(args: &ImportArgs) -> String {
    let query = query([
        ("dry_run", args.dry_run.then(|| "true".to_owned())),
        ("keyspace", args.keyspace.map(|keyspace| keyspace.to_string())),
        ("owner", args.owner.as_ref().map(ToString::to_string)),
        ("level", args.level.map(|level| level.to_string())),
    ]);
    format!("/v1/import?{query}")
}

/// Reports why lines were refused, by their numbers in the file.
fn report_refused(answer: &Value, numbers: &[u64], refused: &mut u64) {
    let lines = answer.get("lines").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for one in lines.iter().filter(|one| one.get("status").and_then(Value::as_str) == Some("refused")) {
        *refused += 1;
        let at = one.get("line").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
        let number = at.and_then(|at| numbers.get(at.saturating_sub(1))).copied().unwrap_or_default();
        match usize::try_from(*refused) {
            Ok(reported) if reported <= REPORTED_MAX => {
                note(&format!("line {number}: {}", one.get("detail").map(cell).unwrap_or_default()));
            }
            Ok(reported) if reported == REPORTED_MAX + 1 => {
                note("more lines are refused; they are only counted")
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// Number of lines of a file, whether the last one is terminated or not; `None` for standard input.
fn lines_of(path: &Path) -> Result<Option<u64>, CliError> {
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

/// Lines that are not sent yet.
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
    fn open(path: &Path) -> Result<Self, CliError> {
        let from: Box<dyn BufRead> = if path == Path::new("-") {
            Box::new(BufReader::new(io::stdin()))
        } else {
            Box::new(BufReader::new(File::open(path).map_err(|error| failure(path, &error))?))
        };
        Ok(Self { path: path.to_owned(), from, read: 0 })
    }

    /// The next piece; `None` at the end.
    fn piece(&mut self) -> Result<Option<Piece>, CliError> {
        let (mut text, mut numbers) = (String::new(), Vec::new());
        // Wiped after use: the line may hold a key.
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

fn failure(path: &Path, error: &io::Error) -> CliError {
    CliError::system(&format!("{} could not be read", path.display()), error)
}
