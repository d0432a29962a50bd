//! Welch's t-test over two classes of times, on all samples and on those below rising bounds.
//!
//! Interruptions make a few samples very long and hide small differences, so dudect drops the longest: here above each
//! tenth of all samples, and above a few bounds near the top. The largest |t| counts; it tells the classes apart when it
//! is above 4.5.

/// One measurement.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) second: bool,
    pub(crate) time: u32,
}

pub(crate) struct Compared {
    /// Mean times of the two classes, without the slowest tenth.
    pub(crate) means: [f64; 2],
    /// |t| of all samples.
    pub(crate) raw: f64,
    /// The largest |t| of all bounds.
    pub(crate) largest: f64,
}

const BOUNDS: [f64; 13] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0];

pub(crate) fn compare(samples: &[Sample]) -> Compared {
    let mut times: Vec<_> = samples.iter().map(|sample| sample.time).collect();
    times.sort_unstable();
    let below = |part: f64| {
        let last = (times.len() as f64 * part) as usize;
        let bound = times[last.clamp(1, times.len()) - 1];
        let class = |second| {
            let of_class =
                samples.iter().filter(move |sample| sample.second == second && sample.time <= bound);
            Moments::of(of_class.map(|sample| f64::from(sample.time)))
        };
        [class(false), class(true)]
    };
    let means = below(0.9).map(|class| class.mean);
    let largest = BOUNDS.map(below).iter().map(t).fold(0.0, f64::max);
    Compared { means, raw: t(&below(1.0)), largest }
}

struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Welford's way, which loses no digits.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for value in values {
            count += 1.0;
            let before = value - mean;
            mean += before / count;
            squares += before * (value - mean);
        }
        Self { count, mean, variance: squares / (count - 1.0) }
    }
}

/// |t|, 0 when a class has too few samples to tell.
fn t([first, second]: &[Moments; 2]) -> f64 {
    if first.count.min(second.count) < 1_000.0 {
        return 0.0;
    }
    let spread = first.variance / first.count + second.variance / second.count;
    if spread > 0.0 { (first.mean - second.mean).abs() / spread.sqrt() } else { 0.0 }
}
