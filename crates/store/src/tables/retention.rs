//! Dropping what was kept long enough, a small page at a time.
//!
//! On PostgreSQL whole days of events, attempts and refusals go with their partitions ([`crate::Store::drop_days`]); what is
//! left to these statements then are deliveries, audit entries and rows without a partition of their own.

use gatepost_model::{Timestamp, ids};

use crate::partitions::{Day, DayTable};
use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[
    &OLDEST_DELIVERY,
    &OLDEST_REPLAYED,
    &PAGE_OF_DELIVERIES,
    &DROP_DELIVERIES,
    &DROP_EVENTS,
    &DROP_ATTEMPTS,
    &DROP_REFUSED_REQUESTS,
    &DROP_AUDIT,
];

static OLDEST_DELIVERY: Sql = Sql::new("SELECT id FROM delivery ORDER BY id LIMIT 1");

static OLDEST_REPLAYED: Sql = Sql::new(
    "SELECT event_id FROM delivery WHERE state = 0 AND replay_of IS NOT NULL ORDER BY event_id LIMIT 1",
);

static PAGE_OF_DELIVERIES: Sql = Sql::new(
    "SELECT max(id) FROM (SELECT id FROM delivery WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) page",
);

static DROP_DELIVERIES: Sql = Sql::new("DELETE FROM delivery WHERE id > $1 AND id <= $2 AND state > 0");

/// The bound is said twice so that PostgreSQL looks at no partition above it.
static DROP_EVENTS: Sql = Sql::new(
    "DELETE FROM event WHERE id < $1 AND id IN (SELECT id FROM event WHERE id < $1 ORDER BY id LIMIT $2)",
);

static DROP_ATTEMPTS: Sql = Sql::new(
    "DELETE FROM attempt WHERE delivery_id < $1 AND delivery_id IN
     (SELECT delivery_id FROM attempt WHERE delivery_id < $1 ORDER BY delivery_id LIMIT $2)",
);

static DROP_REFUSED_REQUESTS: Sql = Sql::new(
    "DELETE FROM refused_request WHERE id < $1 AND id IN
     (SELECT id FROM refused_request WHERE id < $1 ORDER BY id LIMIT $2)",
);

static DROP_AUDIT: Sql = Sql::new(
    "DELETE FROM audit WHERE id < $1 AND id IN (SELECT id FROM audit WHERE id < $1 ORDER BY id LIMIT $2)",
);

/// The first day whose events, and the first whose attempts, must stay for the sake of deliveries: those of deliveries that
/// are still there, and events that are being sent once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// The first day of events; none if no delivery needs any.
    pub events: Option<Day>,
    /// The first day of attempts, likewise.
    pub attempts: Option<Day>,
}

/// What deliveries need.
///
/// A delivery is made in the moment of its event, and later only as a replay. One whose id tells no time needs everything.
///
/// # Errors
/// If the store fails.
pub fn needed(tx: &Tx<'_>) -> Result<Needed, StoreError> {
    let day = |prefix: &str, id: &str| Day::of(ids::sortable_time(prefix, id).unwrap_or(Timestamp::EPOCH));
    let delivery: Option<String> = tx.opt(&OLDEST_DELIVERY, params![], |row| row.get(0))?;
    let replayed: Option<String> = tx.opt(&OLDEST_REPLAYED, params![], |row| row.get(0))?;
    let attempts = delivery.as_deref().map(|id| day(ids::DELIVERY, id));
    let replayed = replayed.as_deref().map(|id| day(ids::EVENT, id));
    Ok(Needed { events: attempts.into_iter().chain(replayed).min(), attempts })
}

/// A page of deliveries that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The last of them: the next page comes after it.
    pub last: String,
    /// How many were dropped.
    pub dropped: usize,
}

/// Drops those of the next `limit` deliveries after `after` and before `first` that have come to their end. None if there are
/// no more.
///
/// # Errors
/// If the store fails.
pub fn drop_deliveries(tx: &Tx<'_>, after: &str, first: Day, limit: u32) -> Result<Option<Page>, StoreError> {
    let bound = ids::sortable_floor(ids::DELIVERY, first.start());
    let last: Option<String> =
        tx.one(&PAGE_OF_DELIVERIES, params![after, &bound, limit], |row| row.get(0))?;
    let Some(last) = last else { return Ok(None) };
    let dropped = tx.exec(&DROP_DELIVERIES, params![after, &last])?;
    Ok(Some(Page { last, dropped }))
}

/// Drops up to `limit` rows of the days before `first`, or a few more where they belong to one delivery, and says how many.
///
/// # Errors
/// If the store fails.
pub fn drop_rows(tx: &Tx<'_>, table: DayTable, first: Day, limit: u32) -> Result<usize, StoreError> {
    let sql = match table {
        DayTable::Events => &DROP_EVENTS,
        DayTable::Attempts => &DROP_ATTEMPTS,
        DayTable::RefusedRequests => &DROP_REFUSED_REQUESTS,
    };
    tx.exec(sql, params![&table.floor(first), limit])
}

/// Drops up to `limit` audit entries of the days before `first`, and says how many.
///
/// # Errors
/// If the store fails.
pub fn drop_audit(tx: &Tx<'_>, first: Day, limit: u32) -> Result<usize, StoreError> {
    tx.exec(&DROP_AUDIT, params![&ids::sortable_floor(ids::AUDIT, first.start()), limit])
}
