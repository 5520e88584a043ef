//! Replays: what is to be sent once more, and how far that is.
//!
//! A replay walks through the deliveries of its scope in the order of their ids, first to count them and then to make new ones. How
//! far it came is written in the transaction that makes them, under a lease with a fence: a crash between two of these
//! transactions loses nothing and repeats nothing.

use std::collections::BTreeSet;

use gatepost_model::replay::{Replay, ReplayProgress, ReplayScope, ReplayState, Replayed};
use gatepost_model::{ClientNumber, DeliveryState, Method, Timestamp, WorkspaceNumber, ids};

use super::{Page, named};
use crate::{Row, Sql, StoreError, Tx, Value, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &GET,
    &LIST,
    &LIST_OF_CLIENT,
    &OPEN_OF_URL,
    &COUNT_RUNNING,
    &IS_DUE,
    &CLAIM,
    &RELEASE_ALL,
    &COUNTED,
    &REPLAYED,
    &CHANGE,
    &FAILED,
    &ENDED,
    &TAKEN,
    &AGAIN,
    &PENDING,
    &INSERT_DELIVERY,
    &DROP,
];

static INSERT: Sql = Sql::new(
    "INSERT INTO replay (id, client_number, url_id, since, until, method, which, state, counted_to, is_counted, counted,
     replayed_to, made, again, gone, due_at, fence, created_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, FALSE, 0, $8, 0, 0, 0, $9, 0, $10, $9)",
);

static GET: Sql = Sql::new(
    "SELECT id, client_number, url_id, since, until, method, which, state, reason, is_counted, counted, made, again, gone,
     created_by, created_at, ended_at, counted_to, replayed_to, fence FROM replay WHERE id = $1",
);

static LIST: Sql = Sql::new(
    "SELECT id, client_number, url_id, since, until, method, which, state, reason, is_counted, counted, made, again, gone,
     created_by, created_at, ended_at, counted_to, replayed_to, fence FROM replay WHERE id < $1 ORDER BY id DESC LIMIT $2",
);

static LIST_OF_CLIENT: Sql = Sql::new(
    "SELECT id, client_number, url_id, since, until, method, which, state, reason, is_counted, counted, made, again, gone,
     created_by, created_at, ended_at, counted_to, replayed_to, fence FROM replay
     WHERE client_number = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
);

static OPEN_OF_URL: Sql =
    Sql::new("SELECT id FROM replay WHERE client_number = $1 AND url_id = $2 AND state < 2 LIMIT 1");

static COUNT_RUNNING: Sql = Sql::new("SELECT count(*) FROM replay WHERE state = 0 AND due_at >= 0");

static IS_DUE: Sql = Sql::new("SELECT min(due_at) FROM replay WHERE state = 0");

/// What is due is picked once and before anything is changed, as deliveries are.
static CLAIM: Sql = Sql::new(
    "WITH due AS MATERIALIZED
     (SELECT id FROM replay WHERE state = 0 AND due_at <= $1 ORDER BY due_at LIMIT 1 {lock})
     UPDATE replay SET due_at = $2, fence = fence + 1 WHERE id IN (SELECT id FROM due) RETURNING id",
);

static RELEASE_ALL: Sql = Sql::new("UPDATE replay SET due_at = $1, fence = fence + 1 WHERE state = 0");

static COUNTED: Sql = Sql::new(
    "UPDATE replay SET counted_to = $3, is_counted = $4, counted = counted + $5, due_at = $6
     WHERE id = $1 AND fence = $2 AND state = 0",
);

static REPLAYED: Sql = Sql::new(
    "UPDATE replay SET replayed_to = $3, made = made + $4, again = again + $5, gone = gone + $6, due_at = $7, state = $8,
     ended_at = $9 WHERE id = $1 AND fence = $2 AND state = 0",
);

/// The fence goes on, so that whoever works on the replay writes nothing more.
static CHANGE: Sql = Sql::new(
    "UPDATE replay SET state = $2, reason = $3, due_at = $4, ended_at = $5, fence = fence + 1
     WHERE id = $1 AND state < 2",
);

