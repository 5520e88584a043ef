//! What became of the events of a span of time: numbers that add up.

use std::time::Duration;

use gatepost_model::{DeliveryState, Timestamp};
use gatepost_store::StoreError;
use gatepost_store::tables::reconciliation::{self, Counted};

use crate::{Error, Gatepost};

/// So much is counted in one look at first. Looks grow while they are quick, and shrink when one takes too long.
const FIRST_LOOK: Duration = Duration::from_secs(15 * 60);
const LONGEST_LOOK: Duration = Duration::from_secs(24 * 60 * 60);
const SHORTEST_LOOK: Duration = Duration::from_secs(1);

/// The account of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// From when on.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Events that happened.
    pub events: u64,
    /// Those that some webhook URL was subscribed to.
    pub matched: u64,
    /// The deliveries that were made for them.
    pub deliveries: Standing,
    /// Those that were made to send an event once more, whenever it happened.
    pub sent_again: Standing,
}

/// How many deliveries stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Taken by their receiver.
    pub delivered: u64,
    /// Given up.
    pub failed: u64,
    /// No longer wanted when their turn came.
    pub skipped: u64,
    /// Called off by a person.
    pub cancelled: u64,
    /// Yet to be sent.
    pub pending: u64,
}

impl Reconciliation {
    fn add(&mut self, counted: &Counted) {
        self.events += counted.events;
        self.matched += counted.matched;
        for (state, is_again, count) in &counted.deliveries {
            let standing = if *is_again { &mut self.sent_again } else { &mut self.deliveries };
            *standing.of(*state) += count;
        }
    }

    /// Events that no webhook URL was subscribed to.
    #[must_use]
    pub const fn unmatched(&self) -> u64 {
        self.events.saturating_sub(self.matched)
    }
}

impl Standing {
    const fn of(&mut self, state: DeliveryState) -> &mut u64 {
        match state {
            DeliveryState::Delivered => &mut self.delivered,
            DeliveryState::Failed => &mut self.failed,
            DeliveryState::Skipped => &mut self.skipped,
            DeliveryState::Cancelled => &mut self.cancelled,
            DeliveryState::Pending => &mut self.pending,
        }
    }

    /// All of them.
    #[must_use]
    pub const fn made(&self) -> u64 {
        self.delivered + self.failed + self.skipped + self.cancelled + self.pending
    }
}

impl Gatepost {
    /// Accounts for what happened from `since` until now, in looks that are short enough for the store: what changes
    /// meanwhile is counted where it stands when it is looked at, and once.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn reconcile(&self, since: Timestamp) -> Result<Reconciliation, Error> {
        let until = self.now();
        let mut account = Reconciliation {
            since,
            until,
            events: 0,
            matched: 0,
            deliveries: Standing::default(),
            sent_again: Standing::default(),
        };
        let (mut from, mut look) = (since, FIRST_LOOK);
        while from < until {
            let to = from.plus(look).min(until);
            match self.store.read(move |tx| reconciliation::count(tx, from, to)).await {
                Ok(counted) => {
                    account.add(&counted);
                    from = to;
                    look = (look * 2).min(LONGEST_LOOK);
                }
                Err(StoreError::Timeout) if look > SHORTEST_LOOK => look = (look / 8).max(SHORTEST_LOOK),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(account)
    }
}
