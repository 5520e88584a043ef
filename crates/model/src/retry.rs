//! When a failed delivery is tried again.

use std::time::Duration;

use crate::time::Timestamp;

/// The pauses between tries of one delivery. The first try is at once and has no entry here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySchedule(Vec<Duration>);

/// The most entries a schedule may have.
pub const MOST_RETRIES: usize = 32;

/// A receiver's `Retry-After` is honoured up to here.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(48 * 3600);

impl Default for RetrySchedule {
    /// Ten retries from 5 minutes to 48 hours (contract.md H): doubling, with the last one pinned.
    fn default() -> Self {
        let minutes = [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2880];
        Self(minutes.into_iter().map(|minutes| Duration::from_secs(minutes * 60)).collect())
    }
}

impl RetrySchedule {
    /// A schedule with these pauses; more than [`MOST_RETRIES`] are cut off.
    #[must_use]
    pub fn new(mut pauses: Vec<Duration>) -> Self {
        pauses.truncate(MOST_RETRIES);
        Self(pauses)
    }

    /// The pauses.
    #[must_use]
    pub fn pauses(&self) -> &[Duration] {
        &self.0
    }

    /// When to try again after `attempts` tries, the last of which ended at `ended`; none if that was the last.
    ///
    /// `retry_after` (what the receiver asked for) can only delay. `jitter` is a random number from 0 to 1 that adds up
    /// to a tenth of the pause, never takes from it.
    #[must_use]
    pub fn next(
        &self,
        attempts: u32,
        ended: Timestamp,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Option<Timestamp> {
        let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
        let pause = *self.0.get(index)?;
        let pause = pause + pause.mul_f64(jitter.clamp(0.0, 1.0) * 0.1);
        let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        Some(ended.plus(pause.max(asked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn eleven_tries_from_at_once_to_48_hours() {
        let schedule = RetrySchedule::default();
        let mut now = Timestamp::EPOCH;
        let mut pauses = Vec::new();
        for attempts in 1..=10 {
            let next = schedule.next(attempts, now, None, 0.0).unwrap();
            pauses.push(next.since(now).as_secs() / 60);
            now = next;
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2880]);
        assert_eq!(schedule.next(11, now, None, 0.0), None);
        assert_eq!(schedule.next(0, now, None, 0.0), None);
    }

    proptest! {
        #[test]
        fn retry_after_only_ever_delays(attempts in 1u32..=10, asked in 0u64..10_000_000, jitter in 0.0f64..=1.0) {
            let schedule = RetrySchedule::default();
            let plain = schedule.next(attempts, Timestamp::EPOCH, None, jitter).unwrap();
            let with = schedule
                .next(attempts, Timestamp::EPOCH, Some(Duration::from_secs(asked)), jitter)
                .unwrap();
            prop_assert!(with >= plain);
            prop_assert!(with <= plain.max(Timestamp::EPOCH.plus(LONGEST_RETRY_AFTER)));
        }
    }
}