static FAILED: Sql = Sql::new(
    "SELECT id, workspace_number, event_id, method, state, url_id FROM delivery
     WHERE client_number = $1 AND state > 1 AND state = 2 AND id > $2 AND id < $3 ORDER BY id LIMIT $4",
);

static ENDED: Sql = Sql::new(
    "SELECT id, workspace_number, event_id, method, state, url_id FROM delivery
     WHERE client_number = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4",
);

static TAKEN: Sql =
    Sql::new("SELECT event_id FROM delivery WHERE replay_id = $1 AND event_id IN {in_list $2}");

/// What sends an event again is found by an index of its own. What was delivered, or is pending, needs not be sent once more.
static AGAIN: Sql = Sql::new(
    "SELECT event_id FROM delivery
     WHERE replay_of IS NOT NULL AND event_id IN {in_list $1} AND url_id = $2 AND state < 2",
);

static PENDING: Sql = Sql::new(
    "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE url_id = $1 AND state = 0 AND replay_id IS NOT NULL LIMIT $2) pending",
);

static INSERT_DELIVERY: Sql = Sql::new(
    "INSERT INTO delivery (id, workspace_number, event_id, url_id, client_number, method, state, attempts,
     due_at, leased, fence, created_at, replay_of, replay_id)
     VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, FALSE, 1, $7, $8, $9)",
);

static DROP: Sql = Sql::new(
    "DELETE FROM replay WHERE state > 1 AND id IN (SELECT id FROM replay WHERE id < $1 AND state > 1 ORDER BY id LIMIT $2)",
);

/// A replay that is this node's to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The replay.
    pub replay: Replay,
    /// The last delivery that is counted.
    pub counted_to: String,
    /// The last delivery that it is done with.
    pub replayed_to: String,
    /// The claim: only its holder may write down how far the replay is.
    pub fence: i64,
}

/// A delivery in the scope of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// `dlv_…`.
    pub id: String,
    /// Where its event happened.
    pub workspace: WorkspaceNumber,
    /// Its event.
    pub event_id: String,
    /// What happened.
    pub method: Method,
}

/// Deliveries in the scope of a replay, with how far was looked for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// Those in scope, oldest first.
    pub found: Vec<Candidate>,
    /// The last delivery that was looked at, in scope or not; none if there was none.
    pub last: Option<String>,
    /// Whether there may be more.
    pub may_be_more: bool,
}

/// A delivery that a replay makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its own id.
    pub id: String,
    /// What it sends once more.
    pub of: Candidate,
}

/// One step of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The last delivery that it is done with now.
    pub replayed_to: String,
    /// The deliveries that it makes.
    pub made: Vec<Made>,
    /// How many it left out because their event was sent again already.
    pub again: u32,
    /// How many it left out because their event is no longer kept.
    pub gone: u32,
    /// Whether these were the last.
    pub is_last: bool,
    /// When the next step is due.
    pub due_at: Timestamp,
}

/// Starts a replay.
///
/// # Errors
/// If the store fails.
pub fn insert(tx: &Tx<'_>, replay: &Replay) -> Result<(), StoreError> {
    let scope = &replay.scope;
    let method = scope.method.as_ref().map(Method::as_str);
    tx.exec(
        &INSERT,
        params![
            &replay.id,
            scope.client,
            &scope.url_id,
            scope.since,
            scope.until,
            method,
            scope.which.as_str(),
            &before(scope.since),
            replay.created_at,
            &replay.created_by,
        ],
    )?;
    Ok(())
}

/// What sorts before every delivery that was made at this moment.
#[must_use]
pub fn before(since: Timestamp) -> String {
    let mut bound = ids::sortable_floor(ids::DELIVERY, since);
    bound.pop();
    bound
}

/// The replay with this id.
///
/// # Errors
/// If the store fails.
pub fn lookup(tx: &Tx<'_>, id: &str) -> Result<Option<Replay>, StoreError> {
    tx.opt(&GET, params![id], from_row)
}

/// Replays, newest first; of one client if one is named.
///
/// # Errors
/// If the store fails.
pub fn list(tx: &Tx<'_>, client: Option<ClientNumber>, page: &Page) -> Result<Vec<Replay>, StoreError> {
    match client {
        Some(client) => tx.all(&LIST_OF_CLIENT, params![client, page.bound(), page.limit], from_row),
        None => tx.all(&LIST, params![page.bound(), page.limit], from_row),
    }
}

