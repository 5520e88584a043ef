//! Replays: sending once more what was sent, or should have been, to a webhook URL in a span of time.

use crate::client::ClientNumber;
use crate::time::Timestamp;
use crate::webhook::{DeliveryState, Method};

/// Where a replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplayState {
    /// It makes deliveries, as many at a time as its webhook URL takes.
    Running,
    /// It makes none until somebody resumes it.
    Paused,
    /// It has made all of them.
    Done,
    /// Somebody called it off, or there is nobody to send to any more. What it made until then stays.
    Cancelled,
}

impl ReplayState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Done, Self::Cancelled];

    /// As it stands in JSON and on pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// As the store keeps it: 0 is running, so that a partial index can name it.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Running => 0,
            Self::Paused => 1,
            Self::Done => 2,
            Self::Cancelled => 3,
        }
    }

    /// From the store's number.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether it has come to its end.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// Which deliveries a replay sends once more. Pending ones never: they are tried by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Replayed {
    /// Those that were given up.
    Failed,
    /// All that came to another end than being delivered: failed, skipped or cancelled.
    Undelivered,
    /// All that came to their end, delivered ones too.
    All,
}

impl Replayed {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Failed, Self::Undelivered, Self::All];

    /// As it stands in JSON and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Undelivered => "undelivered",
            Self::All => "all",
        }
    }

    /// From its name.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.as_str() == text)
    }

    /// Whether a delivery in this state is among them.
    #[must_use]
    pub const fn takes(self, state: DeliveryState) -> bool {
        match state {
            DeliveryState::Pending => false,
            DeliveryState::Failed => true,
            DeliveryState::Skipped | DeliveryState::Cancelled => {
                matches!(self, Self::Undelivered | Self::All)
            }
            DeliveryState::Delivered => matches!(self, Self::All),
        }
    }
}

/// What a replay sends once more: the deliveries to a webhook URL that were made in a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayScope {
    /// Whose webhook URL it is.
    pub client: ClientNumber,
    /// The webhook URL.
    pub url_id: String,
    /// Made at this moment or later.
    pub since: Timestamp,
    /// Made before this moment, which is not after the replay's own: so it never finds what it made.
    pub until: Timestamp,
    /// Of events of this method only.
    pub method: Option<Method>,
    /// In which states.
    pub which: Replayed,
}

/// How far a replay is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayProgress {
    /// Deliveries in its scope, as far as they are counted.
    pub counted: u64,
    /// Whether all of them are counted.
    pub is_counted: bool,
    /// Deliveries that it made.
    pub made: u64,
    /// Deliveries that it left out because their event was sent to the URL again already: by this replay for another delivery of
    /// it, or, unless all are wanted, by anybody with success or still pending.
    pub again: u64,
    /// Deliveries that it left out because their event is no longer kept.
    pub gone: u64,
}

impl ReplayProgress {
    /// Deliveries of its scope that it is done with.
    #[must_use]
    pub const fn done(&self) -> u64 {
        self.made + self.again + self.gone
    }
}

/// A replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// `rpl_…`, time-ordered.
    pub id: String,
    /// What it sends once more.
    pub scope: ReplayScope,
    /// Where it stands.
    pub state: ReplayState,
    /// Why it stands there, when that needs a word.
    pub reason: Option<String>,
    /// How far it is.
    pub progress: ReplayProgress,
    /// Who started it, as the audit trail names them.
    pub created_by: String,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_choices_survive_the_store() {
        for state in ReplayState::ALL {
            assert_eq!(ReplayState::from_code(state.code()), Some(state));
        }
        for which in Replayed::ALL {
            assert_eq!(Replayed::from_name(which.as_str()), Some(which));
        }
    }

    #[test]
    fn what_is_pending_is_never_sent_twice() {
        let takes = |which: Replayed| DeliveryState::ALL.map(|state| which.takes(state));
        // Pending, delivered, failed, cancelled, skipped.
        assert_eq!(takes(Replayed::Failed), [false, false, true, false, false]);
        assert_eq!(takes(Replayed::Undelivered), [false, false, true, true, true]);
        assert_eq!(takes(Replayed::All), [false, true, true, true, true]);
    }
}
