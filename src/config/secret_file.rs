//! The secret file: the peppers, kept outside the store.
//!
//! ```text
//! keyward-secret 1
//! pepper 1 4f6b…            a number from 1 to 255 and 64 hexadecimal digits, one line for each pepper
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::entropy::{Entropy, EntropyError};
use crate::key::{Pepper, PepperNumber, PepperRing};
use crate::limits;

const HEADER: &str = "keyward-secret 1";

/// The secret file could not be used. Nothing was changed.
#[derive(Debug, Error)]
pub enum SecretFileError {
    /// The file does not exist, but the store was made under one. Put back the copy you kept: without it no key that was ever
    /// issued verifies again, and none can be shown.
    #[error(
        "the secret file {} is gone; without it no issued key verifies any more: put your copy of it back",
        path.display()
    )]
    Absent {
        /// Path of the missing file.
        path: PathBuf,
    },
    /// The path is a directory, a device or another kind of file.
    #[error("the secret file {} is not a regular file", path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// Other users may read or write the file.
    #[error(
        "the secret file {} is open to others (mode {mode:03o}): make it yours alone with chmod 600, or root's and \
         readable by the group of this process alone with chmod 440, and treat its peppers as known to every user who could \
         read it",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Permission bits of the file.
        mode: u32,
    },
    /// The file belongs to a user other than root and the user of this process: that user knows the peppers.
    #[error(
        "the secret file {} belongs to another user ({owner}): give it to the user of this process with chown",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The number of the user it belongs to.
        owner: u32,
    },
    /// A line is not of the form a secret file has.
    #[error("line {line} of the secret file {} {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Problem of the line.
        problem: &'static str,
    },
    /// The file could not be read or written.
    #[error("the secret file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Every number for a pepper is taken: retire one, or two.
    #[error("the secret file {} has a pepper of the highest number, 255", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// No pepper could be made.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// File with the peppers of a server.
///
/// ```
/// use keyward::config::SecretFile;
/// use keyward::entropy::OsEntropy;
/// let dir = tempfile::tempdir()?;
/// let file = SecretFile::at(dir.path().join("secret"));
/// let made = file.read_or_create(true, &OsEntropy)?;
/// assert_eq!(file.read()?.current().1.reveal(), made.current().1.reveal());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SecretFile {
    path: PathBuf,
}

impl SecretFile {
    /// The secret file at `path`, there or not.
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Reads the peppers; makes the file, with one fresh pepper, only for a store that holds nothing yet.
    ///
    /// # Errors
    /// [`SecretFileError::Absent`] when it would be needed; as [`SecretFile::read`] otherwise.
    ///
    /// # Durability
    /// A file that was made survives a power cut before anything is hashed under it.
    pub fn read_or_create(
        &self,
        store_is_new: bool,
        entropy: &dyn Entropy,
    ) -> Result<PepperRing, SecretFileError> {
        match self.read() {
            Err(SecretFileError::Absent { .. }) if store_is_new => {}
            read => return read,
        }
        let locked = self.lock()?;
        // Another process may have been faster.
        match self.read() {
            Err(SecretFileError::Absent { .. }) => {}
            read => return read,
        }
        let ring = PepperRing::generate(entropy)?;
        locked.put(&ring.clone().into_peppers())?;
        Ok(ring)
    }