/// The replay to a webhook URL that has not come to its end.
///
/// # Errors
/// If the store fails.
pub fn lookup_open(tx: &Tx<'_>, client: ClientNumber, url_id: &str) -> Result<Option<String>, StoreError> {
    tx.opt(&OPEN_OF_URL, params![client, url_id], |row| row.get(0))
}

/// How many replays are running.
///
/// # Errors
/// If the store fails.
pub fn count_running(tx: &Tx<'_>) -> Result<u64, StoreError> {
    tx.one(&COUNT_RUNNING, params![], |row| row.get(0))
}

/// When the next step of any replay is due, or a lease ends.
///
/// # Errors
/// If the store fails.
pub fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    tx.one(&IS_DUE, params![], |row| row.get(0))
}

/// Makes the next step of every running replay due at once, for a start after a crash on a store that no other process uses.
///
/// # Errors
/// If the store fails.
pub fn release_all(tx: &Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    tx.exec(&RELEASE_ALL, params![now])
}

/// Claims the replay whose step is due longest, and holds it until `lease_until`.
///
/// # Errors
/// If the store fails.
pub fn claim(tx: &Tx<'_>, now: Timestamp, lease_until: Timestamp) -> Result<Option<Claimed>, StoreError> {
    let claimed: Option<String> = tx.opt(&CLAIM, params![now, lease_until], |row| row.get(0))?;
    let Some(id) = claimed else { return Ok(None) };
    tx.opt(&GET, params![&id], |row| {
        Ok(Claimed {
            replay: from_row(row)?,
            counted_to: row.get(17)?,
            replayed_to: row.get(18)?,
            fence: row.get(19)?,
        })
    })
}

/// Deliveries in scope after the one with this id, of which `most` are looked at.
///
/// # Errors
/// If the store fails.
pub fn list_candidates(
    tx: &Tx<'_>,
    scope: &ReplayScope,
    after: &str,
    most: u32,
) -> Result<Candidates, StoreError> {
    let sql = if scope.which == Replayed::Failed { &FAILED } else { &ENDED };
    let until = ids::sortable_floor(ids::DELIVERY, scope.until);
    let (mut last, mut looked_at) = (None, 0);
    let found = tx.all(sql, params![scope.client, after, &until, most], |row| {
        looked_at += 1;
        last = Some(row.get(0)?);
        candidate(row, scope)
    })?;
    Ok(Candidates { found: found.into_iter().flatten().collect(), last, may_be_more: looked_at == most })
}

fn candidate(row: &Row<'_>, scope: &ReplayScope) -> Result<Option<Candidate>, StoreError> {
    let state = DeliveryState::from_code(row.get(4)?);
    let method = row.text(3)?;
    let is_in_scope = row.text(5)? == scope.url_id
        && state.is_some_and(|state| scope.which.takes(state))
        && scope.method.as_ref().is_none_or(|wanted| wanted.as_str() == method);
    if !is_in_scope {
        return Ok(None);
    }
    let method = named("delivery.method", method, |text| text.parse().ok())?;
    Ok(Some(Candidate { id: row.get(0)?, workspace: row.get(1)?, event_id: row.get(2)?, method }))
}

/// Those of these events that the replay need not send any more: it has done so, or, unless it is to send all, another delivery
/// of them to the URL was made later and is delivered or pending.
///
/// # Errors
/// If the store fails.
pub fn list_sent_again(
    tx: &Tx<'_>,
    replay: &Replay,
    events: &[&str],
) -> Result<BTreeSet<String>, StoreError> {
    let events = serde_json::Value::from(events.to_vec()).to_string();
    let mut sent: BTreeSet<String> =
        tx.all(&TAKEN, params![&replay.id, &events], |row| row.get(0))?.into_iter().collect();
    if replay.scope.which != Replayed::All {
        let again: Vec<String> = tx.all(&AGAIN, params![&events, &replay.scope.url_id], |row| row.get(0))?;
        sent.extend(again);
    }
    Ok(sent)
}

