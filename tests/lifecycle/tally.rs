//! Counts of what was played: for the printed figures, and for the test that nothing is left out.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::any_change::Command;

/// A number that rises.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) sequences: Count,
    pub(crate) steps: Count,
    pub(crate) verdicts: Count,
    pub(crate) faults: Count,
    pub(crate) retired: Count,
    reopens: Count,
    crashes: Count,
    /// How often each command was carried out, and refused.
    commands: Mutex<BTreeMap<String, [u64; 2]>>,
}

impl Tally {
    pub(crate) fn played(&self, command: &Command, done: bool) {
        self.commands.lock().unwrap().entry(command.name().to_owned()).or_default()[usize::from(!done)] += 1;
    }

    pub(crate) fn reopened(&self, crash: bool) {
        if crash { &self.crashes } else { &self.reopens }.add(1);
    }

    pub(crate) fn of(&self, command: &str) -> [u64; 2] {
        self.commands.lock().unwrap().get(command).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sequences, steps, verdicts, faults, retired, reopens, crashes, commands } = self;
        let [sequences, steps, verdicts] = [sequences, steps, verdicts].map(Count::get);
        let [faults, retired, reopens, crashes] = [faults, retired, reopens, crashes].map(Count::get);
        writeln!(f, "{sequences} sequences, {steps} steps, {verdicts} verdicts")?;
        writeln!(f, "{faults} faults, {reopens} reopens, {crashes} crashes, {retired} peppers retired")?;
        for (command, [done, refused]) in commands.lock().unwrap().iter() {
            writeln!(f, "{command}: {done} done, {refused} not")?;
        }
        Ok(())
    }
}
