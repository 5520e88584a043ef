//! Deliveries and their attempts.

use std::collections::HashMap;

use gatepost_model::webhook::{Attempt, Delivery, Outcome};
use gatepost_model::{ClientNumber, DeliveryState, Method, Timestamp, WorkspaceNumber};

use super::named;
use crate::{Row, Sql, StoreError, Tx, Value, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &CLAIM,
    &CLAIMED,
    &DUE,
    &TAKE,
    &END_WITHOUT_EVENT,
    &NEXT_DUE,
    &OVERDUE,
    &RELEASE_ALL,
    &RECORD,
    &INSERT_ATTEMPT,
    &GET,
    &ATTEMPTS,
];

static INSERT: Sql = Sql::new(
    "INSERT INTO delivery (id, workspace_number, event_id, url_id, client_number, method, state, attempts,
     due_at, leased, fence, created_at, replay_of)
     VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8, $9, $10, $11)",
);

/// What is due is picked once and before anything is changed: a plan that asked for it again would find, and lock, more
/// than the limit.
static CLAIM: Sql = Sql::new(
    "WITH due AS MATERIALIZED
     (SELECT id, workspace_number FROM delivery WHERE state = 0 AND due_at <= $1 ORDER BY due_at LIMIT $3 {lock})
     UPDATE delivery SET leased = TRUE, due_at = $2, fence = fence + 1
     WHERE (id, workspace_number) IN (SELECT id, workspace_number FROM due)
     RETURNING id, workspace_number",
);

static CLAIMED: Sql = Sql::new(
    "SELECT d.id, d.event_id, d.url_id, d.client_number, d.workspace_number, d.method, d.attempts, d.fence,
     e.record_id, e.record, e.caused_by, e.at
     FROM delivery d JOIN event e ON e.workspace_number = d.workspace_number AND e.id = d.event_id
     WHERE d.workspace_number = $1 AND d.id = $2",
);

static DUE: Sql = Sql::new(
    "SELECT id, workspace_number, url_id FROM delivery WHERE state = 0 AND due_at <= $1 ORDER BY due_at LIMIT $2 {lock}",
);

static TAKE: Sql = Sql::new(
    "UPDATE delivery SET leased = $3, due_at = $4, fence = fence + 1 WHERE workspace_number = $1 AND id = $2",
);

static END_WITHOUT_EVENT: Sql = Sql::new(
    "UPDATE delivery SET state = $3, reason = $4, leased = FALSE, ended_at = $5
     WHERE workspace_number = $1 AND id = $2 AND state < 1",
);

static NEXT_DUE: Sql = Sql::new("SELECT min(due_at) FROM delivery WHERE state = 0");

static OVERDUE: Sql = Sql::new(
    "SELECT count(*), min(due_at) FROM
     (SELECT due_at FROM delivery WHERE state = 0 AND due_at <= $1 AND leased = FALSE ORDER BY due_at LIMIT $2) due",
);

static RELEASE_ALL: Sql = Sql::new(
    "UPDATE delivery SET leased = FALSE, due_at = $1, fence = fence + 1 WHERE state = 0 AND leased = TRUE",
);

/// `state < 1` is pending too. But `state = 0` lets PostgreSQL look through the index of all that is pending, which it finds
/// cheaper than the key whenever nothing was pending when it last looked.
static RECORD: Sql = Sql::new(
    "UPDATE delivery SET state = $4, reason = $5, attempts = $6, due_at = $7, leased = FALSE, ended_at = $8
     WHERE workspace_number = $1 AND id = $2 AND fence = $3 AND state < 1 AND leased = TRUE",
);

static INSERT_ATTEMPT: Sql = Sql::new(
    "INSERT INTO attempt (workspace_number, delivery_id, number, started_at, duration_us, outcome, status, error, address,
     request_headers, response_headers, reply, client_revision)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
);

static GET: Sql = Sql::new(
    "SELECT id, event_id, url_id, client_number, workspace_number, method, state, reason, attempts, due_at,
     created_at, ended_at, replay_of, replay_id FROM delivery WHERE id = $1",
);

