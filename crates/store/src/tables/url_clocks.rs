//! The clocks of webhook URLs whose attempts all fail: started, moved on and ended by those who record attempts, looked at by
//! those who disable. They are in the store, so that all nodes and every restart go by one clock.
//!
//! A URL that takes what it gets has none, and recording its attempts changes no row here.

use gatepost_model::{ClientNumber, FailureClock, Timestamp, UrlState};

use super::named;
use super::webhook_urls::{clock_from_row, unsubscribe_url};
use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&MOVE_ON, &SUCCEED, &END, &DUE, &LOOKED_AT, &GONE, &DISABLE];

/// A clock that waits for another failure is looked at as soon as there is one.
static MOVE_ON: Sql = Sql::new(
    "UPDATE webhook_url SET failing_since = coalesce(failing_since, $2), failed_at = $3,
     disables_at = coalesce(disables_at, $4),
     look_at = coalesce(look_at, CASE WHEN failing_since IS NULL THEN CAST($5 AS {ts}) ELSE CAST($3 AS {ts}) END)
     WHERE id = $1 AND state <> 'disabled' AND removed_at IS NULL",
);

static SUCCEED: Sql = Sql::new(
    "UPDATE webhook_url SET failing_since = NULL, failed_at = NULL, disables_at = NULL, look_at = NULL
     WHERE id = $1 AND failing_since IS NOT NULL AND state <> 'disabled'",
);

static END: Sql = Sql::new(
    "UPDATE webhook_url SET failing_since = NULL, failed_at = NULL, disables_at = NULL, look_at = NULL
     WHERE id = $1",
);

static DUE: Sql = Sql::new(
    "SELECT id, client_number, url, failing_since, failed_at, disables_at, look_at, state, reason FROM webhook_url
     WHERE look_at <= $1 AND state <> 'paused' AND removed_at IS NULL ORDER BY look_at LIMIT $2",
);

static LOOKED_AT: Sql = Sql::new(
    "UPDATE webhook_url SET look_at = $4 WHERE id = $1 AND look_at = $2 AND state = $3 AND removed_at IS NULL",
);

/// The owner of one that is gone is told as soon as somebody looks.
static GONE: Sql = Sql::new(
    "UPDATE webhook_url SET failing_since = NULL, failed_at = NULL, disables_at = NULL, look_at = 0 WHERE id = $1",
);

static DISABLE: Sql = Sql::new("UPDATE webhook_url SET state = $2, reason = $3 WHERE id = $1");

/// A clock that is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueClock {
    /// `whu_…`.
    pub url_id: String,
    /// Whose URL it is.
    pub client: ClientNumber,
    /// The URL.
    pub url: String,
    /// The clock; none of a URL that was disabled because its receiver is gone.
    pub clock: Option<FailureClock>,
    /// Whether it is disabled already.
    pub state: UrlState,
    /// Why.
    pub reason: Option<String>,
    /// Since when it is due.
    pub look_at: Timestamp,
}

/// Starts the clock of a URL of which an attempt failed, or moves it on: for one that runs already, only `last` counts.
///
/// # Errors
/// If the store fails.
pub fn move_on(tx: &Tx<'_>, url_id: &str, clock: &FailureClock) -> Result<(), StoreError> {
    let look_at = clock.next_look(clock.last);
    tx.exec_later(&MOVE_ON, params![url_id, clock.since, clock.last, clock.disables_at, look_at])
}

/// Ends the clock of a URL of which an attempt succeeded. One that has no clock costs no change of a row; one that is
/// disabled keeps it.
///
/// # Errors
/// If the store fails.
pub fn succeed(tx: &Tx<'_>, url_id: &str) -> Result<(), StoreError> {
    tx.exec_later(&SUCCEED, params![url_id])
}

/// Ends the clock of a URL whose receiver is gone, and has its owner told.
pub(super) fn gone(tx: &Tx<'_>, url_id: &str) -> Result<(), StoreError> {
    tx.exec_later(&GONE, params![url_id])
}

/// Ends the clock of a URL that a person has enabled, resumed or moved.
pub(super) fn end(tx: &Tx<'_>, url_id: &str) -> Result<(), StoreError> {
    tx.exec_later(&END, params![url_id])
}

/// The clocks that are to be looked at by `now`, and the URLs whose owners are to be told that their receivers are gone, up to `limit`, those first that wait longest.
///
/// # Errors
/// If the store fails.
pub fn list_due(tx: &Tx<'_>, now: Timestamp, limit: u32) -> Result<Vec<DueClock>, StoreError> {
    tx.all(&DUE, params![now, limit], |row| {
        Ok(DueClock {
            url_id: row.get(0)?,
            client: row.get(1)?,
            url: row.get(2)?,
            clock: clock_from_row(row, 3)?,
            look_at: row.get(6)?,
            state: named("webhook_url.state", row.text(7)?, UrlState::from_name)?,
            reason: row.get(8)?,
        })
    })
}

/// Notes that a clock was looked at, and when it is the next time. False, and nothing noted, if another node has done it or
/// the clock has ended.
///
/// # Errors
/// If the store fails.
pub fn looked_at(tx: &Tx<'_>, due: &DueClock, next: Option<Timestamp>) -> Result<bool, StoreError> {
    Ok(tx.exec(&LOOKED_AT, params![&due.url_id, due.look_at, due.state.as_str(), next])? > 0)
}

/// Stops sending to a URL whose clock has run out. The clock stays as it is, for it says since when. False, and nothing done,
/// if another node has done it or the clock has ended.
///
/// # Errors
/// If the store fails.
pub fn disable(tx: &Tx<'_>, due: &DueClock, reason: &str) -> Result<bool, StoreError> {
    if !looked_at(tx, due, None)? {
        return Ok(false);
    }
    tx.exec_later(&DISABLE, params![&due.url_id, UrlState::Disabled.as_str(), reason])?;
    unsubscribe_url(tx, due.client, &due.url_id)?;
    Ok(true)
}