    /// Reads the peppers.
    ///
    /// # Errors
    /// Every variant but [`SecretFileError::Entropy`].
    ///
    /// # Security
    /// No error repeats anything that the file contains.
    pub fn read(&self) -> Result<PepperRing, SecretFileError> {
        // A pipe in its place must not make the open wait.
        let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&self.path);
        let file = opened.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SecretFileError::Absent { path: self.path.clone() },
            _ => self.io(source),
        })?;
        let metadata = file.metadata().map_err(|source| self.io(source))?;
        if !metadata.is_file() {
            return Err(SecretFileError::NotRegular { path: self.path.clone() });
        }
        self.is_ours(&metadata, &Process::this())?;
        let mut text = Zeroizing::new(String::with_capacity(limits::SECRET_FILE_BYTES_MAX));
        let bounded = u64::try_from(limits::SECRET_FILE_BYTES_MAX).unwrap_or(u64::MAX);
        file.take(bounded).read_to_string(&mut text).map_err(|source| self.io(source))?;
        self.parse(&text)
    }

    /// Refuses a file that others know, or could have written: it has to be for its owner alone, and be the process's own;
    /// or root's, and then the process's group may read it, as where it is mounted for it.
    fn is_ours(&self, file: &Metadata, process: &Process) -> Result<(), SecretFileError> {
        const ROOT: u32 = 0;
        let (owner, mode) = (file.uid(), file.mode() & 0o777);
        if owner != ROOT && owner != process.user {
            return Err(SecretFileError::Foreign { path: self.path.clone(), owner });
        }
        let readable_by_group = owner == ROOT && process.groups.contains(&file.gid());
        let open = if readable_by_group { mode & 0o037 } else { mode & 0o077 };
        if open != 0 {
            return Err(SecretFileError::Exposed { path: self.path.clone(), mode });
        }
        Ok(())
    }

    fn parse(&self, text: &str) -> Result<PepperRing, SecretFileError> {
        let malformed = |line, problem| SecretFileError::Malformed { path: self.path.clone(), line, problem };
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(malformed(1, "is not \"keyward-secret 1\""));
        }
        let mut peppers = BTreeMap::new();
        for (line, text) in (2..).zip(lines) {
            let (number, pepper) = pepper(text).ok_or_else(|| malformed(line, "is not a pepper"))?;
            if peppers.insert(number, pepper).is_some() {
                return Err(malformed(line, "gives a pepper number again"));
            }
        }
        PepperRing::new(peppers).map_err(|_| malformed(2, "is missing: there is no pepper"))
    }

    /// Adds a new pepper and returns its number. The pepper is current for every process that reads the file afterwards.
    ///
    /// # Errors
    /// [`SecretFileError::Full`]; as [`SecretFile::read`]; [`SecretFileError::Entropy`].
    ///
    /// # Durability
    /// After this returns, the file has the new pepper and every older one, also after a power cut.
    pub fn rotate(&self, entropy: &dyn Entropy) -> Result<PepperNumber, SecretFileError> {
        let locked = self.lock()?;
        let mut peppers = self.read()?.into_peppers();
        let newest = peppers.last_key_value().map_or(0, |(number, _)| number.0);
        let next = newest.checked_add(1).map(PepperNumber);
        let next = next.ok_or_else(|| SecretFileError::Full { path: self.path.clone() })?;
        peppers.insert(next, Pepper::generate(entropy)?);
        locked.put(&peppers)?;
        Ok(next)
    }

    /// Takes a pepper out, which no store may need any more; one that is not there is no error.
    ///
    /// # Errors
    /// As [`SecretFile::read`].
    pub fn remove(&self, number: PepperNumber) -> Result<(), SecretFileError> {
        let locked = self.lock()?;
        let mut peppers = self.read()?.into_peppers();
        if peppers.remove(&number).is_none() {
            return Ok(());
        }
        if peppers.is_empty() {
            return Err(SecretFileError::Malformed {
                path: self.path.clone(),
                line: 2,
                problem: "is its last pepper, and stays",
            });
        }
        locked.put(&peppers)
    }

    /// Holds the place of the file, so that no other process changes it between a read and the write that follows. Where the path is
    /// a link, what it leads to is meant.
    fn lock(&self) -> Result<Locked<'_>, SecretFileError> {
        let path = match fs::canonicalize(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(&self.path),
            found => found,
        };
        let path = path.map_err(|source| self.io(source))?;
        let dir = path.parent().unwrap_or_else(|| Path::new("/"));
        let dir =
            File::open(dir).and_then(|dir| dir.lock().map(|()| dir)).map_err(|source| self.io(source))?;
        Ok(Locked { file: self, path, dir })
    }

    fn io(&self, source: io::Error) -> SecretFileError {
        SecretFileError::Io { path: self.path.clone(), source }
    }
}

/// User and groups of this process.
struct Process {
    user: u32,
    groups: Vec<u32>,
}

