//! Rate-limit quotas that several nodes share: each node takes a part of a client's window in advance.

use gatepost_model::limit::WINDOW;
use gatepost_model::{ClientNumber, Timestamp};

use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&TAKE, &GIVE_BACK];

/// Gives out the next part, whether or not there is that much left: whoever takes it works out from the count before it
/// how much of it is within the limit. One statement, so that two nodes never get the same part.
static TAKE: Sql = Sql::new(
    "INSERT INTO rate_window (client_number, started, given) VALUES ($1, $2, $3)
     ON CONFLICT (client_number) DO UPDATE SET
     given = CASE WHEN rate_window.started <= $4 THEN excluded.given ELSE rate_window.given + excluded.given END,
     started = CASE WHEN rate_window.started <= $4 THEN excluded.started ELSE rate_window.started END
     RETURNING started, given",
);

/// Only the window that it was taken of gets it back.
static GIVE_BACK: Sql = Sql::new(
    "UPDATE rate_window SET given = given - $3 WHERE client_number = $1 AND started = $2 AND given >= $3",
);

/// A part of a client's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// When the window began.
    pub started: Timestamp,
    /// Requests that this node may let pass.
    pub requests: u32,
    /// Requests of the window that nobody has taken yet.
    pub left: u32,
}

/// Takes up to `most` requests of the client's window of `limit`, for this node; opens a new window if the last one has
/// ended at `now`. All parts of a window together are never more than its limit.
///
/// # Errors
/// If the store fails.
pub fn take(
    tx: &Tx<'_>,
    client: ClientNumber,
    limit: u32,
    most: u32,
    now: Timestamp,
) -> Result<Part, StoreError> {
    let (started, given): (Timestamp, i64) =
        tx.one(&TAKE, params![client, now, most, now.minus(WINDOW)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (limit, most) = (i64::from(limit), i64::from(most));
    let requests = (limit - (given - most)).clamp(0, most);
    let left = (limit - given).max(0);
    let small = |number: i64| u32::try_from(number).unwrap_or(0);
    Ok(Part { started, requests: small(requests), left: small(left) })
}

/// What is left of a part that its node will not use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unused {
    /// Whose window it is.
    pub client: ClientNumber,
    /// When the window began.
    pub started: Timestamp,
    /// Requests that the node has taken and let nobody use.
    pub requests: u32,
}

/// Gives back what was taken in advance, so that other nodes may let it pass; of a window that has ended meanwhile,
/// nothing.
///
/// # Errors
/// If the store fails.
pub fn give_back(tx: &Tx<'_>, unused: &[Unused]) -> Result<(), StoreError> {
    for part in unused {
        tx.exec_later(&GIVE_BACK, params![part.client, part.started, part.requests])?;
    }
    Ok(())
}
