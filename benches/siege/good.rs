//! Good requests, and what they met with.

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::server::{Server, ask, connect, verify};

/// Pause between two good requests.
const PACE: Duration = Duration::from_millis(2);

/// What good requests met with.
pub(crate) struct Good {
    kept: Histogram<u64>,
    fresh: Histogram<u64>,
    failed: u64,
}

impl Good {
    /// Good requests for so long, in turn on a kept connection and on one made for each. When the server closes the
    /// kept one, to make room for another, it is made anew as clients do.
    pub(crate) fn watch(server: &Server, length: Duration) -> Self {
        let empty = || Histogram::new(3).unwrap();
        let mut good = Self { kept: empty(), fresh: empty(), failed: 0 };
        let request = verify(&server.key);
        let mut kept = connect(server.address).unwrap();
        let end = Instant::now() + length;
        while Instant::now() < end {
            let begun = Instant::now();
            let mut asked = ask(&mut kept, &request);
            if asked.is_err() {
                asked = connect(server.address).and_then(|stream| {
                    kept = stream;
                    ask(&mut kept, &request)
                });
            }
            good.note(asked, begun, |good| &mut good.kept);
            let begun = Instant::now();
            let asked = connect(server.address).and_then(|mut stream| ask(&mut stream, &request));
            good.note(asked, begun, |good| &mut good.fresh);
            sleep(PACE);
        }
        good
    }

    fn note(&mut self, asked: io::Result<String>, begun: Instant, of: fn(&mut Self) -> &mut Histogram<u64>) {
        if asked.is_ok_and(|answer| answer.contains("\"valid\":true")) {
            let micros = u64::try_from(begun.elapsed().as_micros()).unwrap();
            of(self).record(micros).unwrap();
        } else {
            self.failed += 1;
        }
    }

    pub(crate) fn print(&self, when: &str, server: &Server) {
        let ms =
            |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
        println!(
            "{when:<8} {} good, {} failed; kept connection p50 {:.2} ms, p99 {:.2} ms; a new one each p50 {:.2} ms, p99 {:.2} ms; memory {} kB, disk {} kB",
            self.kept.len() + self.fresh.len(),
            self.failed,
            ms(&self.kept, 0.5),
            ms(&self.kept, 0.99),
            ms(&self.fresh, 0.5),
            ms(&self.fresh, 0.99),
            server.memory(),
            server.disk() / 1_024,
        );
    }
}
