//! Measuring by turns: the same machine is twice as fast in one second as in the next, so each figure is compared
//! with one taken some milliseconds before or after it, many times over.

use std::time::{Duration, Instant};

/// Something that is done many times; answers how long `times` of it took, from the n-th on.
pub(crate) type Subject<'a> = (&'static str, Box<dyn FnMut(usize, usize) -> Duration + 'a>);

/// What is done `times` times in a row by one thread.
pub(crate) fn alone<'a>(name: &'static str, mut work: impl FnMut(usize, usize) + 'a) -> Subject<'a> {
    let timed = move |from, times| {
        let start = Instant::now();
        work(from, times);
        start.elapsed()
    };
    (name, Box::new(timed))
}

/// The middle one of each subject's costs, and of its ratios to the first subject.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// Nanoseconds each.
    pub(crate) each: f64,
    /// To the first subject, in the same round.
    pub(crate) ratio: f64,
}

/// Lets every subject have `rounds` turns of `times` each. The order turns as well, so that no subject always
/// follows the same other one.
pub(crate) fn by_turns(rounds: usize, times: usize, mut subjects: Vec<Subject<'_>>) -> Vec<Measured> {
    let count = subjects.len();
    let mut costs = vec![Vec::with_capacity(rounds); count];
    for round in 0..rounds {
        for turn in 0..count {
            let at = (round + turn) % count;
            let took = subjects[at].1(round * times, times);
            costs[at].push(took.as_secs_f64() * 1e9 / times as f64);
        }
    }
    let measured = subjects.iter().zip(&costs).map(|((name, _), own)| Measured {
        name,
        each: middle(own.clone()),
        ratio: middle(own.iter().zip(&costs[0]).map(|(own, first)| own / first).collect()),
    });
    measured.collect()
}

/// The middle one.
pub(crate) fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
