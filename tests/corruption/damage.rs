//! What a bad disk does to files.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

pub(crate) fn flip(path: &Path, bit: u64) {
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, bit / 8).unwrap();
    file.write_all_at(&[byte[0] ^ (1 << (bit % 8))], bit / 8).unwrap();
}

/// Every file below `dir` that has anything in it, in the order of their names.
fn files(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let metadata = entry.metadata().unwrap();
        match metadata.len() {
            _ if metadata.is_dir() => found.extend(files(&entry.path())),
            0 => {}
            length => found.push((entry.path(), length)),
        }
    }
    found.sort();
    found
}

/// How often what was done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Damage {
    pub(crate) flips: u64,
    pub(crate) truncations: u64,
}

impl Damage {
    /// Damages files below `dir`, in the same way for the same seed: mostly the log, since that has nearly everything.
    pub(crate) fn plant(dir: &Path, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut damage = Self::default();
        let files = files(dir);
        let (log, length) = files.iter().find(|(path, _)| path.ends_with("db/db")).unwrap().clone();
        let any = |random: &mut StdRng| match random.random_range(0..4) {
            0 => files[random.random_range(0..files.len())].clone(),
            _ => (log.clone(), length),
        };
        if random.random_range(0..5) == 0 {
            let (path, length) = any(&mut random);
            // As often near the end, where a tear takes the newest only, as anywhere.
            let most = if random.random() { length } else { length.min(20_000) };
            let length = length - random.random_range(1..=most);
            fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
            damage.truncations += 1;
            if random.random() {
                return damage;
            }
        }
        for _ in 0..1 << random.random_range(0..4) {
            let (path, _) = any(&mut random);
            // It may have been cut.
            let length = fs::metadata(&path).unwrap().len();
            if length > 0 {
                flip(&path, random.random_range(0..length * 8));
                damage.flips += 1;
            }
        }
        damage
    }
}
