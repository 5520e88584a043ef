//! What became of the events of a span of time, counted.

use gatepost_model::{DeliveryState, Timestamp, ids};

use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&EVENTS, &MATCHED, &DELIVERIES];

static EVENTS: Sql = Sql::new("SELECT count(*) FROM event WHERE id >= $1 AND id < $2");

/// A delivery that was made for an event, rather than by a replay, was made at its moment.
static MATCHED: Sql = Sql::new(
    "SELECT count(DISTINCT event_id) FROM delivery WHERE id >= $1 AND id < $2 AND replay_of IS NULL",
);

static DELIVERIES: Sql = Sql::new(
    "SELECT state, CASE WHEN replay_of IS NULL THEN 0 ELSE 1 END, count(*) FROM delivery
     WHERE id >= $1 AND id < $2 GROUP BY 1, 2",
);

/// The counts of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Events that happened.
    pub events: u64,
    /// Those for which a delivery was made.
    pub matched: u64,
    /// How many deliveries are in which state, and whether they were made to send an event once more.
    pub deliveries: Vec<(DeliveryState, bool, u64)>,
}

/// Counts what was made from `since` until before `until`, as it stands now.
///
/// # Errors
/// If the store fails; [`StoreError::Timeout`] if that is too much for one look.
pub fn count(tx: &Tx<'_>, since: Timestamp, until: Timestamp) -> Result<Counted, StoreError> {
    let span = |prefix| [since, until].map(|moment| ids::sortable_floor(prefix, moment));
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    let [first, end] = span(ids::EVENT);
    let events = tx.one(&EVENTS, params![&first, &end], |row| row.get(0))?;
    let [first, end] = span(ids::DELIVERY);
    let matched = tx.one(&MATCHED, params![&first, &end], |row| row.get(0))?;
    let deliveries = tx.all(&DELIVERIES, params![&first, &end], |row| {
        let state = DeliveryState::from_code(row.get(0)?)
            .ok_or_else(|| StoreError::corrupt("a delivery is in no state that there is"))?;
        Ok((state, row.get::<i64>(1)? == 1, number(row.get(2)?)))
    })?;
    Ok(Counted { events: number(events), matched: number(matched), deliveries })
}
