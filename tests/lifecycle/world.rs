//! An engine on a store that fails now and then, and the model of it, changed side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::sync::Arc;

use keyward::clock::{Clock, ManualClock, Timestamp};
use keyward::command::{Backup, Caller, CommandError, KeyWithText, Service};
use keyward::engine::{
    BackupPlace, CreateOutcome, Engine, EngineError, Imported, Parts, Repair, RetireError,
};
use keyward::entropy::SeededEntropy;
use keyward::key::{KeyId, Pepper, PepperNumber, PepperRing};
use keyward::store::backup::{BackupWriter, read};
use keyward::store::{MemoryStore, StoreError};

use crate::any_change::{Command, Outcome};
use crate::commands::{Chooser, PASSWORDS};
use crate::disk::{Disk, Kind};
use crate::faulty::Faulty;
use crate::model::Model;
use crate::model_changes::Told;
use crate::steps::{Step, What};
use crate::tally::Tally;

const PEPPERS_MAX: u8 = 4;

pub(crate) struct World<'a> {
    disk: Disk,
    store: Arc<Faulty>,
    /// Away only while it is opened again.
    service: Option<Service>,
    engine: Option<Engine>,
    pub(crate) clock: ManualClock,
    entropy: Arc<SeededEntropy>,
    peppers: BTreeSet<u8>,
    newest_pepper: u8,
    pub(crate) model: Model,
    /// What the next open finds, when that is not the model: a failed operation that landed.
    landed: Option<Model>,
    /// A pepper that the next open does not need, in the same way.
    retired: Option<u8>,
    /// Uses since the last stop in good order may not be written.
    pub(crate) uses_lost: bool,
    made: u32,
    epoch: u8,
    pub(crate) tally: &'a Tally,
}

impl<'a> World<'a> {
    pub(crate) fn new(kind: Kind, tally: &'a Tally) -> Self {
        let mut disk = Disk::new(kind);
        let store = Arc::new(Faulty::over(disk.open()));
        let mut world = Self {
            disk,
            store,
            service: None,
            engine: None,
            clock: ManualClock::at(Timestamp::from_unix_ms(1_700_000_000_000)),
            entropy: Arc::new(SeededEntropy::new(1)),
            peppers: BTreeSet::from([1]),
            newest_pepper: 1,
            model: Model::default(),
            landed: None,
            retired: None,
            uses_lost: false,
            made: 0,
            epoch: 0,
            tally,
        };
        world.open();
        world
    }

    fn open(&mut self) {
        let peppers = self.peppers.iter().map(|n| (PepperNumber(*n), Pepper::from_bytes([*n; 32])));
        let parts = Parts {
            clock: Arc::new(self.clock.clone()),
            entropy: Arc::<SeededEntropy>::clone(&self.entropy),
            index_slots_max: 4_096,
            ..Parts::over(Arc::<Faulty>::clone(&self.store), PepperRing::new(peppers.collect()).unwrap())
        };
        let engine = Engine::open(parts).unwrap();
        self.service = Some(Service::new(engine.clone()));
        self.engine = Some(engine);
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.store.has_failed()
    }

    pub(crate) fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    pub(crate) fn step(&mut self, step: Step) {
        let now = self.now();
        self.model.password = step.b % PASSWORDS;
        let (epoch, own_texts) = (self.epoch, self.newest_pepper == 1);
        let mut chooser = Chooser { model: &self.model, now, made: &mut self.made, epoch, own_texts };
        if let Some(command) = chooser.command(step) {
            self.carry_out(&command);
            return;
        }
        match step.what {
            What::Wait => self.clock.advance_ms(match step.a % 8 {
                0..3 => u64::from(step.b) * 10 + 1,
                3 | 4 => 61_000,
                5 => 16 * 60_000,
                6 => 25 * 3_600_000,
                _ => 31 * 24 * 3_600_000,
            }),
            What::NewPepper if self.newest_pepper < PEPPERS_MAX => {
                self.newest_pepper += 1;
                self.peppers.insert(self.newest_pepper);
                self.reopen(false);
            }
            What::RetirePepper => self.retire(step.who % (PEPPERS_MAX + 2)),
            What::FailSoon => self.store.fail_after(step.a % 4, step.b.is_multiple_of(2)),
            What::Crash => self.reopen(true),
            What::Restore => self.restore(),
            What::Repair => self.repair(),
            _ => self.reopen(false),
        }
    }