static ATTEMPTS: Sql = Sql::new(
    "SELECT delivery_id, number, started_at, duration_us, outcome, status, error, address, request_headers,
     response_headers, reply, client_revision FROM attempt WHERE workspace_number = $1 AND delivery_id = $2 ORDER BY number",
);

/// A delivery that is this node's to send, with the event that it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// `dlv_…`.
    pub id: String,
    /// `evt_…`.
    pub event_id: String,
    /// The webhook URL.
    pub url_id: String,
    /// Whose URL it is.
    pub client: ClientNumber,
    /// Where the event happened.
    pub workspace: WorkspaceNumber,
    /// What happened.
    pub method: Method,
    /// Tries so far.
    pub attempts: u32,
    /// The claim: only its holder may record.
    pub fence: i64,
    /// To which record.
    pub record_id: String,
    /// The record: JSON text.
    pub record: String,
    /// Who caused it.
    pub caused_by: String,
    /// When it happened.
    pub event_at: Timestamp,
}

/// A delivery to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewDelivery<'a> {
    /// `dlv_…`.
    pub id: &'a str,
    /// The event.
    pub event_id: &'a str,
    /// The webhook URL.
    pub url_id: &'a str,
    /// Whose URL it is.
    pub client: ClientNumber,
    /// Where the event happened.
    pub workspace: WorkspaceNumber,
    /// What happened.
    pub method: &'a Method,
    /// When it is made.
    pub created_at: Timestamp,
    /// Until when this node holds it, if it sends it itself at once; otherwise it is due now.
    pub leased_until: Option<Timestamp>,
    /// The delivery that it replays.
    pub replay_of: Option<&'a str>,
}

/// What became of a delivery after a try, or without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// `dlv_…`.
    pub id: String,
    /// Where the event happened.
    pub workspace: WorkspaceNumber,
    /// The claim under which this was found out.
    pub fence: i64,
    /// Where the delivery now stands.
    pub state: DeliveryState,
    /// Why.
    pub reason: Option<String>,
    /// Tries so far.
    pub attempts: u32,
    /// When it is next tried, if it is.
    pub due_at: Timestamp,
    /// When it came to its end, if it did.
    pub ended_at: Option<Timestamp>,
    /// The try, if there was one.
    pub attempt: Option<Attempt>,
}

/// Makes a delivery.
///
/// # Errors
/// If the store fails.
pub fn insert(tx: &Tx<'_>, delivery: &NewDelivery<'_>) -> Result<(), StoreError> {
    insert_due_at(tx, delivery, delivery.leased_until.unwrap_or(delivery.created_at))
}

/// Makes a delivery that nobody holds and whose turn comes later.
///
/// # Errors
/// If the store fails.
pub fn insert_for_later(
    tx: &Tx<'_>,
    delivery: &NewDelivery<'_>,
    due_at: Timestamp,
) -> Result<(), StoreError> {
    insert_due_at(tx, &NewDelivery { leased_until: None, ..*delivery }, due_at)
}

fn insert_due_at(tx: &Tx<'_>, delivery: &NewDelivery<'_>, due_at: Timestamp) -> Result<(), StoreError> {
    tx.exec_later(
        &INSERT,
        params![
            delivery.id,
            delivery.workspace,
            delivery.event_id,
            delivery.url_id,
            delivery.client,
            delivery.method.as_str(),
            due_at,
            delivery.leased_until.is_some(),
            FIRST_FENCE,
            delivery.created_at,
            delivery.replay_of,
        ],
    )
}

/// The fence of a delivery that is leased as it is made.
pub const FIRST_FENCE: i64 = 1;

