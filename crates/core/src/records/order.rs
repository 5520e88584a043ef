//! The order of events within this process.

use std::sync::atomic::{AtomicI64, Ordering};

use gatepost_model::Timestamp;

/// Gives each event a moment of its own, later than that of the event before it, whatever the clock does. Where one process
/// writes everything, the ids that are made of these moments are in the order of the commits (docs/adr/0009-event-feed.md).
#[derive(Debug, Default)]
pub(crate) struct EventOrder(AtomicI64);

impl EventOrder {
    /// The moment for the next event: now, or a microsecond after the latest one.
    pub(crate) fn next(&self, now: Timestamp) -> Timestamp {
        let next = |latest: i64| now.0.max(latest.saturating_add(1));
        let latest = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |latest| Some(next(latest)));
        Timestamp(next(latest.unwrap_or_else(|latest| latest)))
    }

    /// What comes next comes after an event that was made within a millisecond from `made`.
    pub(crate) fn go_on_after(&self, made: Timestamp) {
        self.0.fetch_max(made.0.saturating_add(1_000), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_later_than_the_one_before_it() {
        let order = EventOrder::default();
        let times = [5_000, 5_000, 4_000, 5_001, 9_000].map(|now| order.next(Timestamp(now)).0);
        assert_eq!(times, [5_000, 5_001, 5_002, 5_003, 9_000]);
        order.go_on_after(Timestamp(20_000));
        assert_eq!(order.next(Timestamp(9_000)).0, 21_001);
    }
}
