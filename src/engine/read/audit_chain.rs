//! Chain of the audit: each event has the hash of the event before it, and a walk backwards proves each link.

use crate::engine::EngineError;
use crate::engine::commit::event_hash;
use crate::key::{AuditEvent, AuditHead, EventHash};
use crate::limits;
use crate::store::codec::Record as _;
use crate::store::{Store, schema};

/// Result of proving links of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Number of proved events.
    pub events: u64,
    /// Newest event of the audit. An auditor keeps it outside the store, to prove later that the past did not change.
    pub head: AuditHead,
    /// Newest event that does not match the hash in its successor: removed, altered or out of order.
    pub broken_at: Option<u64>,
    /// Whether the event that was kept outside the store exists unchanged; `None` when the caller gave none.
    pub kept: Option<bool>,
}

/// Calls `look` with events, newest first, until it returns `false`, and proves the links between them.
pub(in crate::engine) fn look_back(
    store: &dyn Store,
    before: Option<u64>,
    look: &mut dyn FnMut(AuditEvent) -> bool,
) -> Result<Chain, EngineError> {
    let head = store.get(schema::AUDIT_HEAD)?.as_ref().map(AuditHead::from_entry).transpose()?;
    let head = head.unwrap_or_default();
    let mut chain = Chain { head, ..Chain::default() };
    let mut upper = before.unwrap_or(u64::MAX).min(head.sequence.saturating_add(1));
    // Expected hash of the event just below `upper`.
    let mut expected =
        match store.get(&schema::audit(upper))?.as_ref().map(AuditEvent::from_entry).transpose()? {
            Some(later) => later.previous,
            None => head.hash,
        };
    while upper > 1 {
        let lower = upper.saturating_sub(limits::PAGE_MAX as u64 + 1);
        let entries = store.scan(schema::AUDIT, Some(&schema::audit(lower)), limits::PAGE_MAX)?;
        if entries.first().is_none_or(|entry| entry.key >= schema::audit(upper)) {
            // A damaged head may have a number with no event below it.
            chain.broken_at = chain.broken_at.or(Some(upper - 1));
            return Ok(chain);
        }
        let mut below = entries.into_iter().rev().peekable();
        for sequence in (lower + 1..upper).rev() {
            let place = schema::audit(sequence);
            // Newer than asked for, or written meanwhile.
            while below.next_if(|entry| entry.key > place).is_some() {}
            let Some(entry) = below.next_if(|entry| entry.key == place) else {
                chain.broken_at = chain.broken_at.or(Some(sequence));
                continue;
            };
            let event = AuditEvent::from_entry(&entry)?;
            if event_hash(&entry.value) != expected {
                chain.broken_at = chain.broken_at.or(Some(sequence));
            }
            expected = event.previous;
            chain.events += 1;
            if !look(event) {
                return Ok(chain);
            }
        }
        upper = lower + 1;
    }
    if expected != EventHash::default() {
        chain.broken_at = chain.broken_at.or(Some(0));
    }
    Ok(chain)
}