/// Claims up to `limit` deliveries that are due at `now`, oldest first, and holds them until `lease_until`.
///
/// # Errors
/// If the store fails.
pub fn claim(
    tx: &Tx<'_>,
    now: Timestamp,
    lease_until: Timestamp,
    limit: u32,
) -> Result<Vec<Claimed>, StoreError> {
    let keys: Vec<(String, WorkspaceNumber)> =
        tx.all(&CLAIM, params![now, lease_until, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    read_claimed(tx, &keys, now)
}

/// So many that are due are looked at to find the few that may be claimed.
const LOOKED_AT: u32 = 1_024;

/// [`claim`], but what is for a URL that is named in `put_off` is made due at the moment that stands there instead, up to
/// a thousand at a time: it costs a write by key and no memory. Also says how many of which URL were put off.
///
/// # Errors
/// If the store fails.
pub fn claim_others(
    tx: &Tx<'_>,
    now: Timestamp,
    lease_until: Timestamp,
    limit: u32,
    put_off: &HashMap<String, Timestamp>,
) -> Result<(Vec<Claimed>, HashMap<String, u32>), StoreError> {
    let mut room = limit;
    let (mut keys, mut taken, mut counts) = (Vec::new(), Vec::new(), HashMap::new());
    let due: Vec<(String, WorkspaceNumber, String)> =
        tx.all(&DUE, params![now, LOOKED_AT], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for (id, workspace, url_id) in due {
        if let Some(until) = put_off.get(&url_id) {
            taken.push((id, workspace, false, *until));
            *counts.entry(url_id).or_insert(0) += 1;
        } else if room > 0 {
            room -= 1;
            keys.push((id.clone(), workspace));
            taken.push((id, workspace, true, lease_until));
        }
    }
    let sets: Vec<[Value<'_>; 4]> = taken
        .iter()
        .map(|(id, workspace, leased, due_at)| {
            [(*workspace).into(), id.into(), (*leased).into(), (*due_at).into()]
        })
        .collect();
    tx.exec_each(&TAKE, &sets.iter().map(<[Value<'_>; 4]>::as_slice).collect::<Vec<_>>())?;
    Ok((read_claimed(tx, &keys, now)?, counts))
}

/// Why a delivery was skipped whose event is no longer there.
pub const EVENT_GONE: &str = "the event is no longer kept";

/// What was claimed, with its events. A delivery whose event is gone, as after a restore of parts of a database, has nothing
/// to carry: it ends here, rather than being claimed again for ever.
fn read_claimed(
    tx: &Tx<'_>,
    keys: &[(String, WorkspaceNumber)],
    now: Timestamp,
) -> Result<Vec<Claimed>, StoreError> {
    let mut claimed = Vec::with_capacity(keys.len());
    for (id, workspace) in keys {
        match tx.opt(&CLAIMED, params![*workspace, id], claimed_from_row)? {
            Some(delivery) => claimed.push(delivery),
            None => {
                let skipped = DeliveryState::Skipped.code();
                tx.exec(&END_WITHOUT_EVENT, params![*workspace, id, skipped, EVENT_GONE, now])?;
            }
        }
    }
    Ok(claimed)
}

/// When the next delivery is due, or its lease ends.
///
/// # Errors
/// If the store fails.
pub fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    tx.one(&NEXT_DUE, params![], |row| row.get(0))
}

/// How many deliveries are due and nobody's, up to `most`, and since when the first of them is.
///
/// # Errors
/// If the store fails.
pub fn overdue(tx: &Tx<'_>, now: Timestamp, most: u32) -> Result<(u64, Option<Timestamp>), StoreError> {
    let (count, first): (i64, _) =
        tx.one(&OVERDUE, params![now, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((u64::try_from(count).unwrap_or(0), first))
}

/// Makes every leased delivery due at once, for a start after a crash on a store that no other process uses: whoever
/// held the leases is gone. Says how many there were.
///
/// # Errors
/// If the store fails.
pub fn release_all(tx: &Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    tx.exec(&RELEASE_ALL, params![now])
}

/// Writes down what became of a delivery. False, and nothing written, if the claim is no longer good: another holds the
/// delivery now, it has come to its end, or this was written down already.
///
/// # Errors
/// If the store fails.
pub fn record(tx: &Tx<'_>, progress: &Progress) -> Result<bool, StoreError> {
    Ok(record_all(tx, &[progress])? == [true])
}

/// [`record`] for many deliveries, in one journey to the database.
///
/// # Errors
/// If the store fails.
pub fn record_all(tx: &Tx<'_>, all: &[&Progress]) -> Result<Vec<bool>, StoreError> {
    let sets: Vec<[Value<'_>; 8]> = all.iter().map(|progress| record_values(progress)).collect();
    let sets: Vec<&[Value<'_>]> = sets.iter().map(<[Value<'_>; 8]>::as_slice).collect();
    let held: Vec<bool> = tx.exec_each(&RECORD, &sets)?.into_iter().map(|changed| changed > 0).collect();
    for (progress, _) in all.iter().zip(&held).filter(|(_, held)| **held) {
        if let Some(attempt) = &progress.attempt {
            insert_attempt(tx, progress.workspace, attempt)?;
        }
    }
    Ok(held)
}

fn record_values(progress: &Progress) -> [Value<'_>; 8] {
    [
        progress.workspace.into(),
        (&progress.id).into(),
        progress.fence.into(),
        progress.state.code().into(),
        (&progress.reason).into(),
        progress.attempts.into(),
        progress.due_at.into(),
        progress.ended_at.into(),
    ]
}

fn insert_attempt(tx: &Tx<'_>, workspace: WorkspaceNumber, attempt: &Attempt) -> Result<(), StoreError> {
    tx.exec_later(
        &INSERT_ATTEMPT,
        params![
            workspace,
            &attempt.delivery_id,
            attempt.number,
            attempt.started_at,
            attempt.duration_us,
            attempt.outcome.as_str(),
            attempt.status,
            &attempt.error,
            &attempt.address,
            &attempt.request_headers,
            &attempt.response_headers,
            &attempt.reply,
            attempt.client_revision,
        ],
    )
}

/// The delivery with this id.
///
/// # Errors
/// If the store fails.
pub fn lookup(tx: &Tx<'_>, id: &str) -> Result<Option<Delivery>, StoreError> {
    tx.opt(&GET, params![id], from_row)
}

/// A delivery's attempts, first to last.
///
/// # Errors
/// If the store fails.
pub fn list_attempts(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    delivery_id: &str,
) -> Result<Vec<Attempt>, StoreError> {
    tx.all(&ATTEMPTS, params![workspace, delivery_id], |row| {
        Ok(Attempt {
            delivery_id: row.get(0)?,
            number: row.get(1)?,
            started_at: row.get(2)?,
            duration_us: row.get(3)?,
            outcome: named("attempt.outcome", row.text(4)?, Outcome::from_name)?,
            status: row.get(5)?,
            error: row.get(6)?,
            address: row.get(7)?,
            request_headers: row.get(8)?,
            response_headers: row.get(9)?,
            reply: row.get(10)?,
            client_revision: row.get(11)?,
        })
    })
}

pub(super) fn from_row(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let code: i64 = row.get(6)?;
    let state = DeliveryState::from_code(code)
        .ok_or_else(|| StoreError::Corrupt(format!("column delivery.state holds {code}")))?;
    Ok(Delivery {
        id: row.get(0)?,
        event_id: row.get(1)?,
        url_id: row.get(2)?,
        client: row.get(3)?,
        workspace: row.get(4)?,
        method: named("delivery.method", row.text(5)?, |text| text.parse().ok())?,
        state,
        reason: row.get(7)?,
        attempts: row.get(8)?,
        due_at: row.get(9)?,
        created_at: row.get(10)?,
        ended_at: row.get(11)?,
        replay_of: row.get(12)?,
        replay_id: row.get(13)?,
    })
}

fn claimed_from_row(row: &Row<'_>) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        id: row.get(0)?,
        event_id: row.get(1)?,
        url_id: row.get(2)?,
        client: row.get(3)?,
        workspace: row.get(4)?,
        method: named("delivery.method", row.text(5)?, |text| text.parse().ok())?,
        attempts: row.get(6)?,
        fence: row.get(7)?,
        record_id: row.get(8)?,
        record: row.get(9)?,
        caused_by: row.get(10)?,
        event_at: row.get(11)?,
    })
}
