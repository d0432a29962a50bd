//! What is going on: what there is, and how much is verified.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::{CommandError, Service};
use crate::clock::Timestamp;
use crate::engine::Summary;
use crate::limits;
use crate::verify::Verdicts;

/// What there is, and how much is verified.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What there is, at most a minute old.
    pub summary: Arc<Summary>,
    /// Verdicts since the start.
    pub verdicts: Verdicts,
    /// How many there were by then, every ten seconds of the last half hour, oldest first.
    pub samples: Vec<(Timestamp, Verdicts)>,
}

#[derive(Default)]
pub(super) struct Watch {
    samples: Mutex<VecDeque<(Timestamp, Verdicts)>>,
    summary: Mutex<Option<Arc<Summary>>>,
}

impl Service {
    /// Takes a sample of how much was verified; whoever serves does so every [`limits::SAMPLE_SECONDS`].
    pub fn sample(&self) {
        let mut samples = self.memory.watch.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push_back((self.now(), self.verifier.verdicts()));
        if samples.len() > limits::SAMPLES_KEPT {
            samples.pop_front();
        }
    }

    /// How many keys were refused since the start.
    pub fn refused_keys(&self) -> u64 {
        self.verifier.verdicts().denied()
    }

    pub(super) fn overview(&self) -> Result<Overview, CommandError> {
        let summary = self.summary()?;
        let samples = self.memory.watch.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = samples.iter().copied().collect();
        Ok(Overview { summary, verdicts: self.verifier.verdicts(), samples })
    }

    /// Held while it is counted: one walk through the store at a time.
    fn summary(&self) -> Result<Arc<Summary>, CommandError> {
        let mut kept = self.memory.watch.summary.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let fresh =
            |summary: &&Arc<Summary>| summary.at <= now && now < summary.at.plus_ms(limits::SUMMARY_KEPT_MS);
        if let Some(summary) = kept.as_ref().filter(fresh) {
            return Ok(Arc::clone(summary));
        }
        let summary = Arc::new(self.engine.reader().summary()?);
        *kept = Some(Arc::clone(&summary));
        Ok(summary)
    }
}
