//! What people do to pending deliveries: calling one off, having one tried at once, letting go what a pause held back.
//!
//! What is leased is on its way, and left alone: only the holder of the lease may say what became of it.

use gatepost_model::{ClientNumber, DeliveryState, Timestamp, WorkspaceNumber};

use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] =
    &[&CANCEL, &ADVANCE, &COUNT, &COUNT_AMONG, &RELEASE, &CANCEL_ALL, &CANCEL_OLDER];

static CANCEL: Sql = Sql::new(
    "UPDATE delivery SET state = $4, reason = $5, ended_at = $3, fence = fence + 1
     WHERE workspace_number = $1 AND id = $2 AND state < 1 AND leased = FALSE",
);

static ADVANCE: Sql = Sql::new(
    "UPDATE delivery SET due_at = $3, reason = NULL
     WHERE workspace_number = $1 AND id = $2 AND state < 1 AND leased = FALSE",
);

/// `+` keeps the engines from walking through all that the client ever got: what is pending has an index of its own.
static COUNT: Sql = Sql::new(
    "SELECT count(*) FROM delivery WHERE +client_number = $1 AND url_id = $2 AND state = 0 AND due_at >= 0",
);

/// Those that come first, of all clients: they have an index, and looking at a bounded number of them takes a bounded time.
static COUNT_AMONG: Sql = Sql::new(
    "SELECT count(*),
     CAST(COALESCE(sum(CASE WHEN client_number = $1 AND (CAST($2 AS TEXT) IS NULL OR url_id = $2)
                       THEN 1 ELSE 0 END), 0) AS {int})
     FROM (SELECT client_number, url_id FROM delivery WHERE state = 0 ORDER BY due_at LIMIT $3) pending",
);

static RELEASE: Sql = Sql::new(
    "UPDATE delivery SET due_at = $3, reason = NULL
     WHERE +client_number = $1 AND url_id = $2 AND state = 0 AND due_at >= 0 AND leased = FALSE",
);

static CANCEL_ALL: Sql = Sql::new(
    "UPDATE delivery SET state = $4, reason = $5, ended_at = $3, fence = fence + 1
     WHERE +client_number = $1 AND url_id = $2 AND state = 0 AND due_at >= 0 AND leased = FALSE",
);

static CANCEL_OLDER: Sql = Sql::new(
    "WITH held AS
     (SELECT d.id, d.workspace_number, row_number() OVER
         (PARTITION BY d.workspace_number, e.record_id ORDER BY d.event_id DESC, d.id DESC) AS place
      FROM delivery d JOIN event e ON e.workspace_number = d.workspace_number AND e.id = d.event_id
      WHERE +d.client_number = $1 AND d.url_id = $2 AND d.state = 0 AND d.due_at >= 0 AND d.leased = FALSE)
     UPDATE delivery SET state = $4, reason = $5, ended_at = $3, fence = fence + 1
     WHERE (id, workspace_number) IN (SELECT id, workspace_number FROM held WHERE place > 1)",
);

/// Calls one pending delivery off. False, and nothing done, if it is on its way or has come to its end.
///
/// # Errors
/// If the store fails.
pub fn cancel(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    id: &str,
    reason: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let state = DeliveryState::Cancelled.code();
    Ok(tx.exec(&CANCEL, params![workspace, id, now, state, reason])? > 0)
}

/// Makes one pending delivery due at `now`. False, and nothing done, if it is on its way or has come to its end.
///
/// # Errors
/// If the store fails.
pub fn advance(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.exec(&ADVANCE, params![workspace, id, now])? > 0)
}

/// How many deliveries to a webhook URL are pending.
///
/// # Errors
/// If the store fails.
pub fn count_pending(tx: &Tx<'_>, client: ClientNumber, url_id: &str) -> Result<u32, StoreError> {
    tx.one(&COUNT, params![client, url_id], |row| row.get(0))
}

/// A count of pending deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// How many were found.
    pub found: u64,
    /// Whether there are so many of all clients that there may be more.
    pub may_be_more: bool,
}

/// How many deliveries of a client, or to one of its webhook URLs, are among the `limit` pending ones that are due first.
///
/// # Errors
/// If the store fails.
pub fn count_pending_among(
    tx: &Tx<'_>,
    client: ClientNumber,
    url_id: Option<&str>,
    limit: u32,
) -> Result<Pending, StoreError> {
    tx.one(&COUNT_AMONG, params![client, url_id, limit], |row| {
        let all: u32 = row.get(0)?;
        Ok(Pending { found: row.get(1)?, may_be_more: all >= limit })
    })
}

/// Makes all pending deliveries to a webhook URL due at `now`, and says how many.
///
/// # Errors
/// If the store fails.
pub fn release(tx: &Tx<'_>, client: ClientNumber, url_id: &str, now: Timestamp) -> Result<usize, StoreError> {
    tx.exec(&RELEASE, params![client, url_id, now])
}

/// Calls off all pending deliveries to a webhook URL, and says how many.
///
/// # Errors
/// If the store fails.
pub fn cancel_all(
    tx: &Tx<'_>,
    client: ClientNumber,
    url_id: &str,
    reason: &str,
    now: Timestamp,
) -> Result<usize, StoreError> {
    tx.exec(&CANCEL_ALL, params![client, url_id, now, DeliveryState::Cancelled.code(), reason])
}

/// Calls off those pending deliveries to a webhook URL that a newer one of the same record follows, and says how many.
///
/// # Errors
/// If the store fails.
pub fn cancel_older(
    tx: &Tx<'_>,
    client: ClientNumber,
    url_id: &str,
    reason: &str,
    now: Timestamp,
) -> Result<usize, StoreError> {
    tx.exec(&CANCEL_OLDER, params![client, url_id, now, DeliveryState::Cancelled.code(), reason])
}
