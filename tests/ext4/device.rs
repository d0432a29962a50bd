//! A file system in a file, mounted where no other process sees it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skipped::skipped;

/// Room enough for a round, little enough to be copied in a moment.
const BYTES: u64 = 96 << 20;
/// So that nothing is written but what is asked for: otherwise ext4 commits its journal every 5 seconds by itself.
const OPTIONS: &str = "loop,commit=300";

/// Runs the test `name` of this program where its mounts are its own, and end with it however it ends. `None`, with the
/// reason said, where that or one of the mounts cannot be.
pub(crate) fn in_namespace(name: &str) -> Option<bool> {
    if let Some(why) = missing() {
        skipped(&why);
        return None;
    }
    let mut inside = Command::new("unshare");
    inside.arg("--mount").arg(std::env::current_exe().unwrap());
    inside.args([name, "--exact", "--nocapture"]).env("KEYWARD_EXT4_INSIDE", "1");
    let done = inside.output().unwrap();
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    println!("{}", said.concat());
    Some(done.status.success())
}

/// What is not there and would be needed.
fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("mounting takes root".to_owned());
    }
    if !Path::new("/dev/loop-control").exists() {
        return Some("there are no loop devices".to_owned());
    }
    for (program, arg) in [("unshare", "--version"), ("mkfs.ext4", "-V"), ("mount", "--version")] {
        if Command::new(program).arg(arg).output().is_err() {
            return Some(format!("there is no `{program}`"));
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    make(&image);
    let mut tried = Command::new("unshare");
    tried.args(["--mount", "mount", "-o", OPTIONS]).arg(&image).arg(dir.path());
    let tried = tried.output().unwrap();
    (!tried.status.success()).then(|| String::from_utf8_lossy(&tried.stderr).trim().to_owned())
}

/// Makes an empty file system in the file `image`.
pub(crate) fn make(image: &Path) {
    fs::File::create(image).unwrap().set_len(BYTES).unwrap();
    run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(image));
}

/// A mounted image.
pub(crate) struct Device {
    image: PathBuf,
    /// Where it is mounted.
    pub(crate) root: PathBuf,
    /// The kernel's name for it.
    name: String,
}

impl Device {
    pub(crate) fn mount(image: &Path, root: &Path) -> Self {
        fs::create_dir(root).unwrap();
        // The device is removed with the mount.
        run(Command::new("mount").args(["-o", OPTIONS]).arg(image).arg(root));
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let named = |line: &&str| line.split(' ').nth(1) == root.to_str();
        let mount = mounts.lines().find(named).unwrap();
        let name = mount.split(' ').next().unwrap().trim_start_matches("/dev/").to_owned();
        Self { image: image.to_owned(), root: root.to_owned(), name }
    }

    /// Copies what the device was given, as it is at one moment.
    pub(crate) fn copy(&self, to: &Path) {
        loop {
            let before = self.written();
            fs::copy(&self.image, to).unwrap();
            // Only the kernel still writes, now and then.
            if before.is_some() && before == self.written() {
                return;
            }
        }
    }

    /// Writes that were completed; `None` while there are others.
    fn written(&self) -> Option<u64> {
        let stat = fs::read_to_string(format!("/sys/block/{}/stat", self.name)).unwrap();
        let fields: Vec<u64> = stat.split_whitespace().map(|field| field.parse().unwrap()).collect();
        (fields[8] == 0).then_some(fields[4])
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // Lazily, since a writer may still be ending.
        let _ = Command::new("umount").arg("--lazy").arg(&self.root).status();
    }
}

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}