    /// Carries out one command on both sides.
    fn carry_out(&mut self, command: &Command) {
        let failed = self.store.has_failed();
        let mut next = self.model.clone();
        let expected = next.apply(command, self.now());
        // Out of memory it is gone whatever becomes of the change.
        self.model.proposals.clone_from(&next.proposals);
        let outcome = command.clone().run(self.service());
        self.tally.played(command, outcome.is_ok());
        match (outcome, expected) {
            (Ok(outcome), Ok(told)) => {
                let changed = next.events.len() > self.model.events.len();
                assert!(!failed || !changed, "{command:?} changed a closed store");
                let unknown = self.learn(&mut next);
                self.model = next;
                self.agrees(command, outcome, told, &unknown);
            }
            (Err(CommandError::Engine(EngineError::Store(StoreError::Io { .. }))), Ok(_)) => {
                assert!(!failed && self.store.has_failed());
                self.tally.faults.add(1);
                self.landed = self.store.will_land().then_some(next);
            }
            (Err(CommandError::Engine(EngineError::Store(StoreError::Closed { .. }))), _) => {
                assert!(self.store.has_failed() && self.engine().closed().is_some());
            }
            (Err(CommandError::Engine(error)), Err(expected)) => {
                let same = discriminant(&error) == discriminant(&expected);
                assert!(same, "{error:?} instead of {expected:?} for {command:?}");
            }
            (outcome, expected) => panic!("{outcome:?} instead of {expected:?} for {command:?}"),
        }
    }

    /// Learns the ids of keys that a command made, by what the model knows of them; placeholders and ids.
    fn learn(&self, model: &mut Model) -> Vec<(KeyId, KeyId)> {
        let reader = self.engine().reader();
        let unknown = (0..8).map(crate::model::placeholder).filter(|id| model.keys.contains_key(id));
        let mut found = Vec::new();
        for unknown in unknown.collect::<Vec<_>>() {
            let key = model.keys[&unknown].clone();
            let (stored, _) = reader.keys_of(key.new.owner, Some(&key.new.keyspace), None, 1_000).unwrap();
            let is_it = |stored: &&keyward::key::Key| {
                // Logins and refusals that were written behind count as well.
                stored.serial >= key.serial
                    && stored.comment == key.new.comment
                    && !model.keys.contains_key(&stored.id)
            };
            let stored = stored.iter().find(is_it).unwrap_or_else(|| panic!("{key:?} is not there"));
            model.found(unknown, stored.id);
            found.push((unknown, stored.id));
            let entry = model.keys.get_mut(&stored.id).unwrap();
            entry.serial = stored.serial;
            entry.text = entry
                .text
                .take()
                .or_else(|| reader.text(stored).unwrap().map(|text| text.reveal().to_string()));
            if let Some(text) = entry.text.clone() {
                model.gave_out(key.keyspace, &text);
            }
        }
        found
    }

    /// The answer is the model's.
    fn agrees(&mut self, command: &Command, outcome: Outcome, told: Told, unknown: &[(KeyId, KeyId)]) {
        let real = |id: KeyId| unknown.iter().find(|(unknown, _)| *unknown == id).map_or(id, |(_, id)| *id);
        match (outcome, told) {
            (Outcome::Done(()), Told::Done) => {}
            (Outcome::User(user), Told::User(id)) => {
                assert_eq!(user.id, id);
                self.user_agrees(&user);
            }
            (Outcome::Key(key), Told::Key(id)) => {
                assert_eq!(key.id, real(id));
                self.key_agrees(&key);
            }
            (Outcome::Created(CreateOutcome::Repeated(key)), Told::Key(id)) => {
                assert_eq!(key.id, real(id));
                self.key_agrees(&key);
            }
            (Outcome::Created(CreateOutcome::Created(key, text)), told) => {
                self.agrees(command, Outcome::KeyWithText(KeyWithText { key: *key, text }), told, unknown);
            }
            (Outcome::KeyWithText(KeyWithText { key, text }), Told::Key(id)) => {
                assert_eq!(key.id, real(id));
                self.key_agrees(&key);
                let text = text.reveal().to_string();
                let entry = self.model.keys.get_mut(&key.id).unwrap();
                let keyspace = entry.keyspace;
                let place = match command {
                    Command::StageRotation(_) => &mut self.model.proposals.get_mut(&key.id).unwrap().0,
                    _ => &mut entry.text,
                };
                *place = Some(text.clone());
                self.model.gave_out(keyspace, &text);
            }
            (Outcome::Company(company), Told::Company(id)) => assert_eq!(company, self.model.companies[&id]),
            (Outcome::Imported(imported), Told::Imported(expected)) => {
                assert_eq!(imported.len(), expected.len());
                for (found, expected) in imported.iter().zip(&expected) {
                    let same = match (found, expected) {
                        (Imported::Now(_), Ok(true)) | (Imported::Before(_), Ok(false)) => true,
                        (Imported::Refused(error), Err(expected)) => {
                            discriminant(error) == discriminant(expected)
                        }
                        _ => false,
                    };
                    assert!(same, "{imported:?} instead of {expected:?}");
                }
            }
            (outcome, told) => panic!("{outcome:?} instead of {told:?}"),
        }
    }

    /// Ends the engine and starts the next one over what is there.
    pub(crate) fn reopen(&mut self, crash: bool) {
        self.stop(crash);
        self.store = Arc::new(Faulty::over(self.disk.open()));
        self.open();
        self.tally.reopened(crash);
        self.find_out();
    }

