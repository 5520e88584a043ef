//! The clock by which a webhook URL is disabled that has taken nothing for a long time (design.md "Webhooks").
//!
//! It starts with a failed attempt and ends with the first one that succeeds, whatever node saw it. Its owner is told when
//! parts of it have passed.

use std::time::Duration;

use crate::time::Timestamp;

/// The owner is told when so many hundredths of the clock have passed.
const TOLD_AT: [u32; 2] = [50, 90];

/// A clock that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureClock {
    /// When the first of the failed attempts ended.
    pub since: Timestamp,
    /// When the latest of them did.
    pub last: Timestamp,
    /// When the URL is disabled, unless an attempt succeeds before.
    pub disables_at: Timestamp,
}

impl FailureClock {
    /// One that starts with an attempt that failed `now`, and runs for `length`.
    #[must_use]
    pub fn started(now: Timestamp, length: Duration) -> Self {
        Self { since: now, last: now, disables_at: now.plus(length) }
    }

    /// Whether the URL is to be disabled `now`. Not if it failed only in the first half of the time: then nothing is known of
    /// the receiver as it is today, and what happens to be sent next decides.
    #[must_use]
    pub fn has_run_out(&self, now: Timestamp) -> bool {
        self.disables_at <= now && self.last.since(self.since) >= self.length() / 2
    }

    /// When the clock is to be looked at next, to tell the owner or to disable the URL. None when all there is to wait for is
    /// another failed attempt.
    #[must_use]
    pub fn next_look(&self, now: Timestamp) -> Option<Timestamp> {
        let told = TOLD_AT.map(|hundredths| self.since.plus(self.length() * hundredths / 100));
        told.into_iter().chain([self.disables_at]).find(|moment| *moment > now)
    }

    fn length(&self) -> Duration {
        self.disables_at.since(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn it_is_looked_at_after_half_nine_tenths_and_all_of_the_time() {
        let clock = FailureClock::started(START, HOUR * 100);
        let mut looks = Vec::new();
        let mut now = START;
        while let Some(next) = clock.next_look(now) {
            looks.push(next.since(START) / 3600);
            now = next;
        }
        assert_eq!(looks, [50, 90, 100].map(Duration::from_secs));
    }

    #[test]
    fn one_early_failure_is_not_enough_to_disable() {
        let clock = FailureClock::started(START, HOUR * 100);
        assert!(!clock.has_run_out(START.plus(HOUR * 100)));
        let clock = FailureClock { last: START.plus(HOUR * 50), ..clock };
        assert!(!clock.has_run_out(START.plus(HOUR * 99)));
        assert!(clock.has_run_out(START.plus(HOUR * 100)));
    }
}
