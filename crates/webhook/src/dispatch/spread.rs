//! How long something took, many times: counted in a few classes, as whoever watches wants it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the classes. What takes longer than the last is in a class of its own.
pub const BOUNDS: [Duration; 10] = [
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(600),
];

/// Durations by their class, and their sum.
#[derive(Debug, Default)]
pub struct Spread {
    classes: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// A spread at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpreadCounts {
    /// For each bound, how many took no longer.
    pub within: Vec<(Duration, u64)>,
    /// How many there were.
    pub count: u64,
    /// How long all of them took together.
    pub sum: Duration,
}

impl Spread {
    pub(super) fn add(&self, took: Duration) {
        let class = BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS.len());
        if let Some(counter) = self.classes.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> SpreadCounts {
        let mut count = 0;
        let mut within = Vec::with_capacity(BOUNDS.len());
        for (place, counter) in self.classes.iter().enumerate() {
            count += counter.load(Ordering::Relaxed);
            within.extend(BOUNDS.get(place).map(|bound| (*bound, count)));
        }
        SpreadCounts { within, count, sum: Duration::from_micros(self.micros.load(Ordering::Relaxed)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_in_its_class_and_in_those_above() {
        let spread = Spread::default();
        for milliseconds in [0, 5, 6, 1_000, 700_000] {
            spread.add(Duration::from_millis(milliseconds));
        }
        let SpreadCounts { within, count, sum } = spread.counts();
        let counts: Vec<u64> = within.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [2, 3, 3, 3, 3, 4, 4, 4, 4, 4]);
        assert_eq!((count, sum), (5, Duration::from_millis(701_011)));
    }
}
