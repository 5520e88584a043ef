//! Calls of the REST API, counted by hour: additions from many nodes, sums for people.

use std::collections::BTreeMap;
use std::net::IpAddr;

use gatepost_model::{ClientNumber, Timestamp, WorkspaceNumber};

use super::named;
use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[
    &ADD,
    &ADD_OF_SECRET,
    &ADD_OF_ADDRESS,
    &OF_CLIENT,
    &REFUSED,
    &OF_SECRETS,
    &OF_ALL_SECRETS,
    &OF_ADDRESSES,
    &DROP,
    &DROP_OF_SECRETS,
    &DROP_OF_ADDRESSES,
];

/// How many addresses are counted for a client in a day; calls from further ones are in the other counts alone.
pub const MOST_ADDRESSES: u32 = 200;

static ADD: Sql = Sql::new(
    "INSERT INTO call_count (hour, client_number, workspace_number, verdict, calls) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (hour, client_number, workspace_number, verdict)
     DO UPDATE SET calls = call_count.calls + excluded.calls",
);

static ADD_OF_SECRET: Sql = Sql::new(
    "INSERT INTO secret_call_count (hour, client_number, secret_number, calls) VALUES ($1, $2, $3, $4)
     ON CONFLICT (hour, client_number, secret_number)
     DO UPDATE SET calls = secret_call_count.calls + excluded.calls",
);

static ADD_OF_ADDRESS: Sql = Sql::new(
    "INSERT INTO address_call_count (client_number, day, address, calls)
     SELECT CAST($1 AS {int}), CAST($2 AS {ts}), CAST($3 AS TEXT), CAST($4 AS {int})
     WHERE $5 > (SELECT count(*) FROM address_call_count WHERE client_number = $1 AND day = $2)
     OR EXISTS (SELECT 1 FROM address_call_count WHERE client_number = $1 AND day = $2 AND address = $3)
     ON CONFLICT (client_number, day, address)
     DO UPDATE SET calls = address_call_count.calls + excluded.calls",
);

static OF_CLIENT: Sql = Sql::new(
    "SELECT hour, workspace_number, verdict, calls FROM call_count
     WHERE client_number = $1 AND hour >= $2 ORDER BY hour, workspace_number, verdict",
);

static REFUSED: Sql = Sql::new(
    "SELECT client_number, workspace_number, CAST(sum(calls) AS {int}) FROM call_count
     WHERE verdict = $1 AND hour >= $2 GROUP BY client_number, workspace_number",
);

static OF_SECRETS: Sql = Sql::new(
    "SELECT secret_number, CAST(sum(calls) AS {int}) FROM secret_call_count
     WHERE client_number = $1 AND hour >= $2 GROUP BY secret_number ORDER BY secret_number",
);

static OF_ALL_SECRETS: Sql = Sql::new(
    "SELECT u.client_number, u.secret_number, CAST(sum(u.calls) AS {int}) FROM secret_call_count u
     WHERE u.hour >= $1 AND u.client_number IN
     (SELECT s.client_number FROM client_secret s WHERE s.expires_at > $2)
     GROUP BY u.client_number, u.secret_number",
);

static OF_ADDRESSES: Sql = Sql::new(
    "SELECT address, CAST(sum(calls) AS {int}) FROM address_call_count
     WHERE client_number = $1 AND day >= $2 GROUP BY address ORDER BY 2 DESC, 1",
);

static DROP: Sql = Sql::new(
    "DELETE FROM call_count WHERE (hour, client_number, workspace_number, verdict) IN
     (SELECT hour, client_number, workspace_number, verdict FROM call_count
      WHERE hour < $1 ORDER BY hour LIMIT $2)",
);

static DROP_OF_SECRETS: Sql = Sql::new(
    "DELETE FROM secret_call_count WHERE (hour, client_number, secret_number) IN
     (SELECT hour, client_number, secret_number FROM secret_call_count
      WHERE hour < $1 ORDER BY hour LIMIT $2)",
);

static DROP_OF_ADDRESSES: Sql = Sql::new(
    "DELETE FROM address_call_count WHERE (client_number, day, address) IN
     (SELECT client_number, day, address FROM address_call_count WHERE day < $1 ORDER BY day LIMIT $2)",
);

/// What a call is counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// The client.
    pub client: ClientNumber,
    /// The workspace; none where none was named, or none that exists.
    pub workspace: Option<WorkspaceNumber>,
    /// `passed`, or the reason of the refusal.
    pub verdict: &'static str,
}

