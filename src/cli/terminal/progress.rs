//! Progress of long tasks: a bar on a terminal, otherwise a line now and then.

use std::io::{self, IsTerminal as _};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::terminal::output::note;

/// Visible bars, all on standard error.
static SHOWN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Whether standard error is a terminal.
pub(in crate::cli) fn is_shown() -> bool {
    io::stderr().is_terminal()
}

/// Writer of the log: writes to standard error, above the bars.
pub(in crate::cli) struct LogAboveBars;

impl io::Write for LogAboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SHOWN.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Progress of one task.
pub(in crate::cli) struct Progress {
    what: &'static str,
    steps: u64,
    done: AtomicU64,
    bar: Option<ProgressBar>,
}

const LOOK: &str = "{prefix}  {bar:40}  {pos} of {len}  {eta} left";
/// Lines for a whole task without a terminal.
const LINES: u64 = 10;

impl Progress {
    /// Starts a task of `steps` steps.
    pub(in crate::cli) fn new(what: &'static str, steps: u64) -> Self {
        let bar = is_shown().then(|| {
            let style = ProgressStyle::with_template(LOOK).unwrap_or_else(|_| ProgressStyle::default_bar());
            SHOWN.add(ProgressBar::new(steps)).with_style(style).with_prefix(what)
        });
        Self { what, steps, done: AtomicU64::new(0), bar }
    }

    /// Counts one finished step.
    pub(in crate::cli) fn step(&self) {
        let before = self.done.fetch_add(1, Ordering::Relaxed);
        self.show(before, before + 1);
    }

    /// Sets the number of finished steps.
    pub(in crate::cli) fn at(&self, done: u64) {
        self.show(self.done.swap(done, Ordering::Relaxed), done);
    }

    fn show(&self, before: u64, done: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if done * LINES / self.steps > before * LINES / self.steps => {
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
