//! How many tries there were, and how they ended.

use std::sync::atomic::{AtomicU64, Ordering};

use gatepost_model::webhook::Outcome;

/// How a delivery that may no longer be sent is counted, beside the outcomes of tries.
const SKIPPED: &str = "skipped";

/// Tries by their outcome, and deliveries that were skipped, since the dispatcher was made.
#[derive(Debug, Default)]
pub struct AttemptCounts {
    tries: [AtomicU64; Outcome::ALL.len()],
    skipped: AtomicU64,
}

impl AttemptCounts {
    pub(super) fn tried(&self, outcome: Outcome) {
        let place = Outcome::ALL.iter().position(|known| *known == outcome);
        if let Some(counter) = place.and_then(|place| self.tries.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    /// Each outcome with its count.
    #[must_use]
    pub fn by_outcome(&self) -> Vec<(&'static str, u64)> {
        let tries = Outcome::ALL.iter().map(|outcome| outcome.as_str()).zip(&self.tries);
        tries
            .chain([(SKIPPED, &self.skipped)])
            .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
            .collect()
    }
}
