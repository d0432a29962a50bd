//! How far the bench is: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::screen::note;

/// One part of the bench.
pub(super) struct Progress {
    what: &'static str,
    steps: u64,
    done: AtomicU64,
    bar: Option<ProgressBar>,
}

const LOOK: &str = "{prefix}  {bar:40}  {pos} of {len}  {eta} left";
/// Elsewhere than on a terminal there are so many lines.
const LINES: u64 = 10;

impl Progress {
    /// A part of so many steps.
    pub(super) fn new(what: &'static str, steps: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(LOOK).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(steps).with_style(style).with_prefix(what)
        });
        Self { what, steps, done: AtomicU64::new(0), bar }
    }

    /// One step was done.
    pub(super) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if done * LINES / self.steps > (done - 1) * LINES / self.steps => {
                note(&format!("{}: {done} of {}", self.what, self.steps));
            }
            None => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
