//! Metrics of this process: counts of records and verdicts, with samples of the last half hour.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::CommandError;
use crate::clock::Timestamp;
use crate::engine::{Reader, Summary};
use crate::limits;
use crate::verify::Verdicts;

/// Counts of records and of verdicts.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Counts of records, at most one minute old.
    pub summary: Arc<Summary>,
    /// Verdicts since the process started.
    pub verdicts: Verdicts,
    /// The same counters every ten seconds of the last half hour, oldest first.
    pub samples: Vec<(Timestamp, Verdicts)>,
}

/// Samples of the verdict counters, and the latest summary of the store.
///
/// A summary reads every key, so it is computed when an administrator asks for it and at most once a minute; callers
/// wait for the one that is being computed.
#[derive(Default)]
pub(super) struct Metrics {
    samples: Mutex<VecDeque<(Timestamp, Verdicts)>>,
    /// Locked while the summary is computed: one walk through the store at a time.
    summary: Mutex<Option<Arc<Summary>>>,
}

impl Metrics {
    pub(super) fn sample(&self, now: Timestamp, verdicts: Verdicts) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push_back((now, verdicts));
        if samples.len() > limits::SAMPLES_KEPT {
            samples.pop_front();
        }
    }

    pub(super) fn overview(&self, reader: &Reader, verdicts: Verdicts) -> Result<Overview, CommandError> {
        let summary = self.summary(reader)?;
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Overview { summary, verdicts, samples: samples.iter().copied().collect() })
    }

    fn summary(&self, reader: &Reader) -> Result<Arc<Summary>, CommandError> {
        let mut kept = self.summary.lock().unwrap_or_else(PoisonError::into_inner);
        let now = reader.now();
        let fresh =
            |summary: &&Arc<Summary>| summary.at <= now && now < summary.at.plus_ms(limits::SUMMARY_KEPT_MS);
        if let Some(summary) = kept.as_ref().filter(fresh) {
            return Ok(Arc::clone(summary));
        }
        let summary = Arc::new(reader.summary()?);
        *kept = Some(Arc::clone(&summary));
        Ok(summary)
    }
}
