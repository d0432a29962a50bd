//! `keyward backup`.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::door::Door;
use super::failure::{Exit, Failure};
use super::screen::{line, note};
use crate::store::backup::{self, BackupWriter, Frame};

/// `keyward backup`: into a file that appears when it is whole, or to standard output.
pub(super) fn back_up(door: &mut Door, to: &Path) -> Result<Exit, Failure> {
    let wrote = |error: io::Error| Failure::system("the backup could not be written", &error);
    if to == Path::new("-") {
        if io::stdout().is_terminal() {
            return Err(Failure::new(
                Exit::Usage,
                "a backup is not text: give a file, or pipe it into something",
            ));
        }
        let revision = copy(door, &mut io::stdout().lock())?;
        note(&format!("backup at revision {revision}"));
        return Ok(Exit::Done);
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial).map_err(wrote)?;
    let mut file = BufWriter::new(file);
    let revision = copy(door, &mut file)?;
    file.into_inner().map_err(|error| wrote(error.into_error()))?.sync_all().map_err(wrote)?;
    // What cannot be read again is no backup.
    let entries = read(Path::new(&partial), |_| Ok(()))?;
    fs::rename(&partial, to).map_err(wrote)?;
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(wrote)?;
    line(&format!(
        "{} holds {entries} entries, at revision {revision}; the secret file is not in it",
        to.display()
    ))?;
    Ok(Exit::Done)
}

/// Writes a whole backup; its revision.
fn copy(door: &mut Door, to: &mut impl Write) -> Result<u64, Failure> {
    let wrote = |error: io::Error| Failure::system("the backup could not be written", &error);
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

/// Reads a backup to its end.
pub(super) fn read(file: &Path, each: impl FnMut(Frame) -> io::Result<()>) -> Result<u64, Failure> {
    let failed = |error| Failure::system(&format!("the backup {}", file.display()), &error);
    let opened = File::open(file).map_err(failed)?;
    backup::read(BufReader::new(opened), each).map_err(failed)
}
