//! Days: the parts in which rows that are kept for a while go to PostgreSQL, and are dropped there.
//!
//! Ids begin with the time, so a day is a range of ids and needs no column of its own (docs/adr/0007-partitions.md).

use std::time::Duration;

use gatepost_model::{Timestamp, ids};

const LENGTH: Duration = Duration::from_secs(24 * 3600);

/// How many days have their partitions before they begin: so long may the upkeep fail without anybody noticing.
const AHEAD: u32 = 3;

/// A day in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Timestamp);

impl Day {
    /// The day on which `at` is.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let length = i64::try_from(LENGTH.as_micros()).unwrap_or(i64::MAX);
        Self(Timestamp(at.0.div_euclid(length).saturating_mul(length)))
    }

    /// Its first moment.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        self.0
    }

    /// The day after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.plus(LENGTH))
    }

    /// `20261124`.
    fn name(self) -> String {
        self.0.iso().chars().take(10).filter(char::is_ascii_digit).collect()
    }

    fn from_name(name: &str) -> Option<Self> {
        let (year, month, day) = (name.get(..4)?, name.get(4..6)?, name.get(6..)?);
        let start = Timestamp::parse_iso(&format!("{year}-{month}-{day}T00:00:00Z"))?;
        (name.len() == 8).then_some(Self(start))
    }
}

/// The days that rows made from `since` until a few days after `now` belong to.
#[must_use]
pub fn days(since: Timestamp, now: Timestamp) -> Vec<Day> {
    let last = Day::of(now.plus(LENGTH * AHEAD));
    std::iter::successors(Some(Day::of(since)), |day| Some(day.next()))
        .take_while(|day| *day <= last)
        .collect()
}

/// A table with a partition for each day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayTable {
    /// `event`
    Events,
    /// `attempt`, by the id of the delivery.
    Attempts,
    /// `refused_request`
    RefusedRequests,
}

impl DayTable {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Events, Self::Attempts, Self::RefusedRequests];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "event",
            Self::Attempts => "attempt",
            Self::RefusedRequests => "refused_request",
        }
    }

    /// The column by which it is parted.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Attempts => "delivery_id",
            Self::Events | Self::RefusedRequests => "id",
        }
    }

    /// The smallest id of a day, which is the day before's end.
    #[must_use]
    pub fn floor(self, day: Day) -> String {
        let prefix = match self {
            Self::Events => ids::EVENT,
            Self::Attempts => ids::DELIVERY,
            Self::RefusedRequests => ids::REQUEST,
        };
        ids::sortable_floor(prefix, day.start())
    }

    /// The name of a day's partition.
    pub(crate) fn partition(self, day: Day) -> String {
        format!("{}_{}", self.name(), day.name())
    }

    /// The day whose partition this is.
    pub(crate) fn day(self, partition: &str) -> Option<Day> {
        Day::from_name(partition.strip_prefix(self.name())?.strip_prefix('_')?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_seconds(1_795_521_600);

    #[test]
    fn a_partition_is_named_after_its_day() {
        let day = Day::of(NOON);
        assert_eq!(DayTable::Events.partition(day), "event_20261124");
        for table in DayTable::ALL {
            assert_eq!(table.day(&table.partition(day)), Some(day));
            assert_eq!(table.day(&format!("{}_default", table.name())), None);
            assert!(table.floor(day) < table.floor(day.next()));
        }
    }

    #[test]
    fn a_day_holds_its_ids_and_no_others() {
        let day = Day::of(NOON);
        assert_eq!(day.start().iso(), "2026-11-24T00:00:00.000Z");
        let made = ids::sortable_floor(ids::EVENT, NOON);
        assert!(DayTable::Events.floor(day) <= made && made < DayTable::Events.floor(day.next()));
        assert_eq!(Day::of(Timestamp(-1)).next(), Day::of(Timestamp(0)));
    }

    #[test]
    fn days_begin_ahead_of_time() {
        let days = days(NOON.minus(LENGTH), NOON);
        assert_eq!(
            (days.len(), days.first(), days.last().map(|day| day.name())),
            (5, Some(&Day::of(NOON.minus(LENGTH))), Some(String::from("20261127")))
        );
    }
}
