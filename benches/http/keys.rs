//! A data directory of many keys, made once, and what their texts are.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use keyward::config::SecretFile;
use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::key::{Actor, Keyspace, Level, Role};
use keyward::store::SledStore;

/// Whom the keys belong to, evenly.
const USERS: usize = 1_000;
const WRITERS: usize = 256;
/// Where they may be used from: the load is.
const ALLOWLIST: &str = "127.0.0.0/8,10.20.0.0/16";

/// The directory and the texts of its keys, in the order in which they are used.
pub(crate) struct Keys {
    pub(crate) data: PathBuf,
    pub(crate) texts: Vec<String>,
}

impl Keys {
    /// Uses what is in `dir` if it has so many keys; otherwise makes it anew.
    pub(crate) fn of(dir: &Path, count: usize) -> Self {
        let (data, list) = (dir.join("data"), dir.join("texts"));
        let texts: Vec<String> =
            fs::read_to_string(&list).unwrap_or_default().lines().map(str::to_owned).collect();
        if texts.len() == count {
            return Self { data, texts };
        }
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data).unwrap();
        let start = Instant::now();
        println!("creating {count} keys");
        let mut texts = fill(&data, count);
        println!("created in {:.0} s", start.elapsed().as_secs_f64());
        // In an order that is none of the store's.
        texts.sort_by_cached_key(|text| *blake3::hash(text.as_bytes()).as_bytes());
        let mut file = BufWriter::new(File::create(dir.join("texts.part")).unwrap());
        texts.iter().for_each(|text| writeln!(file, "{text}").unwrap());
        file.into_inner().unwrap().sync_all().unwrap();
        // Last, so that a list that is there is whole.
        fs::rename(dir.join("texts.part"), list).unwrap();
        Self { data, texts }
    }
}

/// Creates the keys as a server would.
fn fill(data: &Path, count: usize) -> Vec<String> {
    let (store, _) = SledStore::open(data, Default::default()).unwrap();
    let peppers = SecretFile::at(data.join("secret")).read_or_create(true, &OsEntropy).unwrap();
    let engine = Engine::open(Parts::new(store, peppers)).unwrap();
    let drafts: Vec<NewKey> = (0..USERS).map(|number| draft(&engine, number)).collect();
    let (next, texts) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(count)));
    let write = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            let draft = drafts.get(number % USERS).unwrap().clone();
            let (_, text) = engine.create_key(Actor::Operator, draft).unwrap();
            texts.lock().unwrap().push(text.reveal().to_string());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(write);
        }
    });
    engine.stop().unwrap();
    texts.into_inner().unwrap()
}

fn draft(engine: &Engine, number: usize) -> NewKey {
    let user = NewUser::person(format!("user-{number}").parse().unwrap(), Role::User, None);
    let owner = engine.add_user(Actor::Operator, user).unwrap().id;
    let mut draft = NewKey::new(*Keyspace::NATIVE.name(), owner, Level::OWN);
    draft.allowlist = Some(ALLOWLIST.parse().unwrap());
    draft
}
