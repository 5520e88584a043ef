//! What the senders count, as the metrics want it.

use std::sync::Arc;

use gatepost_api::metrics::{Phase, Senders};
use gatepost_webhook::dispatch::counts::AttemptCounts;
use gatepost_webhook::dispatch::spread::SpreadCounts;

/// The counts of this node's dispatcher.
pub(crate) struct Counted(pub(crate) Arc<AttemptCounts>);

impl Senders for Counted {
    fn by_outcome(&self) -> Vec<(&'static str, u64)> {
        self.0.by_outcome()
    }

    fn on_the_wire(&self) -> usize {
        self.0.on_the_wire()
    }

    fn by_phase(&self) -> Vec<Phase> {
        let phase = |(name, counts): (_, SpreadCounts)| Phase {
            name,
            within: counts.within,
            count: counts.count,
            sum: counts.sum,
        };
        self.0.by_phase().into_iter().map(phase).collect()
    }
}
