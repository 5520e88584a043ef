//! Attempts of deliveries, counted by hour for the people who run a client.
//!
//! Each attempt adds to counts in memory, and [`Gatepost::flush_attempts`] adds them to the store's a little later, so that
//! recording an attempt writes no further row, and a crash loses the last moment of the counts and nothing else. They say
//! for every hour how many attempts to which webhook URL ended how, and how long the delivered ones took; and for every day
//! how many deliveries of which method were delivered. They are kept as long as [`crate::calls`] are.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatepost_model::webhook::{Attempt, Outcome};
use gatepost_model::{ClientNumber, Method, Timestamp};
use gatepost_store::tables::attempt_counts::{self, Additions, Attempted, Counted};

use crate::calls::{day_of, hour_of};
use crate::{Error, Gatepost};

/// Counts that wait to be written down. They cannot be more than the attempts since the last writing, and those wait for
/// the store themselves.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Additions>);

/// The number of the span of milliseconds in which an answer came. Spans are exact up to 8 ms and a quarter to an eighth of
/// their length above: 8 to 10, 10 to 12, 12 to 14, 14 to 16, 16 to 20 and so on.
fn span_of(took: Duration) -> u32 {
    let millis = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
    match millis {
        0..4 => millis,
        _ => {
            let doublings = millis.ilog2() - 2;
            4 * doublings + (millis >> doublings)
        }
    }
}

/// Where a span begins, in milliseconds.
fn beginning_of(span: u32) -> u64 {
    match span {
        0..4 => u64::from(span),
        _ => u64::from(4 + span % 4) << (span / 4 - 1).min(32),
    }
}

/// How attempts of one span of time, or to one webhook URL, ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Those that were delivered.
    pub delivered: u64,
    /// Those that were not.
    pub failed: u64,
    /// The delivered ones by the span in which the answer came.
    took: BTreeMap<u32, u64>,
}

impl Ends {
    fn add(&mut self, counted: Counted) {
        if counted.outcome == Outcome::Delivered {
            self.delivered += counted.attempts;
            *self.took.entry(counted.took).or_default() += counted.attempts;
        } else {
            self.failed += counted.attempts;
        }
    }

    /// Adds those of another span of time.
    pub fn merge(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.failed += other.failed;
        for (span, many) in &other.took {
            *self.took.entry(*span).or_default() += many;
        }
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.delivered + self.failed
    }

    /// How long half of the delivered ones took at most; none if there are none.
    #[must_use]
    pub fn median(&self) -> Option<Duration> {
        self.within(50)
    }

    /// How long 95 of 100 delivered ones took at most; none if there are none.
    #[must_use]
    pub fn p95(&self) -> Option<Duration> {
        self.within(95)
    }

    /// How long so many of a hundred took at most. Within a span the answers are taken to be spread evenly, so this is
    /// off by an eighth at most.
    fn within(&self, percent: u64) -> Option<Duration> {
        let rank = (self.delivered * percent).div_ceil(100).max(1);
        let mut before = 0;
        for (span, many) in &self.took {
            if before + many >= rank {
                let (start, end) = (beginning_of(*span), beginning_of(span + 1));
                let millis = start + (end - start) * (rank - before - 1) / many;
                return Some(Duration::from_millis(millis));
            }
            before += many;
        }
        None
    }
}

/// A client's attempts by what `key` says of the hour they began in, in its order; what is without attempts is left out.
#[must_use]
pub fn grouped<K: Ord>(
    by_hour: &BTreeMap<Timestamp, Ends>,
    key: impl Fn(Timestamp) -> K,
) -> BTreeMap<K, Ends> {
    let mut groups: BTreeMap<K, Ends> = BTreeMap::new();
    for (hour, ends) in by_hour {
        groups.entry(key(*hour)).or_default().merge(ends);
    }
    groups
}

impl Gatepost {
    /// Counts an attempt for [`Gatepost::flush_attempts`].
    pub fn note_attempt(&self, client: ClientNumber, url_id: &str, method: &Method, attempt: &Attempt) {
        let is_delivered = attempt.outcome == Outcome::Delivered;
        let took = Duration::from_micros(u64::try_from(attempt.duration_us).unwrap_or(0));
        let counted = Attempted {
            client,
            hour: hour_of(attempt.started_at),
            url_id: url_id.to_owned(),
            outcome: attempt.outcome.as_str(),
            took: if is_delivered { span_of(took) } else { 0 },
        };
        let mut waiting = self.attempts.0.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting.attempts.entry(counted).or_default() += 1;
        if is_delivered {
            *waiting.methods.entry((client, day_of(attempt.started_at), method.clone())).or_default() += 1;
        }
    }

    /// Writes down what was counted.
    ///
    /// # Errors
    /// If the store fails: these counts are lost.
    pub async fn flush_attempts(&self) -> Result<(), Error> {
        let waiting = mem::take(&mut *self.attempts.0.lock().unwrap_or_else(PoisonError::into_inner));
        if waiting.attempts.is_empty() {
            return Ok(());
        }
        self.store.write(move |tx| attempt_counts::add(tx, &waiting)).await.map_err(Error::Store)
    }

    /// A client's attempts since the hour of `since`, by hour; hours without attempts are left out.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn attempts_by_hour(
        &self,
        client: ClientNumber,
        since: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Ends>, Error> {
        let since = hour_of(since);
        Ok(ends(self.store.read(move |tx| attempt_counts::list_of_client(tx, client, since)).await?))
    }
}

pub(crate) fn ends<K: Ord>(counted: Vec<(K, Counted)>) -> BTreeMap<K, Ends> {
    let mut ends: BTreeMap<K, Ends> = BTreeMap::new();
    for (key, counted) in counted {
        ends.entry(key).or_default().add(counted);
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_follow_each_other_without_gaps() {
        for millis in (0..5_000).chain([15_000, 60_000, 3_600_000]) {
            let span = span_of(Duration::from_millis(millis));
            assert!(beginning_of(span) <= millis && millis < beginning_of(span + 1), "{millis} in {span}");
        }
        let longest = span_of(Duration::MAX);
        assert!(beginning_of(longest) < beginning_of(longest + 1));
    }

    #[test]
    fn percentiles_are_right_within_an_eighth() {
        let mut all = Ends::default();
        assert_eq!((all.median(), all.p95()), (None, None));
        for millis in 1..=1_000 {
            let took = span_of(Duration::from_millis(millis));
            all.add(Counted { outcome: Outcome::Delivered, took, attempts: 1 });
        }
        all.add(Counted { outcome: Outcome::Timeout, took: 0, attempts: 9 });
        assert_eq!((all.delivered, all.failed, all.total()), (1_000, 9, 1_009));
        let millis = |found: Option<Duration>| found.map(|found| found.as_millis()).unwrap_or_default();
        assert!((438..=562).contains(&millis(all.median())), "{:?}", all.median());
        assert!((831..=1_068).contains(&millis(all.p95())), "{:?}", all.p95());
    }
}