    fn stop(&mut self, crash: bool) {
        if crash {
            self.store.kill();
        }
        let engine = self.engine.take().unwrap();
        drop(self.service.take());
        let stopped = engine.stop();
        // What is written behind may be what fails.
        let bad = crash || self.store.has_failed();
        assert_eq!(stopped.is_err(), bad, "only a stop without a failure is in good order");
        drop(engine);
        self.store.land();
        self.store = Arc::new(Faulty::over(Arc::new(MemoryStore::new())));
        self.disk.close(bad);
        self.uses_lost = bad;
        if let Some(landed) = self.landed.take() {
            let before = std::mem::replace(&mut self.model, landed);
            self.model.count_as(&before);
        }
        if let Some(number) = self.retired.take() {
            self.peppers.remove(&number);
            self.epoch += 1;
        }
        self.model.proposals.clear();
    }

    /// Learns what an answer that was lost would have told, and how many uses were written.
    fn find_out(&mut self) {
        let mut model = std::mem::take(&mut self.model);
        self.learn(&mut model);
        let reader = self.engine().reader();
        for (id, key) in &mut model.keys {
            let stored = reader.key(*id).unwrap().unwrap();
            assert!(key.came_back || stored.usage.count <= key.uses, "a use was counted twice");
            let lost = self.uses_lost || key.came_back;
            assert!(lost || stored.usage.count == key.uses, "uses were lost");
            key.uses = stored.usage.count;
            let shown = reader.text(&stored).unwrap().map(|text| text.reveal().to_string());
            if let (Some(text), true) = (&shown, key.text.is_none()) {
                key.text.clone_from(&shown);
                let (keyspace, text) = (key.keyspace, text.clone());
                if !model.texts.contains(&(keyspace, text.clone())) {
                    model.texts.push((keyspace, text));
                }
            }
        }
        self.model = model;
    }

    /// Forgets a pepper, if nothing needs it.
    fn retire(&mut self, number: u8) {
        let uses = self.engine().reader().pepper_uses().unwrap();
        let failed = self.store.has_failed();
        match self.engine().retire_pepper(PepperNumber(number)) {
            Ok(()) => {
                assert!(!failed && self.peppers.remove(&number) && number != self.newest_pepper);
                self.tally.retired.add(1);
                self.epoch += 1;
                self.reopen(false);
            }
            Err(RetireError::Current(_)) => assert_eq!(number, self.newest_pepper),
            Err(RetireError::Unknown(_)) => assert!(!self.peppers.contains(&number)),
            Err(RetireError::InUse { uses: found, .. }) => {
                // What is written behind may have moved some meanwhile.
                assert!((1..=uses[&PepperNumber(number)]).contains(&found));
            }
            Err(RetireError::Engine(EngineError::Store(StoreError::Io { .. }))) => {
                assert!(!failed && self.store.has_failed());
                self.retired = self.store.will_land().then_some(number);
                self.tally.faults.add(1);
            }
            Err(error) => assert!(self.store.has_failed(), "{error:?}"),
        }
    }

    /// Goes on with a backup in the place of the store.
    fn restore(&mut self) {
        let mut backup = BackupWriter::begin(Vec::new()).unwrap();
        let mut from: Option<BackupPlace> = None;
        loop {
            let piece = self.service().run(&Caller::operator(), Backup { from: from.take() }).unwrap();
            backup.write(&piece.frames).unwrap();
            from = piece.next;
            if from.is_none() {
                break;
            }
        }
        let mut entries = BTreeMap::new();
        let backup = backup.end().unwrap();
        read(backup.as_slice(), |frame| {
            match frame.value {
                Some(value) => entries.insert(frame.key, value),
                None => entries.remove(&frame.key),
            };
            Ok(())
        })
        .unwrap();
        // What landed after the failure is not in it.
        (self.landed, self.retired) = (None, None);
        self.stop(false);
        self.replace(entries);
        self.uses_lost = true;
        self.find_out();
    }

    /// Goes on with a store whose indexes were made again.
    fn repair(&mut self) {
        self.stop(false);
        let (store, mut repair) = (self.disk.open(), Repair::default());
        let mut entries = BTreeMap::new();
        for entry in store.scan(b"", None, usize::MAX).unwrap() {
            entries.extend(repair.entries(Ok(entry)).unwrap());
        }
        entries.extend(repair.rest().unwrap());
        assert_eq!(repair.lost, Vec::<String>::new());
        drop(store);
        self.disk.close(false);
        self.replace(entries);
        self.find_out();
    }

    fn replace(&mut self, entries: BTreeMap<Vec<u8>, Vec<u8>>) {
        self.disk = self.disk.filled(entries.into_iter());
        self.store = Arc::new(Faulty::over(self.disk.open()));
        self.open();
        self.tally.reopened(false);
    }

    pub(crate) fn peppers(&self) -> impl Iterator<Item = u8> {
        self.peppers.iter().copied()
    }
}
