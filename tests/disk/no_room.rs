//! A disk without room: what cannot be opened says how much is needed, and opens once there is that much.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::skipped::skipped;

/// A file system of its own in memory, gone when dropped.
struct Disk(PathBuf, #[expect(dead_code, reason = "removes the directory")] tempfile::TempDir);

impl Disk {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().canonicalize().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=48m,mode=700", "none"]).arg(&at).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(at, dir))
    }

    fn keyward(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.env_clear().env("KEYWARD_DATA", self.0.join("data")).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.keyward(args).output().unwrap()
    }

    /// Serves until killed, as a crash would.
    fn crash(&self) {
        let mut server = self.keyward(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
        assert!(line.starts_with("listening on "), "{line}");
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("fill")).unwrap();
        for size in [64 * 1024, 1] {
            while file.write(&vec![0; size]).is_ok() {}
        }
    }

    /// Leaves so much room.
    fn free(&self, bytes: u64) {
        let file = fs::File::options().write(true).open(self.0.join("fill")).unwrap();
        file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

/// How many bytes a refusal says are needed; it names the directory.
fn needed(refused: &Output, data: &Path) -> u64 {
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(5), "{told}");
    let place = format!(" bytes are needed in {}", data.display());
    let (before, after) = told.split_once(&place).unwrap_or_else(|| panic!("{told}"));
    assert!(after.contains(" are free"), "{told}");
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn without_room_it_says_how_much_is_needed_and_goes_on_once_there_is() {
    let Some(disk) = Disk::new() else {
        skipped("no file system can be mounted");
        return;
    };
    let data = disk.0.join("data");
    disk.crash();
    assert!(disk.run(&["user", "add", "flo"]).status.success());

    // Stopped in good order: a little is enough, and to be refused costs nothing.
    disk.fill();
    let mut least = 0;
    for task in [&["check"][..], &["compact"], &["key", "list"], &["serve", "--listen", "127.0.0.1:0"]] {
        least = needed(&disk.run(task), &data);
    }
    disk.free(least + 64 * 1024);
    let done = disk.run(&["check"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    // After a crash: a copy of the database, nothing of which is left when it does not fit.
    fs::remove_file(disk.0.join("fill")).unwrap();
    disk.crash();
    disk.fill();
    disk.free(least);
    let copy = needed(&disk.run(&["check"]), &data);
    assert_eq!(needed(&disk.run(&["compact"]), &data), copy);
    assert!(!data.join("aside.partial").exists());
    disk.free(copy + least);
    let done = disk.run(&["check"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
