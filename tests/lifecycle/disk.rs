//! What stays when an engine ends: a store in memory, or one in a directory.

use std::sync::Arc;

use keyward::store::sled::{LastStop, OpenOptions};
use keyward::store::{Batch, MemoryStore, SledStore, Store};
use tempfile::TempDir;

/// Which store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Memory,
    Sled,
}

pub(crate) enum Disk {
    Memory(Arc<MemoryStore>),
    Sled { directory: TempDir, open: Option<Arc<SledStore>>, last_stop: LastStop },
}

impl Disk {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Memory => Self::Memory(Arc::default()),
            Kind::Sled => {
                let directory = tempfile::tempdir().unwrap();
                Self::Sled { directory, open: None, last_stop: LastStop::Never }
            }
        }
    }

    /// A disk of the same kind with these entries.
    pub(crate) fn filled(&self, entries: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Self {
        let mut other = Self::new(match self {
            Self::Memory(_) => Kind::Memory,
            Self::Sled { .. } => Kind::Sled,
        });
        let mut batch = Batch::default();
        entries.for_each(|(place, value)| batch.put(place, value));
        let store = other.open();
        store.commit(batch).unwrap();
        drop(store);
        other.close(false);
        other
    }

    /// Opens the store as the next process does.
    pub(crate) fn open(&mut self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => store.clone(),
            Self::Sled { directory, open, last_stop } => {
                let (store, found) = SledStore::open(directory.path(), OpenOptions::default()).unwrap();
                assert_eq!((found.last_stop, found.recovered), (*last_stop, None));
                Arc::<SledStore>::clone(open.insert(Arc::new(store)))
            }
        }
    }

    /// Closes the store, in good order or as a crash does.
    pub(crate) fn close(&mut self, crash: bool) {
        if let Self::Sled { open, last_stop, .. } = self {
            let store = open.take().unwrap();
            *last_stop = if crash { LastStop::Unclean } else { LastStop::Clean };
            if !crash {
                store.close().unwrap();
            }
            assert!(Arc::into_inner(store).is_some(), "somebody holds the store");
        }
    }
}
