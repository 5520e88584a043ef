//! Points in time, and where they come from.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
///
/// Stored as `BIGINT` on both engines, so that it sorts and compares the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The beginning of time as far as Gatepost is concerned.
    pub const EPOCH: Self = Self(0);

    /// From whole seconds since the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This point plus `duration`, stopping at the end of the representable range.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// This point minus `duration`, stopping at the start of the representable range.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// ISO 8601 in UTC with milliseconds and `Z`, the form of every time on the wire (contract.md I).
    #[must_use]
    pub fn iso(self) -> String {
        let clamped = self.millis().clamp(-62_135_596_800_000, 253_402_207_200_000);
        match jiff::Timestamp::from_millisecond(clamped) {
            Ok(at) => format!("{at:.3}"),
            // The clamp keeps years 1 to 9999, all of which jiff can hold.
            Err(_) => String::from("1970-01-01T00:00:00.000Z"),
        }
    }

    /// Reads an ISO 8601 time with zone, or a plain date (taken as its first moment in UTC).
    #[must_use]
    pub fn parse_iso(text: &str) -> Option<Self> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Some(Self(at.as_microsecond()));
        }
        // Only the plain form `YYYY-MM-DD`; jiff reads more spellings of a date than the wire has.
        if text.len() != 10 {
            return None;
        }
        let first_moment = format!("{text}T00:00:00Z").parse::<jiff::Timestamp>().ok()?;
        Some(Self(first_moment.as_microsecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Where the present comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, never running backwards within one process.
#[derive(Debug, Default)]
pub struct SystemClock {
    last: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
        let now = std::time::SystemTime::now();
        let now = match now.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => micros(since),
            Err(_) => 0,
        };
        // A step back of the machine's clock must not reorder ids or revive expired tokens.
        Timestamp(self.last.fetch_max(now, Ordering::Relaxed).max(now))
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub const fn new(start: Timestamp) -> Self {
        Self { now: AtomicI64::new(start.0) }
    }

    /// Moves the clock on.
    pub fn advance(&self, duration: Duration) {
        self.now.fetch_add(micros(duration), Ordering::SeqCst);
    }

    /// Sets the clock, backwards too.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_has_milliseconds_and_z() {
        assert_eq!(Timestamp(1_773_275_894_642_999).iso(), "2026-03-12T00:38:14.642Z");
        assert_eq!(Timestamp::EPOCH.iso(), "1970-01-01T00:00:00.000Z");
        assert!(Timestamp(i64::MAX).iso().starts_with("9999"));
    }

    #[test]
    fn iso_times_and_plain_dates_are_read() {
        assert_eq!(Timestamp::parse_iso("2026-03-12T00:38:14.642Z"), Some(Timestamp(1_773_275_894_642_000)));
        assert_eq!(Timestamp::parse_iso("1970-01-02"), Some(Timestamp(86_400_000_000)));
        assert_eq!(Timestamp::parse_iso("1970-01-02T00:00:00+01:00"), Some(Timestamp(82_800_000_000)));
        for bad in ["", "yesterday", "2026", "2026-13-01", "2026-03-12x"] {
            assert_eq!(Timestamp::parse_iso(bad), None, "{bad}");
        }
    }

    #[test]
    fn system_clock_never_steps_back() {
        let clock = SystemClock { last: AtomicI64::new(i64::MAX) };
        assert_eq!(clock.now().0, i64::MAX);
    }
}
