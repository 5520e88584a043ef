//! What was measured: one stretch of work, sums of several, and medians over rounds.

use std::time::Duration;

/// How fast something went, and what it cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figure {
    /// Operations per second.
    pub(crate) per_second: f64,
    /// User and system time of the serving process for one operation, in microseconds.
    pub(crate) cpu_us: f64,
}

impl Figure {
    pub(crate) fn new(operations: u64, took: Duration, cpu: Duration) -> Self {
        // Rounds have some 10^5 operations, far below what a double holds exactly.
        let operations = operations.max(1) as f64;
        Self { per_second: operations / took.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / operations }
    }

    /// An operation that does the work of both, one after the other.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            per_second: 1.0 / (1.0 / self.per_second + 1.0 / next.per_second),
            cpu_us: self.cpu_us + next.cpu_us,
        }
    }
}

/// A median with its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Over the values of all rounds, of which there is at least one.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        Self { median: (at(last / 2) + at(values.len() / 2)) / 2.0, least: at(0), most: at(last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_work_takes_the_time_of_its_parts() {
        let post = Figure::new(50_000, Duration::from_secs(1), Duration::from_millis(500));
        let rows = Figure::new(25_000, Duration::from_secs(1), Duration::from_secs(1));
        let write = post.then(rows);
        assert!((write.per_second - 16_666.7).abs() < 0.1);
        assert!((write.cpu_us - 50.0).abs() < 1e-9);
    }

    #[test]
    fn medians_of_odd_and_even_numbers_of_rounds() {
        let odd = Spread::of([3.0, 1.0, 2.0].into_iter());
        assert_eq!(odd, Spread { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0].into_iter()).median, 2.5);
    }
}