/// Counts to add, in the order of their keys: nodes that add at the same time then never wait for each other in a circle.
#[derive(Clone, Debug, Default)]
pub struct Additions {
    /// By hour, client, workspace and verdict.
    pub calls: BTreeMap<Call, u64>,
    /// By hour, client and secret.
    pub secrets: BTreeMap<(Timestamp, ClientNumber, u16), u64>,
    /// By client, day and address.
    pub addresses: BTreeMap<(ClientNumber, Timestamp, IpAddr), u64>,
}

/// Calls of one client in one hour that ended alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// The workspace; none where none was named, or none that exists.
    pub workspace: Option<WorkspaceNumber>,
    /// `passed`, or the reason of the refusal.
    pub verdict: String,
    /// How many.
    pub calls: u64,
}

/// Calls of one client that were refused for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The client.
    pub client: ClientNumber,
    /// The workspace; none where none was named, or none that exists.
    pub workspace: Option<WorkspaceNumber>,
    /// How many.
    pub calls: u64,
}

/// Adds to the counts.
///
/// # Errors
/// If the store fails.
pub fn add(tx: &Tx<'_>, additions: &Additions) -> Result<(), StoreError> {
    for (call, calls) in &additions.calls {
        let workspace = call.workspace.map_or(0, |number| number.0);
        tx.exec_later(&ADD, params![call.hour, call.client, workspace, call.verdict, *calls])?;
    }
    for ((hour, client, secret), calls) in &additions.secrets {
        tx.exec_later(&ADD_OF_SECRET, params![*hour, *client, *secret, *calls])?;
    }
    for ((client, day, address), calls) in &additions.addresses {
        let address = address.to_string();
        tx.exec_later(&ADD_OF_ADDRESS, params![*client, *day, &address, *calls, MOST_ADDRESSES])?;
    }
    Ok(())
}

/// The counts of a client since an hour, in the order of time.
///
/// # Errors
/// If the store fails.
pub fn list_of_client(
    tx: &Tx<'_>,
    client: ClientNumber,
    since: Timestamp,
) -> Result<Vec<Counted>, StoreError> {
    tx.all(&OF_CLIENT, params![client, since], |row| {
        Ok(Counted {
            hour: row.get(0)?,
            workspace: workspace(row.get(1)?),
            verdict: row.get(2)?,
            calls: row.get(3)?,
        })
    })
}

/// Every client's calls that were refused for one reason since an hour, by workspace.
///
/// # Errors
/// If the store fails.
pub fn list_refused(tx: &Tx<'_>, verdict: &str, since: Timestamp) -> Result<Vec<Refused>, StoreError> {
    tx.all(&REFUSED, params![verdict, since], |row| {
        Ok(Refused { client: row.get(0)?, workspace: workspace(row.get(1)?), calls: row.get(2)? })
    })
}

/// The calls of a client that passed since an hour, by the number of their secret.
///
/// # Errors
/// If the store fails.
pub fn sum_by_secret(
    tx: &Tx<'_>,
    client: ClientNumber,
    since: Timestamp,
) -> Result<Vec<(u16, u64)>, StoreError> {
    tx.all(&OF_SECRETS, params![client, since], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The calls that passed since an hour with secrets of clients of which one secret comes to an end after `now`.
///
/// # Errors
/// If the store fails.
pub fn sum_of_rotating(
    tx: &Tx<'_>,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<(ClientNumber, u16, u64)>, StoreError> {
    tx.all(&OF_ALL_SECRETS, params![since, now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// The calls of a client since a day, by address, the busiest first.
///
/// # Errors
/// If the store fails.
pub fn sum_by_address(
    tx: &Tx<'_>,
    client: ClientNumber,
    since: Timestamp,
) -> Result<Vec<(IpAddr, u64)>, StoreError> {
    tx.all(&OF_ADDRESSES, params![client, since], |row| {
        let address = named("address_call_count.address", row.text(0)?, |text| text.parse().ok())?;
        Ok((address, row.get(1)?))
    })
}

/// Drops up to `limit` counts of each kind of before `first`, and says how many.
///
/// # Errors
/// If the store fails.
pub fn drop_before(tx: &Tx<'_>, first: Timestamp, limit: u32) -> Result<usize, StoreError> {
    [&DROP, &DROP_OF_SECRETS, &DROP_OF_ADDRESSES]
        .into_iter()
        .try_fold(0, |dropped, sql| Ok(dropped + tx.exec(sql, params![first, limit])?))
}

fn workspace(number: i64) -> Option<WorkspaceNumber> {
    (number > 0).then_some(WorkspaceNumber(number))
}
