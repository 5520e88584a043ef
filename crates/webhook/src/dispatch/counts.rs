//! How many tries there were, how they ended, and how long they took.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use gatepost_model::Timestamp;
use gatepost_model::webhook::Outcome;

use super::spread::{Spread, SpreadCounts};
use crate::transport::Exchange;

/// How a delivery that may no longer be sent is counted, beside the outcomes of tries.
const SKIPPED: &str = "skipped";

/// The phases whose time is counted: from the event to the beginning of its first try, and a try from resolving the name to
/// the end of the reply.
const PHASES: [&str; 2] = ["waiting", "sending"];

/// Tries by their outcome, deliveries that were skipped, and how long it took, since the dispatcher was made.
#[derive(Debug, Default)]
pub struct AttemptCounts {
    tries: [AtomicU64; Outcome::ALL.len()],
    skipped: AtomicU64,
    on_the_wire: AtomicUsize,
    waiting: Spread,
    sending: Spread,
}

/// Counts a try as on the wire for as long as it lives, however it ends.
pub(super) struct OnTheWire<'a>(&'a AtomicUsize);

impl Drop for OnTheWire<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AttemptCounts {
    pub(super) fn begun(&self) -> OnTheWire<'_> {
        self.on_the_wire.fetch_add(1, Ordering::Relaxed);
        OnTheWire(&self.on_the_wire)
    }

    /// Try `number` of a delivery of an event that happened at `event_at` has come to its end.
    pub(super) fn tried(&self, number: u32, event_at: Timestamp, exchange: &Exchange) {
        if number == 1 {
            self.waiting.add(exchange.started.since(event_at));
        }
        self.sending.add(exchange.duration);
        let place = Outcome::ALL.iter().position(|known| *known == exchange.outcome);
        if let Some(counter) = place.and_then(|place| self.tries.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    /// How many tries are on the wire now.
    #[must_use]
    pub fn on_the_wire(&self) -> usize {
        self.on_the_wire.load(Ordering::Relaxed)
    }

    /// Each phase with how long it took.
    #[must_use]
    pub fn by_phase(&self) -> Vec<(&'static str, SpreadCounts)> {
        PHASES.into_iter().zip([self.waiting.counts(), self.sending.counts()]).collect()
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
