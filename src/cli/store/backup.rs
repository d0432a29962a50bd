//! `keyward backup`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cli::api::client::Door;
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal::output::{line, note};
use crate::store::backup::{self, BackupWriter, Frame};

/// `keyward backup`: into a file that appears when it is whole, or to standard output.
pub(in crate::cli) fn back_up(door: &mut Door, to: &Path, force: bool) -> Result<Exit, Failure> {
    if to == Path::new("-") {
        if io::stdout().is_terminal() {
            return Err(Failure::new(
                Exit::Usage,
                "a backup is not text: give a file, or pipe it into something",
            ));
        }
        let revision = copy(door, &mut io::stdout().lock(), "standard output")?;
        note(&format!("backup at revision {revision}"));
        return Ok(Exit::Done);
    }
    let shown = to.display().to_string();
    let wrote = |error: io::Error| not_written(&shown, &error);
    // Asked before anything is copied; whether it came to be meanwhile, once more at the end.
    if !force && to.symlink_metadata().is_ok() {
        return Err(exists(&shown));
    }
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let name = to.file_name().ok_or_else(|| not_written(&shown, &io::ErrorKind::IsADirectory.into()))?;
    // For its owner alone, and gone again when anything fails.
    let partial = tempfile::Builder::new().prefix(name).suffix(".partial").tempfile_in(dir).map_err(wrote)?;
    let mut file = BufWriter::new(partial);
    let revision = copy(door, &mut file, &shown)?;
    let file = file.into_inner().map_err(|error| wrote(error.into_error()))?;
    file.as_file().sync_all().map_err(wrote)?;
    // What cannot be read again is no backup.
    let entries = read(to, file.reopen().map_err(wrote)?, |_| Ok(()))?;
    if force {
        file.persist(to).map_err(|error| wrote(error.error))?;
    } else {
        file.persist_noclobber(to).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => exists(&shown),
            _ => wrote(error.error),
        })?;
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(wrote)?;
    line(&format!("{shown} holds {entries} entries, at revision {revision}; the secret file is not in it"))?;
    Ok(Exit::Done)
}

fn not_written(to: &str, error: &io::Error) -> Failure {
    Failure::system(&format!("the backup {to} could not be written"), error)
}

fn exists(to: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("{to} exists already: give another name, or overwrite it with --force"),
    )
}

/// Writes a whole backup; its revision.
fn copy(door: &mut Door, to: &mut impl Write, shown: &str) -> Result<u64, Failure> {
    let wrote = |error: io::Error| not_written(shown, &error);
    let mut writer = BackupWriter::begin(to).map_err(wrote)?;
    let mut target = "/v1/backup".to_owned();
    loop {
        let piece = door.ask("POST", &target, None)?;
        let frames = piece.get("frames").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
        let frames =
            frames.ok_or_else(|| Failure::new(Exit::Failed, "the server answered something else"))?;
        writer.write(&frames).map_err(wrote)?;
        match piece.get("next").and_then(Value::as_str) {
            Some(next) => target = format!("/v1/backup?from={next}"),
            None => {
                writer.end().map_err(wrote)?;
                return Ok(piece.get("revision").and_then(Value::as_u64).unwrap_or_default());
            }
        }
    }
}

/// A backup, to be read.
pub(in crate::cli) fn open_backup(path: &Path) -> Result<File, Failure> {
    // A directory opens, and is none.
    let opened = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(file),
    });
    opened.map_err(|error| not_read(path, &error))
}

/// Reads the backup at `path` to its end.
pub(in crate::cli) fn read(
    path: &Path,
    opened: File,
    each: impl FnMut(Frame) -> io::Result<()>,
) -> Result<u64, Failure> {
    backup::read(BufReader::new(opened), each).map_err(|error| not_read(path, &error))
}

fn not_read(path: &Path, error: &io::Error) -> Failure {
    Failure::system(&format!("the backup {}", path.display()), error)
}
