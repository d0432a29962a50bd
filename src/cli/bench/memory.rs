//! Verifying in this process.

use std::time::Duration;

use zeroize::Zeroizing;

use super::creates::by_threads;
use super::latency::{now, rate};
use super::material::Material;
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::progress::Progress;
use crate::key::Keyspace;
use crate::verify::{Verdict, Verifier, VerifyRequest};

/// Verifies between two looks at the clock.
const BATCH: usize = 1_000;
/// Steps of the progress that [`measure`] takes.
pub(super) const STEPS: u64 = 6;

/// Measured rates of verifies of one kind of key.
pub(super) struct Verifies {
    pub(super) kind: &'static str,
    /// A second, by one thread.
    pub(super) one_thread: f64,
    /// A second, by all.
    pub(super) all_threads: f64,
}

/// Verifies for this long: each kind of key, by one thread and by all.
pub(super) fn measure(
    verifier: &Verifier,
    material: &Material,
    threads: usize,
    length: Duration,
    progress: &Progress,
) -> Result<Vec<Verifies>, CliError> {
    let kinds = [
        ("hit", &material.good, true),
        ("unknown", &material.unknown, false),
        ("wrong secret", &material.wrong, false),
    ];
    let measured = kinds.into_iter().map(|(kind, texts, good)| {
        let by = |threads| {
            let rates = by_threads(threads, |thread| {
                verify(verifier, texts, thread * texts.len() / threads, good, length)
            });
            progress.step();
            rates.map(|rates| rates.iter().sum())
        };
        Ok(Verifies { kind, one_thread: by(1)?, all_threads: by(threads)? })
    });
    measured.collect()
}

/// Verifies these texts, from the n-th on, and answers how many a second. Every verdict is looked at.
fn verify(
    verifier: &Verifier,
    texts: &[Zeroizing<String>],
    from: usize,
    good: bool,
    length: Duration,
) -> Result<f64, CliError> {
    let mut texts = texts.iter().cycle().skip(from);
    let (start, mut done) = (now(), 0);
    while start.elapsed() < length {
        for text in texts.by_ref().take(BATCH) {
            let verdict = verifier.verify(&VerifyRequest::new(&Keyspace::NATIVE, text))?;
            if matches!(verdict, Verdict::Allow(_)) != good {
                return Err(CliError::new(Exit::Failed, "a key was not verified as it should"));
            }
            done += 1;
        }
    }
    Ok(rate(done, start.elapsed()))
}