impl Process {
    fn this() -> Self {
        let more = rustix::process::getgroups().unwrap_or_default();
        let groups = [rustix::process::getegid()].into_iter().chain(more);
        Self {
            user: rustix::process::geteuid().as_raw(),
            groups: groups.map(rustix::process::Gid::as_raw).collect(),
        }
    }
}

/// A secret file whose place is held.
struct Locked<'a> {
    file: &'a SecretFile,
    path: PathBuf,
    /// Locked, and so is everything in it that comes through here.
    dir: File,
}

impl Locked<'_> {
    fn put(&self, peppers: &BTreeMap<PepperNumber, Pepper>) -> Result<(), SecretFileError> {
        let mut text = Zeroizing::new(format!("{HEADER}\n"));
        for (number, pepper) in peppers {
            let digits = Zeroizing::new(hex::encode(pepper.reveal()));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "pepper {} {}", number.0, *digits);
        }
        self.write(&text).map_err(|source| self.file.io(source))
    }

    /// Replaces the whole file in one durable step, with the owner and permissions of the old file.
    fn write(&self, text: &str) -> io::Result<()> {
        let mut partial = self.path.clone().into_os_string();
        partial.push(".partial");
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = self.write_partial(Path::new(&partial), text);
        if written.is_err() {
            // The next try removes the rest.
            let _ = fs::remove_file(&partial);
        }
        written?;
        fs::rename(&partial, &self.path)?;
        self.dir.sync_all()
    }

    fn write_partial(&self, partial: &Path, text: &str) -> io::Result<()> {
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(partial)?;
        if let Ok(before) = fs::metadata(&self.path) {
            let made = file.metadata()?;
            if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
                std::os::unix::fs::fchown(&file, Some(before.uid()), Some(before.gid()))?;
            }
            file.set_permissions(before.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }
}

