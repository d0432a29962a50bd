//! One page in one shell.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, fs};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::answer::agrees;
use crate::page::{Page, Step};

/// Where the pages have keyward.
const KEYWARD: &str = "127.0.0.1:8080";
/// Where they have a gateway, and the API behind it.
const OTHERS: [&str; 2] = ["127.0.0.1:8000", "127.0.0.1:9000"];
/// Directories of a machine, which are put below the directory of the run.
const DIRECTORIES: [&str; 4] = ["/var/lib/keyward", "/srv/backups", "/etc/keyward", "/run/keyward"];
/// What the pages write for a program of this repository.
const FROM_SOURCE: &str = "cargo run --release -- ";
/// Alone on a line, behind what a block printed.
const END_OF_BLOCK: &str = "-- end of block --";
/// How long a server has to begin.
const START_SECONDS: u32 = 60;

/// Where programs are: also where Debian has nginx.
pub(crate) fn path() -> String {
    format!("{}:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default())
}

/// Plays a page, and says where its answers differ from the printed ones.
pub(crate) fn play(page: &Page, not_run: &[(&str, &str, &str)]) -> Vec<String> {
    let is_run = |command: &&String| {
        !not_run.iter().any(|(name, line, _)| page.name == *name && command.starts_with(line))
    };
    let mut session = Session::start();
    let mut faults = Vec::new();
    for step in &page.steps {
        let commands: Vec<&String> = step.commands.iter().filter(is_run).collect();
        if commands.iter().any(|command| !command.is_empty() && !command.starts_with('#')) {
            let lines = step.answer.as_ref().map_or(0, |answer| answer.text.lines().count());
            let found = session.run(&commands, lines);
            faults.extend(fault(page, step, &found));
        }
    }
    faults
}

fn fault(page: &Page, step: &Step, found: &str) -> Option<String> {
    let printed = step.answer.as_ref().map_or("", |answer| &answer.text);
    let agrees = step.answer.as_ref().map_or_else(|| found.trim().is_empty(), |answer| agrees(answer, found));
    let at = format!("{}:{}: {}", page.name, step.line, step.commands.join("\n"));
    (!agrees).then(|| format!("{at}\n--- printed\n{printed}\n--- found\n{}", found.trim_end()))
}

struct Session {
    shell: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    directory: TempDir,
    /// What pages write, and what it is in this run.
    replaced: Vec<(String, String)>,
}

impl Session {
    fn start() -> Self {
        let directory = TempDir::with_prefix("keyward-documents-").unwrap();
        let root = directory.path();
        let mut replaced = Vec::new();
        for place in DIRECTORIES {
            let ours = root.join(place.trim_start_matches('/'));
            fs::create_dir_all(ours.parent().unwrap()).unwrap();
            replaced.push((place.to_owned(), ours.display().to_string()));
        }
        for made in ["bin", "tmp", "srv/backups", "etc/keyward", "run/keyward"] {
            fs::create_dir_all(root.join(made)).unwrap();
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_keyward"), root.join("bin/keyward")).unwrap();
        let free: Vec<TcpListener> =
            OTHERS.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        for (printed, free) in OTHERS.iter().zip(&free) {
            replaced.push(((*printed).to_owned(), free.local_addr().unwrap().to_string()));
        }
        let mut shell = Command::new("bash");
        shell.args(["--noprofile", "--norc"]).current_dir(root).env_clear();
        shell.env("PATH", format!("{}:{}", root.join("bin").display(), path()));
        shell
            .env("HOME", root)
            .env("TMPDIR", root.join("tmp"))
            .env("KEYWARD_LOG", "error")
            .env("NO_PROXY", "*");
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut shell = shell.unwrap();
        let mut stdin = shell.stdin.take().unwrap();
        stdin.write_all(b"exec 2>&1\n").unwrap();
        let lines = BufReader::new(shell.stdout.take().unwrap()).lines();
        Self { shell, stdin, lines, directory, replaced }
    }

    /// Runs a block, and returns what it printed, with the addresses and directories that pages have. What a server
    /// prints counts when it is started last, up to as many lines as the page shows.
    fn run(&mut self, commands: &[&String], lines: usize) -> String {
        let mut printed = String::new();
        for (number, command) in commands.iter().enumerate() {
            match serving(command) {
                Some(served) => {
                    let started = self.serve(served, lines);
                    if number + 1 == commands.len() && lines > 0 {
                        printed.push_str(&started);
                    }
                }
                None => printed.push_str(&self.block(&self.here(command))),
            }
        }
        self.replaced.iter().fold(printed, |text, (page, here)| text.replace(here, page))
    }

    /// A command as it is in this run.
    fn here(&self, command: &str) -> String {
        let command = command.replace(FROM_SOURCE, "keyward ");
        self.replaced.iter().fold(command, |text, (page, here)| text.replace(page, here))
    }

    /// Runs lines in the shell, not as its input, so that no command takes the next one for its own input.
    fn block(&mut self, lines: &str) -> String {
        fs::write(self.directory.path().join("block.sh"), format!("{lines}\n")).unwrap();
        let run = format!(". {}/block.sh </dev/null; printf '\\n%s\\n' '{END_OF_BLOCK}'\n", self.root());
        self.stdin.write_all(run.as_bytes()).unwrap();
        let mut printed: Vec<String> = Vec::new();
        loop {
            match self.lines.next() {
                Some(Ok(line)) if line == END_OF_BLOCK => break,
                Some(Ok(line)) => printed.push(line),
                ended => panic!("the shell ended in {lines}: {ended:?}, after {printed:?}"),
            }
        }
        // Empty, or the end of a line without a line break.
        if printed.last().is_some_and(String::is_empty) {
            printed.pop();
        }
        printed.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Stops the server that runs, and starts this one. Returns what it prints until it serves, and `lines` of it.
    fn serve(&mut self, command: &str, lines: usize) -> String {
        let mut command = self.here(command).replace(KEYWARD, "127.0.0.1:0");
        if !command.contains("--listen") {
            command.push_str(" --listen 127.0.0.1:0");
        }
        self.block("if [ -n \"$SERVER_PID\" ]; then kill $SERVER_PID; wait $SERVER_PID; fi");
        // The shell has the server as a job, with the shell's variables.
        let started = format!(
            "coproc SERVER {{ exec {command} 2>&1; }}\n\
             seen=; count=0\n\
             while read -r -t {START_SECONDS} line <&\"${{SERVER[0]}}\"; do\n\
             printf '%s\\n' \"$line\"; count=$((count + 1))\n\
             case $line in 'listening on'*) seen=1;; esac\n\
             [ -n \"$seen\" ] && [ $count -ge {lines} ] && break; done"
        );
        let printed = self.block(&started);
        let address = printed.lines().find_map(|line| line.strip_prefix("listening on http://"));
        let address = address.unwrap_or_else(|| panic!("`{command}` does not serve: {printed}")).to_owned();
        self.replaced.retain(|(page, _)| page != KEYWARD);
        self.replaced.push((KEYWARD.to_owned(), address));
        self.copy_examples();
        printed
    }

    /// The configurations of gateways, with the addresses of this run.
    fn copy_examples(&self) {
        let to = self.directory.path().join("examples");
        fs::create_dir_all(&to).unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        for file in
            fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            let text = self.here(&fs::read_to_string(&file).unwrap());
            fs::write(to.join(file.file_name().unwrap()), text).unwrap();
        }
    }

    fn root(&self) -> String {
        self.directory.path().display().to_string()
    }
}

/// The command without `&`, if it is one that serves.
fn serving(command: &str) -> Option<&str> {
    let command = command.split(" #").next().unwrap_or(command).trim_end();
    let serves = command.starts_with("keyward serve") || command.starts_with("cargo run --release -- serve");
    serves.then(|| command.trim_end_matches('&').trim_end())
}

impl Drop for Session {
    fn drop(&mut self) {
        // By their ids: the server and the jobs of the shell, and what wrote its id into a file, as nginx does.
        let _ = self.stdin.write_all(b"kill $(jobs -p) 2>/dev/null; wait; exit\n");
        let _ = self.shell.wait();
        for file in pid_files(self.directory.path()) {
            let id = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
            if let Some(pid) = id.and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::TERM);
            }
        }
    }
}

fn pid_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let (dirs, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir() && !path.is_symlink());
    let nested = dirs.iter().flat_map(|dir| pid_files(dir));
    files.into_iter().chain(nested).filter(|path| path.extension().is_some_and(|end| end == "pid")).collect()
}
