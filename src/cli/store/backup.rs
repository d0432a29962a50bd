//! `keyward backup`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cli::api::client::ApiClient;
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::{line, note};
use crate::store::backup::{self, BackupWriter, Frame};

/// `keyward backup`: into a file that appears when it is whole, or to standard output.
pub(in crate::cli) fn back_up(client: &mut ApiClient, to: &Path, force: bool) -> Result<Exit, CliError> {
    if to == Path::new("-") {
        if io::stdout().is_terminal() {
            return Err(CliError::new(
                Exit::Usage,
                "a backup is binary: give a file, or pipe it into a program",
            ));
        }
        let revision = copy(client, &mut io::stdout().lock(), "standard output")?;
        note(&format!("backup at revision {revision}"));
        return Ok(Exit::Done);
    }
    let shown = to.display().to_string();
    let wrote = |error: io::Error| not_written(&shown, &error);
    // Checked before copying; `persist_noclobber` checks again at the end.
    if !force && to.symlink_metadata().is_ok() {
        return Err(exists(&shown));
    }
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let name = to.file_name().ok_or_else(|| not_written(&shown, &io::ErrorKind::IsADirectory.into()))?;
    // Readable by its owner alone, and removed if a later step fails.
    let partial = tempfile::Builder::new().prefix(name).suffix(".partial").tempfile_in(dir).map_err(wrote)?;
    let mut file = BufWriter::new(partial);
    let revision = copy(client, &mut file, &shown)?;
    let file = file.into_inner().map_err(|error| wrote(error.into_error()))?;
    file.as_file().sync_all().map_err(wrote)?;
    // A backup that cannot be read back is worthless.
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

fn not_written(to: &str, error: &io::Error) -> CliError {
    CliError::system(&format!("the backup {to} could not be written"), error)
}

fn exists(to: &str) -> CliError {
    CliError::new(
        Exit::Failed,
        format!("{to} exists already: give another name, or overwrite it with --force"),
    )
}

/// Writes a whole backup and returns its revision.
fn copy(client: &mut ApiClient, to: &mut impl Write, shown: &str) -> Result<u64, CliError> {
    let wrote = |error: io::Error| not_written(shown, &error);
    let mut writer = BackupWriter::begin(to).map_err(wrote)?;
    let mut target = "/v1/backup".to_owned();
    loop {
        let piece = client.ask("POST", &target, None)?;
        let frames = piece.get("frames").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
        let frames = frames.ok_or_else(|| CliError::new(Exit::Failed, "the server sent no backup"))?;
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

/// Opens a backup for reading.
pub(in crate::cli) fn open_backup(path: &Path) -> Result<File, CliError> {
    // A directory can be opened, too.
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
) -> Result<u64, CliError> {
    backup::read(BufReader::new(opened), each).map_err(|error| not_read(path, &error))
}

fn not_read(path: &Path, error: &io::Error) -> CliError {
    CliError::system(&format!("the backup {}", path.display()), error)
}
