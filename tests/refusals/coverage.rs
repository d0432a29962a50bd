//! How often each documented request was carried out and refused: a test that never gets past the door proves nothing.

use std::collections::BTreeMap;

use keyward::http::RawResponse;

use crate::checks::is_refusal;
use crate::documented::{Api, Operation, operations};

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    done: u64,
    refused: u64,
    changed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Coverage {
    counts: BTreeMap<(Api, &'static str), Counts>,
    statuses: BTreeMap<u16, u64>,
    /// Requests for addresses that are another API's.
    pub(crate) elsewhere: u64,
}

/// Requests that are never refused; setting up redirects once it is over.
const NEVER_REFUSED: [&str; 4] = ["GET /version", "GET /console", "POST /console/setup", "POST /v1/backup"];

impl Coverage {
    pub(crate) fn note(&mut self, operation: &Operation, response: &RawResponse, changed: bool) {
        let counts = self.counts.entry((operation.api, operation.what)).or_default();
        counts.changed += u64::from(changed);
        *if is_refusal(response) { &mut counts.refused } else { &mut counts.done } += 1;
        *self.statuses.entry(response.status).or_default() += 1;
    }

    /// What was never carried out, or never refused.
    pub(crate) fn wanting<'a>(&self, operations: &'a [Operation]) -> Vec<&'a Operation> {
        let is_wanting = |operation: &&Operation| {
            let counts = self.counts.iter().filter(|((_, what), _)| *what == operation.what);
            let (done, refused) =
                counts.fold((0, 0), |sum, (_, more)| (sum.0 + more.done, sum.1 + more.refused));
            done == 0 || refused == 0 && !NEVER_REFUSED.contains(&operation.what)
        };
        operations.iter().filter(is_wanting).collect()
    }

    /// Every documented request was carried out and refused; of keyward's own API by one of its two sides. And each API
    /// let enough through.
    pub(crate) fn hold(&self) {
        let mut sums: BTreeMap<&str, Counts> = BTreeMap::new();
        let mut apis: BTreeMap<Api, Counts> = BTreeMap::new();
        for ((api, what), counts) in &self.counts {
            for sum in [sums.entry(what).or_default(), apis.entry(*api).or_default()] {
                sum.done += counts.done;
                sum.refused += counts.refused;
            }
        }
        for operation in operations() {
            let counts = sums.get(operation.what).copied().unwrap_or_default();
            assert!(counts.done > 0, "{} was never carried out", operation.what);
            assert!(
                counts.refused > 0 || NEVER_REFUSED.contains(&operation.what),
                "{} was never refused",
                operation.what
            );
        }
        for (api, Counts { done, refused, .. }) in apis {
            assert!(done * 10 > refused && refused * 20 > done, "{api:?}: {done} done, {refused} refused");
        }
    }
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut apis: BTreeMap<Api, Counts> = BTreeMap::new();
        for ((api, what), Counts { done, refused, changed }) in &self.counts {
            writeln!(f, "{api:?} {what}: {done} done, {refused} refused, {changed} changed something")?;
            let sum = apis.entry(*api).or_default();
            (sum.done, sum.refused, sum.changed) =
                (sum.done + done, sum.refused + refused, sum.changed + changed);
        }
        for (api, Counts { done, refused, changed }) in apis {
            writeln!(
                f,
                "{api:?}: {} requests, {done} done, {refused} refused, {changed} changed something",
                done + refused
            )?;
        }
        write!(f, "{:?}; {} elsewhere", self.statuses, self.elsewhere)
    }
}
