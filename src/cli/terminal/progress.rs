//! How far something is that takes long: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal as _};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::terminal::output::note;

/// The bars that are shown, all on standard error.
static SHOWN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Whether bars can be shown.
pub(in crate::cli) fn is_shown() -> bool {
    io::stderr().is_terminal()
}

/// Standard error for the log: its lines go above the bars.
pub(in crate::cli) struct AboveBars;

impl io::Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SHOWN.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// One thing that takes long.
pub(in crate::cli) struct Progress {
    what: &'static str,
    steps: u64,
    done: AtomicU64,
    bar: Option<ProgressBar>,
}

const LOOK: &str = "{prefix}  {bar:40}  {pos} of {len}  {eta} left";
/// Elsewhere than on a terminal there are so many lines.
const LINES: u64 = 10;

impl Progress {
    /// Something of so many steps.
    pub(in crate::cli) fn new(what: &'static str, steps: u64) -> Self {
        let bar = is_shown().then(|| {
            let style = ProgressStyle::with_template(LOOK).unwrap_or_else(|_| ProgressStyle::default_bar());
            SHOWN.add(ProgressBar::new(steps)).with_style(style).with_prefix(what)
        });
        Self { what, steps, done: AtomicU64::new(0), bar }
    }

    /// One step was done.
    pub(in crate::cli) fn step(&self) {
        let before = self.done.fetch_add(1, Ordering::Relaxed);
        self.show(before, before + 1);
    }

    /// So many steps were done in all.
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
