//! What the answer to a try means for its delivery.

use gatepost_model::retry::RetrySchedule;
use gatepost_model::webhook::Outcome;
use gatepost_model::{DeliveryState, Timestamp};

use crate::transport::Exchange;

/// Why a URL is disabled when its receiver says that it is gone.
pub const GONE: &str = "the receiver answered 410 Gone";

/// Where a delivery stands after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Delivered, failed, or pending for another try.
    pub state: DeliveryState,
    /// Why, if it failed.
    pub reason: Option<String>,
    /// When the next try is due, if there is one.
    pub due_at: Timestamp,
    /// When the delivery came to its end, if it did.
    pub ended_at: Option<Timestamp>,
    /// Whether the URL gets nothing more.
    pub disables_url: bool,
}

/// Judges the answer to try `number`. 2xx is success; 410 ends the delivery and disables the URL; anything else is tried
/// again by the schedule until that is used up. `Retry-After` can delay the next try, never advance it.
#[must_use]
pub fn settle(
    number: u32,
    exchange: &Exchange,
    schedule: &RetrySchedule,
    now: Timestamp,
    jitter: f64,
) -> Verdict {
    let ended = |state, reason: Option<String>| Verdict {
        state,
        reason,
        due_at: now,
        ended_at: Some(now),
        disables_url: false,
    };
    if exchange.outcome == Outcome::Delivered {
        return ended(DeliveryState::Delivered, None);
    }
    if exchange.status == Some(410) {
        let verdict = ended(DeliveryState::Failed, Some(GONE.to_owned()));
        return Verdict { disables_url: true, ..verdict };
    }
    match schedule.next(number, now, exchange.retry_after, jitter) {
        Some(due_at) => Verdict {
            state: DeliveryState::Pending,
            reason: None,
            due_at,
            ended_at: None,
            disables_url: false,
        },
        None => {
            let last = exchange.error.as_deref().unwrap_or("no reason was given");
            let reason = match number {
                1 => format!("the only try failed: {last}"),
                _ => format!("all {number} tries failed; the last: {last}"),
            };
            ended(DeliveryState::Failed, Some(reason))
        }
    }
}