fn pepper(line: &str) -> Option<(PepperNumber, Pepper)> {
    let (number, digits) = line.strip_prefix("pepper ")?.split_once(' ')?;
    let number = number.parse().ok().filter(|number| *number > 0)?;
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, bytes.as_mut_slice()).ok()?;
    Some((PepperNumber(number), Pepper::from_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::entropy::OsEntropy;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, SecretFile) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, SecretFile::at(path))
    }

    #[test]
    fn a_file_is_made_for_a_new_store_only_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let secret = SecretFile::at(dir.path().join("secret"));
        assert!(matches!(secret.read_or_create(false, &OsEntropy), Err(SecretFileError::Absent { .. })));
        let made = secret.read_or_create(true, &OsEntropy).unwrap();
        let again = secret.read_or_create(true, &OsEntropy).unwrap();
        assert_eq!(made.current().1.reveal(), again.current().1.reveal(), "it is never replaced");
        assert_eq!(fs::metadata(&secret.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_others_may_use_is_refused() {
        let text = format!("{HEADER}\npepper 1 {}\n", "ab".repeat(32));
        let me = Process::this();
        // A file of this user, of root and of another user, each read by a process of that group and of another group.
        for (mode, own, of_roots) in
            [(0o600, true, true), (0o400, true, true), (0o640, false, true), (0o440, false, true)]
                .into_iter()
                .chain([0o604, 0o620, 0o660, 0o444, 0o650, 0o644].map(|mode| (mode, false, false)))
        {
            let (_dir, secret) = file(&text, mode);
            let metadata = fs::metadata(&secret.path).unwrap();
            let (uid, gid) = (metadata.uid(), metadata.gid());
            let is_ours = |user, groups: &[u32]| {
                secret.is_ours(&metadata, &Process { user, groups: groups.to_vec() }).is_ok()
            };
            let mine = if uid == 0 { of_roots } else { own };
            assert_eq!(is_ours(uid, &[gid]), mine, "{mode:o}");
            assert_eq!(is_ours(uid, &[gid + 1]), own, "{mode:o}, another group");
            assert_eq!(is_ours(uid + 1, &[gid]), uid == 0 && of_roots, "{mode:o}, another user");
            assert_eq!(is_ours(me.user, &me.groups), secret.read().is_ok(), "{mode:o}");
        }
        let (dir, _) = file("", 0o600);
        let directory = SecretFile::at(dir.path().to_owned()).read();
        assert!(matches!(directory, Err(SecretFileError::NotRegular { .. })));
    }

    #[test]
    fn the_highest_number_is_current() {
        let text = format!("{HEADER}\npepper 2 {}\npepper 1 {}\n", "ab".repeat(32), "cd".repeat(32));
        let (_dir, secret) = file(&text, 0o600);
        let ring = secret.read().unwrap();
        assert_eq!((ring.current().0, ring.all().count()), (PepperNumber(2), 2));
    }

    #[test]
    fn a_fresh_pepper_becomes_current_and_an_old_one_goes() {
        let (_dir, secret) = file(&format!("{HEADER}\npepper 1 {}\n", "ab".repeat(32)), 0o600);
        let one = *secret.read().unwrap().current().1.reveal();
        assert_eq!(secret.rotate(&OsEntropy).unwrap(), PepperNumber(2));
        let ring = secret.read().unwrap();
        assert_eq!((ring.current().0, ring.get(PepperNumber(1)).unwrap().reveal()), (PepperNumber(2), &one));
        secret.remove(PepperNumber(1)).unwrap();
        secret.remove(PepperNumber(1)).unwrap();
        assert_eq!(secret.read().unwrap().all().count(), 1);
        assert!(secret.remove(PepperNumber(2)).is_err(), "a file without peppers is none");
        let (_dir, full) = file(&format!("{HEADER}\npepper 255 {}\n", "ab".repeat(32)), 0o600);
        assert!(matches!(full.rotate(&OsEntropy), Err(SecretFileError::Full { .. })));
    }

    #[test]
    fn a_link_stays_one_and_the_file_stays_whose_it_was() {
        let (dir, real) = file(&format!("{HEADER}\npepper 1 {}\n", "ab".repeat(32)), 0o400);
        let elsewhere = tempfile::tempdir().unwrap();
        let [data, link] = ["..data", "secret"].map(|name| elsewhere.path().join(name));
        symlink(dir.path(), &data).unwrap();
        symlink("..data/secret", &link).unwrap();
        let linked = SecretFile::at(link.clone());
        assert_eq!(linked.rotate(&OsEntropy).unwrap(), PepperNumber(2));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(real.read().unwrap().all().count(), 2);
        assert_eq!(fs::metadata(&real.path).unwrap().permissions().mode() & 0o777, 0o400);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 2);
    }

    #[test]
    fn rotations_at_once_lose_nothing() {
        let (_dir, secret) = file(&format!("{HEADER}\npepper 1 {}\n", "ab".repeat(32)), 0o600);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| assert!(secret.rotate(&OsEntropy).is_ok())));
            }
        });
        assert_eq!(secret.read().unwrap().all().count(), 41);
    }

    #[test]
    fn starts_at_once_make_one_pepper() {
        let dir = tempfile::tempdir().unwrap();
        let secret = SecretFile::at(dir.path().join("secret"));
        let made = || *secret.read_or_create(true, &OsEntropy).unwrap().current().1.reveal();
        let made: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(made)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(made.iter().all(|pepper| *pepper == made[0]));
    }

    #[test]
    fn damaged_files_are_refused_without_showing_them() {
        let digits = "ab".repeat(32);
        let wrong = [
            String::new(),
            HEADER.to_owned(),
            format!("keyward-secret 2\npepper 1 {digits}\n"),
            format!("{HEADER}\npepper 1 {digits}0\n"),
            format!("{HEADER}\npepper 0 {digits}\n"),
            format!("{HEADER}\npepper 256 {digits}\n"),
            format!("{HEADER}\n\npepper 1 {digits}\n"),
            format!("{HEADER}\npepper 1 {digits}\npepper 1 {digits}\n"),
        ];
        for text in wrong {
            let (_dir, secret) = file(&text, 0o600);
            let error = secret.read().unwrap_err();
            assert!(matches!(error, SecretFileError::Malformed { .. }), "{text:?} gave {error:?}");
            assert!(!error.to_string().contains("abab"), "{error}");
        }
    }
}
