//! Calls of the REST API, counted by hour: additions from many nodes, sums for people.

use std::collections::BTreeMap;
use std::net::IpAddr;

use gatepost_model::{ClientNumber, Timestamp, WorkspaceNumber};

use super::client_list::json_list;
use super::named;
use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[
    &ADD,
    &ADD_OF_SECRET,
    &ADD_OF_ADDRESS,
    &OF_CLIENT,
    &REFUSED,
    &REFUSED_IN,
    &BY_DAY,
    &OF_SECRETS,
    &OF_REPLACED,
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
    "SELECT client_number, CAST(sum(calls) AS {int}) FROM call_count
     WHERE verdict = $1 AND hour >= $2 AND ($3 = 0 OR client_number = $3) GROUP BY client_number",
);

static REFUSED_IN: Sql = Sql::new(
    "SELECT r.client_number, r.workspace_number, CAST(sum(r.calls) AS {int}) FROM call_count r
     WHERE r.verdict = $1 AND r.hour >= $2 AND ($3 = 0 OR r.client_number = $3)
     AND NOT EXISTS (SELECT 1 FROM client_workspace w
      WHERE w.client_number = r.client_number AND w.workspace_number = r.workspace_number)
     GROUP BY r.client_number, r.workspace_number",
);

static BY_DAY: Sql = Sql::new(
    "SELECT client_number, hour / 86400000000,
     CAST(sum(CASE WHEN verdict = $3 THEN calls ELSE 0 END) AS {int}), CAST(sum(calls) AS {int})
     FROM call_count WHERE client_number IN (SELECT number FROM api_client WHERE id IN {in_list $1}) AND hour >= $2
     GROUP BY client_number, hour / 86400000000",
);

static OF_SECRETS: Sql = Sql::new(
    "SELECT secret_number, CAST(sum(calls) AS {int}) FROM secret_call_count
     WHERE client_number = $1 AND hour >= $2 GROUP BY secret_number ORDER BY secret_number",
);

/// Begins with the newer secrets, of which there are few.
static OF_REPLACED: Sql = Sql::new(
    "WITH replaced AS MATERIALIZED
     (SELECT DISTINCT s.client_number, s.number, s.expires_at FROM client_secret n CROSS JOIN client_secret s
      WHERE n.number > 1 AND n.client_number >= $4 AND n.client_number <= $5
      AND n.killed_at IS NULL AND (n.expires_at IS NULL OR n.expires_at > $3)
      AND s.client_number = n.client_number AND s.number < n.number
      AND s.killed_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > $3))
     SELECT u.client_number, CAST(sum(u.calls) AS {int}),
     CAST(sum(CASE WHEN u.hour >= $2 THEN u.calls ELSE 0 END) AS {int}), max(s.expires_at)
     FROM replaced s CROSS JOIN secret_call_count u
     WHERE u.client_number = s.client_number AND u.secret_number = s.number AND u.hour >= $1
     GROUP BY u.client_number",
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

/// Calls of one client that passed with secrets which a newer one has replaced and which are still good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The client.
    pub client: ClientNumber,
    /// How many.
    pub calls: u64,
    /// How many of them lately.
    pub lately: u64,
    /// When the last of these secrets ends; none if only ones without an end were used.
    pub ends_at: Option<Timestamp>,
}

/// Calls of one client on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCounted {
    /// The client.
    pub client: ClientNumber,
    /// The day (UTC), in days since 1970.
    pub day: i64,
    /// How many passed.
    pub passed: u64,
    /// How many were made.
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

/// The calls that were refused for one reason since an hour, by client; of one client if one is named.
///
/// # Errors
/// If the store fails.
pub fn sum_refused(
    tx: &Tx<'_>,
    verdict: &str,
    since: Timestamp,
    client: Option<ClientNumber>,
) -> Result<Vec<(ClientNumber, u64)>, StoreError> {
    tx.all(&REFUSED, params![verdict, since, one_or_all(client)], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The calls that were refused for one reason since an hour, by client and workspace (none where it does not exist), but
/// for workspaces that the client is enabled for by now; of one client if one is named.
///
/// # Errors
/// If the store fails.
pub fn sum_refused_in(
    tx: &Tx<'_>,
    verdict: &str,
    since: Timestamp,
    client: Option<ClientNumber>,
) -> Result<Vec<(ClientNumber, Option<WorkspaceNumber>, u64)>, StoreError> {
    tx.all(&REFUSED_IN, params![verdict, since, one_or_all(client)], |row| {
        Ok((row.get(0)?, workspace(row.get(1)?), row.get(2)?))
    })
}

/// The calls of the clients with these ids since the beginning of a day, by day; those with the verdict `passed` apart.
///
/// # Errors
/// If the store fails.
pub fn list_by_day(
    tx: &Tx<'_>,
    ids: &[&str],
    since: Timestamp,
    passed: &str,
) -> Result<Vec<DayCounted>, StoreError> {
    tx.all(&BY_DAY, params![&json_list(ids), since, passed], |row| {
        Ok(DayCounted { client: row.get(0)?, day: row.get(1)?, passed: row.get(2)?, calls: row.get(3)? })
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

/// The calls that passed since the hour `since` with secrets that a newer one has replaced, by client; `lately` begins an
/// hour too. Of one client if one is named.
///
/// # Errors
/// If the store fails.
pub fn sum_of_replaced(
    tx: &Tx<'_>,
    (since, lately): (Timestamp, Timestamp),
    now: Timestamp,
    client: Option<ClientNumber>,
) -> Result<Vec<Replaced>, StoreError> {
    let first = client.map_or(0, |client| client.0);
    let last = client.map_or(u32::MAX, |client| client.0);
    tx.all(&OF_REPLACED, params![since, lately, now, first, last], |row| {
        Ok(Replaced { client: row.get(0)?, calls: row.get(1)?, lately: row.get(2)?, ends_at: row.get(3)? })
    })
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

/// Clients are numbered from 1.
fn one_or_all(client: Option<ClientNumber>) -> u32 {
    client.map_or(0, |client| client.0)
}

fn workspace(number: i64) -> Option<WorkspaceNumber> {
    (number > 0).then_some(WorkspaceNumber(number))
}
