//! Report of the figures, as text or as JSON.

use serde_json::{Value, json};

use super::Figures;
use super::creates::Creates;
use super::http::{CLIENTS, Http, SHARE};
use super::latency::Latencies;
use super::memory::Verifies;
use crate::cli::failure::CliError;
use crate::cli::terminal::output::{line, table};

/// Every figure, as one object. Rates are a second, times in milliseconds.
pub(super) fn json(figures: &Figures) -> Value {
    let verify = |verify: &Verifies| {
        json!({
            "key": verify.kind,
            "one_thread_per_second": verify.one_thread.round(),
            "one_thread_ns": rounded(1e9 / verify.one_thread),
            "all_threads_per_second": verify.all_threads.round(),
        })
    };
    let http = |http: &Http| {
        json!({
            "request": http.way,
            "capacity_per_second": http.capacity.round(),
            "offered_per_second": http.offered.round(),
            "latency_ms": latencies(&http.latencies),
        })
    };
    let creates = |creates: &Creates| {
        json!({
            "writers": creates.writers,
            "per_second": creates.per_second.round(),
            "latency_ms": latencies(&creates.latencies),
        })
    };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "keys": figures.keys,
        "seconds": figures.seconds,
        "processors": figures.processors,
        "verify": figures.verify.iter().map(verify).collect::<Vec<_>>(),
        "http": figures.http.iter().map(http).collect::<Vec<_>>(),
        "creates": figures.creates.iter().map(creates).collect::<Vec<_>>(),
        "fill": creates(&figures.fill),
    })
}

fn latencies(latencies: &Latencies) -> Value {
    json!({
        "p50": milliseconds(latencies, 0.5),
        "p99": milliseconds(latencies, 0.99),
        "p99.9": milliseconds(latencies, 0.999),
        "max": rounded(latencies.max().as_secs_f64() * 1e3),
    })
}

fn milliseconds(latencies: &Latencies, share: f64) -> f64 {
    rounded(latencies.at(share).as_secs_f64() * 1e3)
}

/// To three digits behind the point.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

/// Prints the figures as tables.
pub(super) fn text(figures: &Figures) -> Result<(), CliError> {
    let Figures { keys, processors, .. } = figures;
    line(&format!("{} keys, {processors} processors\n", grouped(*keys as f64)))?;
    let verifies = figures.verify.iter().map(|verify| {
        [
            verify.kind.to_owned(),
            format!("{:.0} ns", 1e9 / verify.one_thread),
            format!("{}/s", grouped(verify.one_thread)),
            format!("{}/s", grouped(verify.all_threads)),
        ]
    });
    let threads = format!("{processors} threads");
    table(["verify in process", "each", "1 thread", &threads], verifies.collect())?;

    line("")?;
    let http = figures.http.iter().map(|http| {
        let [p50, p99, p999, max] = times(&http.latencies);
        let (capacity, offered) = (grouped(http.capacity), grouped(http.offered));
        [http.way.to_owned(), format!("{capacity}/s"), format!("{offered}/s"), p50, p99, p999, max]
    });
    let share = format!("at {:.0} %", SHARE * 100.0);
    table(["verify over HTTP", "capacity", &share, "p50", "p99", "p99.9", "max"], http.collect())?;
    line(&format!(
        "{CLIENTS} kept connections over loopback; the clients take their share of the processors."
    ))?;
    line(
        "Latency counts from the time each request was meant to start, whether the one before was answered or not.",
    )?;

    line("")?;
    let creates = figures.creates.iter().map(|creates| {
        let [p50, p99, p999, max] = times(&creates.latencies);
        let writers = creates.writers;
        let name = format!("{writers} writer{}", if writers == 1 { "" } else { "s" });
        [name, format!("{}/s", grouped(creates.per_second)), p50, p99, p999, max]
    });
    table(["durable creates", "", "p50", "p99", "p99.9", "max"], creates.collect())
}

fn times(latencies: &Latencies) -> [String; 4] {
    let shown = |time: std::time::Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3);
    [shown(latencies.at(0.5)), shown(latencies.at(0.99)), shown(latencies.at(0.999)), shown(latencies.max())]
}

/// A whole number with a comma before every three digits.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_readable() {
        let shown = [0.0, 999.4, 1_000.0, 1_234_567.0].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