/// How many deliveries that replays made for a webhook URL are pending, up to `most`.
///
/// # Errors
/// If the store fails.
pub fn count_pending(tx: &Tx<'_>, url_id: &str, most: u32) -> Result<u32, StoreError> {
    tx.one(&PENDING, params![url_id, most], |row| row.get(0))
}

/// Writes down how far the counting is. False, and nothing written, if the claim is no longer good.
///
/// # Errors
/// If the store fails.
pub fn record_count(
    tx: &Tx<'_>,
    claimed: &Claimed,
    candidates: &Candidates,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let counted_to = candidates.last.as_ref().unwrap_or(&claimed.counted_to);
    let is_counted = !candidates.may_be_more;
    let many = u64::try_from(candidates.found.len()).unwrap_or(u64::MAX);
    let values = params![&claimed.replay.id, claimed.fence, counted_to, is_counted, many, now];
    Ok(tx.exec(&COUNTED, values)? > 0)
}

/// Makes the deliveries of a step and writes down how far the replay is. False, and nothing written, if the claim is no longer
/// good.
///
/// # Errors
/// If the store fails.
pub fn record_step(tx: &Tx<'_>, claimed: &Claimed, step: &Step, now: Timestamp) -> Result<bool, StoreError> {
    let replay = &claimed.replay;
    let state = if step.is_last { ReplayState::Done } else { ReplayState::Running };
    let held = tx.exec(
        &REPLAYED,
        params![
            &replay.id,
            claimed.fence,
            &step.replayed_to,
            u64::try_from(step.made.len()).unwrap_or(u64::MAX),
            step.again,
            step.gone,
            step.due_at,
            state.code(),
            step.is_last.then_some(now),
        ],
    )?;
    if held == 0 {
        return Ok(false);
    }
    let rows: Vec<[Value<'_>; 9]> = step
        .made
        .iter()
        .map(|Made { id, of }| {
            [
                id.into(),
                of.workspace.into(),
                (&of.event_id).into(),
                (&replay.scope.url_id).into(),
                replay.scope.client.into(),
                of.method.as_str().into(),
                now.into(),
                (&of.id).into(),
                (&replay.id).into(),
            ]
        })
        .collect();
    tx.exec_each(&INSERT_DELIVERY, &rows.iter().map(<[Value<'_>; 9]>::as_slice).collect::<Vec<_>>())?;
    Ok(true)
}

/// Has a replay stand in another state, for this reason. False, and nothing done, if it has come to its end.
///
/// # Errors
/// If the store fails.
pub fn change(
    tx: &Tx<'_>,
    id: &str,
    state: ReplayState,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ended_at = state.has_ended().then_some(now);
    Ok(tx.exec(&CHANGE, params![id, state.code(), reason, now, ended_at])? > 0)
}

/// Drops up to `limit` replays that have come to their end and were started before this moment, and says how many.
///
/// # Errors
/// If the store fails.
pub fn drop_before(tx: &Tx<'_>, first: Timestamp, limit: u32) -> Result<usize, StoreError> {
    tx.exec(&DROP, params![&ids::sortable_floor(ids::REPLAY, first), limit])
}

fn from_row(row: &Row<'_>) -> Result<Replay, StoreError> {
    let code: i64 = row.get(7)?;
    let state = ReplayState::from_code(code)
        .ok_or_else(|| StoreError::Corrupt(format!("column replay.state holds {code}")))?;
    let method: Option<String> = row.get(5)?;
    let method = method.map(|text| named("replay.method", &text, |text| text.parse().ok())).transpose()?;
    Ok(Replay {
        id: row.get(0)?,
        scope: ReplayScope {
            client: row.get(1)?,
            url_id: row.get(2)?,
            since: row.get(3)?,
            until: row.get(4)?,
            method,
            which: named("replay.which", row.text(6)?, Replayed::from_name)?,
        },
        state,
        reason: row.get(8)?,
        progress: ReplayProgress {
            is_counted: row.get(9)?,
            counted: row.get(10)?,
            made: row.get(11)?,
            again: row.get(12)?,
            gone: row.get(13)?,
        },
        created_by: row.get(14)?,
        created_at: row.get(15)?,
        ended_at: row.get(16)?,
    })
}
