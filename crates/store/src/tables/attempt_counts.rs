//! Attempts of deliveries, counted by hour: additions from many nodes, sums for people.

use std::collections::BTreeMap;

use gatepost_model::webhook::Outcome;
use gatepost_model::{ClientNumber, Method, Timestamp};

use super::named;
use crate::{Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] =
    &[&ADD, &ADD_OF_METHOD, &OF_CLIENT, &OF_URLS, &OF_METHODS, &OF_FAILING, &DROP, &DROP_OF_METHODS];

static ADD: Sql = Sql::new(
    "INSERT INTO attempt_count (client_number, hour, url_id, outcome, took, attempts)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (client_number, hour, url_id, outcome, took)
     DO UPDATE SET attempts = attempt_count.attempts + excluded.attempts",
);

static ADD_OF_METHOD: Sql = Sql::new(
    "INSERT INTO method_delivery_count (client_number, day, method, deliveries) VALUES ($1, $2, $3, $4)
     ON CONFLICT (client_number, day, method)
     DO UPDATE SET deliveries = method_delivery_count.deliveries + excluded.deliveries",
);

static OF_CLIENT: Sql = Sql::new(
    "SELECT outcome, took, CAST(sum(attempts) AS {int}), hour FROM attempt_count
     WHERE client_number = $1 AND hour >= $2 GROUP BY hour, outcome, took ORDER BY hour",
);

static OF_URLS: Sql = Sql::new(
    "SELECT outcome, took, CAST(sum(attempts) AS {int}), url_id FROM attempt_count
     WHERE client_number = $1 AND hour >= $2 GROUP BY url_id, outcome, took ORDER BY url_id",
);

static OF_METHODS: Sql = Sql::new(
    "SELECT method, CAST(sum(deliveries) AS {int}) FROM method_delivery_count
     WHERE client_number = $1 AND day >= $2 GROUP BY method ORDER BY method",
);

/// Failed attempts are few where all is well: they are found first, and all others are read of their clients alone.
static OF_FAILING: Sql = Sql::new(
    "SELECT a.client_number, CAST(sum(CASE WHEN a.outcome = $2 THEN 0 ELSE a.attempts END) AS {int}),
     CAST(sum(a.attempts) AS {int}) FROM attempt_count a
     JOIN webhook_url w ON w.id = a.url_id AND w.removed_at IS NULL
     WHERE a.hour >= $1 AND a.client_number IN
     (SELECT f.client_number FROM attempt_count f
      WHERE f.hour >= $1 AND f.outcome <> $2 AND ($3 = 0 OR f.client_number = $3))
     GROUP BY a.client_number",
);

static DROP: Sql = Sql::new(
    "DELETE FROM attempt_count WHERE (client_number, hour, url_id, outcome, took) IN
     (SELECT client_number, hour, url_id, outcome, took FROM attempt_count
      WHERE hour < $1 ORDER BY hour LIMIT $2)",
);

static DROP_OF_METHODS: Sql = Sql::new(
    "DELETE FROM method_delivery_count WHERE (client_number, day, method) IN
     (SELECT client_number, day, method FROM method_delivery_count WHERE day < $1 ORDER BY day LIMIT $2)",
);

/// What an attempt is counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempted {
    /// The client.
    pub client: ClientNumber,
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// The webhook URL.
    pub url_id: String,
    /// How it ended: the name of an [`Outcome`].
    pub outcome: &'static str,
    /// The number of the span in which a delivered one was answered; 0 for any other.
    pub took: u32,
}

/// Counts to add, in the order of their keys: nodes that add at the same time then never wait for each other in a circle.
#[derive(Clone, Debug, Default)]
pub struct Additions {
    /// Attempts.
    pub attempts: BTreeMap<Attempted, u64>,
    /// Delivered ones, by client, day and method.
    pub methods: BTreeMap<(ClientNumber, Timestamp, Method), u64>,
}

/// Attempts that ended alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How they ended.
    pub outcome: Outcome,
    /// The number of the span in which delivered ones were answered.
    pub took: u32,
    /// How many.
    pub attempts: u64,
}

/// Adds to the counts.
///
/// # Errors
/// If the store fails.
pub fn add(tx: &Tx<'_>, additions: &Additions) -> Result<(), StoreError> {
    for (of, attempts) in &additions.attempts {
        tx.exec_later(&ADD, params![of.client, of.hour, &of.url_id, of.outcome, of.took, *attempts])?;
    }
    for ((client, day, method), deliveries) in &additions.methods {
        tx.exec_later(&ADD_OF_METHOD, params![*client, *day, method.as_str(), *deliveries])?;
    }
    Ok(())
}

/// A client's attempts since an hour, by hour, in the order of time.
///
/// # Errors
/// If the store fails.
pub fn list_of_client(
    tx: &Tx<'_>,
    client: ClientNumber,
    since: Timestamp,
) -> Result<Vec<(Timestamp, Counted)>, StoreError> {
    tx.all(&OF_CLIENT, params![client, since], |row| Ok((row.get(3)?, counted(row)?)))
}

/// A client's attempts since an hour, by webhook URL.
///
/// # Errors
/// If the store fails.
pub fn list_by_url(
    tx: &Tx<'_>,
    client: ClientNumber,
    since: Timestamp,
) -> Result<Vec<(String, Counted)>, StoreError> {
    tx.all(&OF_URLS, params![client, since], |row| Ok((row.get(3)?, counted(row)?)))
}

/// A client's deliveries that were delivered since a day, by method.
///
/// # Errors
/// If the store fails.
pub fn sum_by_method(
    tx: &Tx<'_>,
    client: ClientNumber,
    since: Timestamp,
) -> Result<Vec<(Method, u64)>, StoreError> {
    tx.all(&OF_METHODS, params![client, since], |row| {
        Ok((named("method_delivery_count.method", row.text(0)?, |text| text.parse().ok())?, row.get(1)?))
    })
}

/// The clients with failed attempts since an hour, to URLs that were not removed: how many failed, of how many. Of one
/// client if one is named.
///
/// # Errors
/// If the store fails.
pub fn list_failing(
    tx: &Tx<'_>,
    since: Timestamp,
    client: Option<ClientNumber>,
) -> Result<Vec<(ClientNumber, u64, u64)>, StoreError> {
    let values = params![since, Outcome::Delivered.as_str(), client.map_or(0, |client| client.0)];
    tx.all(&OF_FAILING, values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// Drops up to `limit` counts of each kind of before `first`, and says how many.
///
/// # Errors
/// If the store fails.
pub fn drop_before(tx: &Tx<'_>, first: Timestamp, limit: u32) -> Result<usize, StoreError> {
    [&DROP, &DROP_OF_METHODS]
        .into_iter()
        .try_fold(0, |dropped, sql| Ok(dropped + tx.exec(sql, params![first, limit])?))
}

fn counted(row: &Row<'_>) -> Result<Counted, StoreError> {
    Ok(Counted {
        outcome: named("attempt_count.outcome", row.text(0)?, Outcome::from_name)?,
        took: row.get(1)?,
        attempts: row.get(2)?,
    })
}
