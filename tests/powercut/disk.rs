//! A model of a disk fed by the layer's journal: what is in the files, and what of it a power cut would leave.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
const ROOT: usize = 0;

/// Files and directories below one root.
#[derive(Default)]
pub(crate) struct Disk {
    objects: Vec<Object>,
    /// Object behind an inode number; the newest, since numbers are used again.
    inodes: HashMap<u64, usize>,
    /// Syncs that began and did not end.
    begun: HashMap<u64, Begun>,
    /// Changes seen so far.
    time: usize,
}

enum Object {
    File { durable: Vec<u8>, pending: Vec<(usize, Change)> },
    Directory { durable: Names, current: Names },
}

type Names = BTreeMap<String, usize>;

enum Change {
    Write { at: usize, data: Vec<u8> },
    Truncate { length: usize },
}

/// What a sync makes durable when it ends.
enum Begun {
    File { object: usize, time: usize },
    Directory { object: usize, names: Names },
}

impl Disk {
    /// The disk as it is below `root`, all of it durable.
    pub(crate) fn load(root: &Path) -> Self {
        let mut disk = Self::default();
        disk.add(root);
        disk
    }

    fn add(&mut self, path: &Path) -> usize {
        let metadata = fs::metadata(path).unwrap();
        let object = if metadata.is_dir() {
            self.insert(metadata.ino(), Object::Directory { durable: Names::new(), current: Names::new() })
        } else {
            let durable = fs::read(path).unwrap();
            return self.insert(metadata.ino(), Object::File { durable, pending: Vec::new() });
        };
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let child = self.add(&entry.path());
            let name = entry.file_name().into_string().unwrap();
            if let Object::Directory { durable, current } = &mut self.objects[object] {
                durable.insert(name.clone(), child);
                current.insert(name, child);
            }
        }
        object
    }

    fn insert(&mut self, inode: u64, object: Object) -> usize {
        self.objects.push(object);
        self.inodes.insert(inode, self.objects.len() - 1);
        self.objects.len() - 1
    }

    /// Goes through the journal; its last record may be cut off.
    pub(crate) fn replay(&mut self, mut journal: &[u8]) {
        while let Some((header, rest)) = journal.split_at_checked(32) {
            let number = |from: usize| u64::from_le_bytes(header[from..from + 8].try_into().unwrap());
            let kind = u32::from_le_bytes(header[..4].try_into().unwrap());
            let path = u32::from_le_bytes(header[4..8].try_into().unwrap()) as usize;
            let (inode, at, size) = (number(8), number(16), number(24) as usize);
            let Some((path, rest)) = rest.split_at_checked(path) else { return };
            let Some((data, rest)) = rest.split_at_checked(size) else { return };
            self.apply(kind, std::str::from_utf8(path).unwrap(), inode, at, data);
            journal = rest;
        }
    }

    fn apply(&mut self, kind: u32, path: &str, inode: u64, at: u64, data: &[u8]) {
        self.time += 1;
        match kind {
            1 => {
                let object = self.insert(inode, Object::File { durable: Vec::new(), pending: Vec::new() });
                self.link(path, object);
            }
            2 => {
                let names = Object::Directory { durable: Names::new(), current: Names::new() };
                let object = self.insert(inode, names);
                self.link(path, object);
            }
            3 => self.change(inode, Change::Write { at: at as usize, data: data.to_vec() }),
            4 => self.change(inode, Change::Truncate { length: at as usize }),
            5 => {
                let (from, to) = path.split_once('\0').unwrap();
                let object = self.unlink(from);
                self.link(to, object);
            }
            6 => drop(self.unlink(path)),
            7 => {
                let object = self.inodes[&inode];
                let begun = match &self.objects[object] {
                    Object::File { .. } => Begun::File { object, time: self.time },
                    Object::Directory { current, .. } => Begun::Directory { object, names: current.clone() },
                };
                self.begun.insert(at, begun);
            }
            8 => self.end(at),
            other => panic!("no record of kind {other}"),
        }
    }

    fn change(&mut self, inode: u64, change: Change) {
        let time = self.time;
        match &mut self.objects[self.inodes[&inode]] {
            Object::File { pending, .. } => pending.push((time, change)),
            Object::Directory { .. } => panic!("a directory was written to"),
        }
    }

    fn end(&mut self, sync: u64) {
        match self.begun.remove(&sync).unwrap() {
            Begun::File { object, time } => {
                let Object::File { durable, pending } = &mut self.objects[object] else { return };
                let later = pending.split_off(pending.partition_point(|(when, _)| *when < time));
                for (_, change) in std::mem::replace(pending, later) {
                    change.make(durable, |_| true);
                }
            }
            Begun::Directory { object, names } => {
                if let Object::Directory { durable, .. } = &mut self.objects[object] {
                    *durable = names;
                }
            }
        }
    }

    /// The directory that `path` is in, and its name there.
    fn parent<'a>(&mut self, path: &'a str) -> (&mut Names, &'a str) {
        let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut object = ROOT;
        for parent in parents.split('/').filter(|name| !name.is_empty()) {
            let Object::Directory { current, .. } = &self.objects[object] else { panic!("{path}") };
            object = current[parent];
        }
        let Object::Directory { current, .. } = &mut self.objects[object] else { panic!("{path}") };
        (current, name)
    }

    fn link(&mut self, path: &str, object: usize) {
        let (names, name) = self.parent(path);
        names.insert(name.to_owned(), object);
    }

    fn unlink(&mut self, path: &str) -> usize {
        let (names, name) = self.parent(path);
        names.remove(name).unwrap()
    }

    /// Writes what a power cut leaves to the empty directory `to`: what was synced, and of the rest each sector
    /// with a chance of `percent`.
    pub(crate) fn cut(&self, percent: u32, seed: u64, to: &Path) {
        self.write(ROOT, percent, &mut StdRng::seed_from_u64(seed), to);
    }

    fn write(&self, object: usize, percent: u32, random: &mut StdRng, to: &Path) {
        match &self.objects[object] {
            Object::Directory { durable, .. } => {
                fs::create_dir_all(to).unwrap();
                for (name, child) in durable {
                    self.write(*child, percent, random, &to.join(name));
                }
            }
            Object::File { durable, pending } => {
                let mut content = durable.clone();
                for (_, change) in pending {
                    change.make(&mut content, |_| random.random_range(0..100) < percent);
                }
                fs::write(to, content).unwrap();
            }
        }
    }
}

impl Change {
    /// Changes `content` in those sectors that `keep` picks.
    fn make(&self, content: &mut Vec<u8>, mut keep: impl FnMut(usize) -> bool) {
        match self {
            Self::Truncate { length } if keep(0) => content.resize(*length, 0),
            Self::Truncate { .. } => {}
            Self::Write { at, data } => {
                let end = at + data.len();
                let mut from = *at;
                while from < end {
                    let to = (from / SECTOR + 1).saturating_mul(SECTOR).min(end);
                    if keep(from / SECTOR) {
                        content.resize(content.len().max(to), 0);
                        content[from..to].copy_from_slice(&data[from - at..to - at]);
                    }
                    from = to;
                }
            }
        }
    }
}
