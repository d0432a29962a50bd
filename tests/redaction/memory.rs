//! What the memory of a server gives away: nothing to a core dump, nothing to others of the same user.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::skipped::skipped;

/// A user without rights, to whom root steps down.
const NOBODY: u32 = 65_534;

/// `command` as a user without the system's right to read everything.
fn as_somebody(command: &mut Command) -> &mut Command {
    if geteuid().is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// A process that is killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of that user in `dir`, at work and allowed to leave a core dump.
fn server(dir: &Path) -> Running {
    let binary = dir.join("keyward");
    fs::copy(env!("CARGO_BIN_EXE_keyward"), &binary).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    if geteuid().is_root() {
        chown(dir, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited 2>/dev/null; exec ./keyward serve --listen 127.0.0.1:0"]);
    command.current_dir(dir).env("KEYWARD_DATA", dir.join("data"));
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let (running, line) = first_line(as_somebody(&mut command));
    assert!(line.starts_with("listening on "), "{line:?}");
    running
}

/// Starts it and waits for its first line.
fn first_line(command: &mut Command) -> (Running, String) {
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (running, line)
}

/// Whether that user can read the environment of a process, for which the system asks what it asks for its memory.
fn can_look_into(running: &Running) -> bool {
    let path = format!("/proc/{}/environ", running.0.id());
    let mut command = Command::new("cat");
    command.arg(path).current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    as_somebody(&mut command).status().unwrap().success()
}

/// Ends it as a crash does; whether the system made a core dump.
fn crash(mut running: Running) -> bool {
    kill_process(Pid::from_child(&running.0), Signal::ABORT).unwrap();
    running.0.wait().unwrap().core_dumped()
}

/// A process that does nothing about it.
fn other(dir: &Path) -> Running {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited 2>/dev/null; echo; exec sleep 60"]).current_dir(dir);
    first_line(as_somebody(&mut command)).0
}

#[test]
fn memory_is_left_to_no_core_dump_and_to_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let other = other(dir.path());
    assert!(can_look_into(&other), "this test can tell");
    assert!(!can_look_into(&server));
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.0.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    if !crash(other) {
        skipped("this system makes no core dumps, so nothing tells that the server would");
    }
    assert!(!crash(server));
}
