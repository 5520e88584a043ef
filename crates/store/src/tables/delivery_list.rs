//! Finding deliveries: by client, state, method, webhook URL and time, all of them together, and counting what is found.
//!
//! No index answers every combination, and one for each would cost every write. So what no index answers is looked for among
//! the newest [`MOST_LOOKED_AT`] deliveries that an index gives; a list goes on from there, and a count says that there may be
//! more.

use std::ops::ControlFlow;

use gatepost_model::webhook::{Delivery, Outcome};
use gatepost_model::{ClientNumber, DeliveryState, Method, Timestamp, WorkspaceNumber, ids};

use super::deliveries::from_row;
use super::{Page, Span, named};
use crate::{Sql, SqlBuf, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&HAS_MANY_PENDING, &LATEST_ATTEMPT, &FAILING, &ANSWERED_SINCE];

/// So many deliveries are looked at for a page or a count where no index answers: a few tens of milliseconds on both engines.
pub const MOST_LOOKED_AT: u32 = 10_000;

/// Counts go on until there is one more than this.
pub const MOST_COUNTED: u32 = 1_000;

static HAS_MANY_PENDING: Sql = Sql::new(
    "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE state = 0 AND due_at >= 0 LIMIT $1) pending",
);

static LATEST_ATTEMPT: Sql = Sql::new(
    "SELECT started_at, duration_us, outcome, status FROM attempt
     WHERE workspace_number = $1 AND delivery_id = $2 ORDER BY number DESC LIMIT 1",
);

/// What was tried and is pending, by webhook URL. The newest of them says how the receiver answers.
static FAILING: Sql = Sql::new(
    "WITH pending AS MATERIALIZED
     (SELECT id, client_number, url_id, attempts, created_at FROM delivery
      WHERE state = 0 AND due_at >= 0 LIMIT $1)
     SELECT client_number, url_id, count(*), min(CASE WHEN attempts > 0 THEN created_at END),
     max(CASE WHEN attempts > 0 THEN id END)
     FROM pending GROUP BY client_number, url_id HAVING sum(attempts) > 0 ORDER BY 3 DESC, 2",
);

/// Among the newest few: a receiver that answers again does so at once.
static ANSWERED_SINCE: Sql = Sql::new(
    "SELECT count(*) FROM
     (SELECT url_id, state, ended_at FROM delivery WHERE client_number = $1 ORDER BY id DESC LIMIT 200) newest
     WHERE url_id = $2 AND state = 1 AND ended_at > $3",
);

/// Which deliveries are wanted: those for which all holds that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this client.
    pub client: Option<ClientNumber>,
    /// In this state.
    pub state: Option<DeliveryState>,
    /// Of events of this method.
    pub method: Option<Method>,
    /// For this webhook URL.
    pub url_id: Option<String>,
    /// Made in this span.
    pub span: Span,
    /// Of this event.
    pub event_id: Option<String>,
    /// Made by this replay.
    pub replay_id: Option<String>,
}

/// How many were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// So many; one more than [`MOST_COUNTED`] stands for all that are more.
    pub found: u32,
    /// Whether older ones were not looked at.
    pub may_be_more: bool,
}

/// How many deliveries there are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In any state.
    pub all: Count,
    /// By [`DeliveryState::code`].
    pub by_code: [Count; DeliveryState::ALL.len()],
}

/// A webhook URL whose deliveries are tried in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Whose it is.
    pub client: ClientNumber,
    /// Which.
    pub url_id: String,
    /// How many deliveries are pending.
    pub pending: u32,
    /// When the oldest of those that were tried was made.
    pub since: Timestamp,
    /// The latest attempt of the newest of them.
    pub latest: LatestAttempt,
}

/// How the latest attempt of a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestAttempt {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// The status, if there was an answer.
    pub status: Option<u16>,
}

/// The oldest delivery that is looked at for one page, if there are older ones for which an index does not tell whether they
/// match. The page after it begins there.
///
/// # Errors
/// If the store fails.
pub fn lower_end(tx: &Tx<'_>, filter: &Filter, page: &Page) -> Result<Option<String>, StoreError> {
    if is_answered_by_index(filter) || looks_at_pending(tx, filter)? {
        return Ok(None);
    }
    end_of_newest(tx, filter, page)
}

/// Deliveries that match, newest first, down to `lower_end` if there is one.
///
/// # Errors
/// If the store fails.
pub fn list(
    tx: &Tx<'_>,
    filter: &Filter,
    lower_end: Option<&str>,
    page: &Page,
) -> Result<Vec<Delivery>, StoreError> {
    let mut sql = SqlBuf::new(tx.dialect());
    let columns =
        "id, event_id, url_id, client_number, workspace_number, method, state, reason, attempts, due_at,
     created_at, ended_at, replay_of, replay_id";
    from(&mut sql, columns, looks_at_pending(tx, filter)?);
    sql.push(" WHERE id < ").bind(page.bound());
    by_index(&mut sql, filter);
    beyond_index(&mut sql, filter, lower_end);
    sql.push(" ORDER BY id DESC LIMIT ").bind(page.limit);
    tx.all(&sql, &sql.values(), from_row)
}

/// How many deliveries match in each state, whatever state the filter names; only those are counted whose client and
/// workspace `sees` lets through.
///
/// # Errors
/// If the store fails.
pub fn count(
    tx: &Tx<'_>,
    filter: &Filter,
    sees: impl Fn(ClientNumber, WorkspaceNumber) -> bool,
) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    for state in DeliveryState::ALL {
        let mut count = Count::default();
        // What was delivered is counted together with all.
        if state != DeliveryState::Delivered {
            let filter = Filter { state: Some(state), ..filter.clone() };
            count.may_be_more = scan(tx, &filter, |client, workspace, _| {
                count.found += u32::from(sees(client, workspace));
                count.found > MOST_COUNTED
            })?;
        }
        if let Some(slot) = slot(&mut counts.by_code, state) {
            *slot = count;
        }
    }
    let (mut all, mut delivered) = (Count::default(), Count::default());
    let may_be_more = scan(tx, &Filter { state: None, ..filter.clone() }, |client, workspace, state| {
        if sees(client, workspace) {
            all.found += 1;
            delivered.found += u32::from(state == DeliveryState::Delivered.code());
        }
        all.found > MOST_COUNTED && delivered.found > MOST_COUNTED
    })?;
    all.found = all.found.min(MOST_COUNTED + 1);
    (all.may_be_more, delivered.may_be_more) = (may_be_more, may_be_more);
    counts.all = all;
    if let Some(slot) = slot(&mut counts.by_code, DeliveryState::Delivered) {
        *slot = delivered;
    }
    Ok(counts)
}

fn slot(by_code: &mut [Count], state: DeliveryState) -> Option<&mut Count> {
    by_code.get_mut(usize::try_from(state.code()).unwrap_or(usize::MAX))
}

impl Counts {
    /// Those in this state.
    #[must_use]
    pub fn of(&self, state: DeliveryState) -> Count {
        usize::try_from(state.code())
            .ok()
            .and_then(|code| self.by_code.get(code))
            .copied()
            .unwrap_or_default()
    }
}

/// Shows client, workspace and state of what matches, newest first, until `has_enough`. Says whether older ones were not looked
/// at, which may match as well.
fn scan(
    tx: &Tx<'_>,
    filter: &Filter,
    mut has_enough: impl FnMut(ClientNumber, WorkspaceNumber, i64) -> bool,
) -> Result<bool, StoreError> {
    let page = Page::default();
    let lower_end = match filter.state {
        // A count of all looks for what was delivered among them.
        None => end_of_newest(tx, filter, &page)?,
        Some(_) => lower_end(tx, filter, &page)?,
    };
    let mut sql = SqlBuf::new(tx.dialect());
    from(&mut sql, "client_number, workspace_number, state", looks_at_pending(tx, filter)?);
    sql.push(" WHERE id < ").bind(page.bound());
    by_index(&mut sql, filter);
    beyond_index(&mut sql, filter, lower_end.as_deref());
    sql.push(" ORDER BY id DESC");
    let mut cut_short = false;
    tx.scan(&sql, &sql.values(), |row| {
        cut_short = has_enough(row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(if cut_short { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(lower_end.is_some() && !cut_short)
}

/// [`lower_end`], whether or not an index answers.
fn end_of_newest(tx: &Tx<'_>, filter: &Filter, page: &Page) -> Result<Option<String>, StoreError> {
    let mut sql = SqlBuf::new(tx.dialect());
    sql.push("SELECT id FROM delivery WHERE id < ").bind(page.bound());
    by_index(&mut sql, filter);
    sql.push(" ORDER BY id DESC LIMIT 1 OFFSET ").bind(MOST_LOOKED_AT);
    tx.opt(&sql, &sql.values(), |row| row.get(0))
}

fn is_answered_by_index(filter: &Filter) -> bool {
    let by_state = filter.state.is_none_or(|state| state.code() > DeliveryState::Delivered.code());
    let others = [&filter.url_id, &filter.event_id, &filter.replay_id];
    by_state && filter.method.is_none() && others.iter().all(|given| given.is_none())
}

/// What is pending has an index of its own, which is walked through whole as long as it is short.
fn looks_at_pending(tx: &Tx<'_>, filter: &Filter) -> Result<bool, StoreError> {
    if filter.state != Some(DeliveryState::Pending) {
        return Ok(false);
    }
    let pending: u32 = tx.one(&HAS_MANY_PENDING, params![MOST_LOOKED_AT + 1], |row| row.get(0))?;
    Ok(pending <= MOST_LOOKED_AT)
}

fn from(sql: &mut SqlBuf, columns: &'static str, pending: bool) {
    if pending {
        sql.push("WITH pending AS MATERIALIZED (SELECT * FROM delivery WHERE state = 0 AND due_at >= 0) ");
    }
    sql.push("SELECT ").push(columns).push(if pending { " FROM pending" } else { " FROM delivery" });
}

/// The conditions that an index answers. `state > 1` is said in words because a value that is bound does not tell the planners
/// which index may be used.
fn by_index(sql: &mut SqlBuf, filter: &Filter) {
    if let Some(client) = filter.client {
        sql.push(" AND client_number = ").bind(client);
    }
    if let Some(state) = filter.state.filter(|state| state.code() > DeliveryState::Delivered.code()) {
        sql.push(" AND state > 1 AND state = ").bind(state.code());
    }
    if let Some(since) = filter.span.since {
        sql.push(" AND id >= ").bind(&ids::sortable_floor(ids::DELIVERY, since));
    }
    if let Some(until) = filter.span.until {
        sql.push(" AND id < ").bind(&ids::sortable_floor(ids::DELIVERY, until));
    }
}

fn beyond_index(sql: &mut SqlBuf, filter: &Filter, lower_end: Option<&str>) {
    if let Some(state) = filter.state.filter(|state| state.code() <= DeliveryState::Delivered.code()) {
        sql.push(" AND state = ").bind(state.code());
    }
    if let Some(method) = &filter.method {
        sql.push(" AND method = ").bind(method.as_str());
    }
    if let Some(url_id) = &filter.url_id {
        sql.push(" AND url_id = ").bind(url_id);
    }
    if let Some(event_id) = &filter.event_id {
        sql.push(" AND event_id = ").bind(event_id);
    }
    if let Some(replay_id) = &filter.replay_id {
        sql.push(" AND replay_id = ").bind(replay_id);
    }
    if let Some(lower_end) = lower_end {
        sql.push(" AND id >= ").bind(lower_end);
    }
}

/// How the latest attempt of a delivery ended, if there was one.
///
/// # Errors
/// If the store fails.
pub fn lookup_latest_attempt(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    delivery_id: &str,
) -> Result<Option<LatestAttempt>, StoreError> {
    tx.opt(&LATEST_ATTEMPT, params![workspace, delivery_id], |row| {
        Ok(LatestAttempt {
            started_at: row.get(0)?,
            duration_us: row.get(1)?,
            outcome: named("attempt.outcome", row.text(2)?, Outcome::from_name)?,
            status: row.get(3)?,
        })
    })
}

/// No more webhook URLs than this are looked at for [`list_failing`], a few statements each.
pub const MOST_FAILING: usize = 10;

/// Webhook URLs of the clients that `sees` lets through whose receivers took nothing since a delivery to them was tried in
/// vain, those with most pending first. Only [`MOST_LOOKED_AT`] pending deliveries and [`MOST_FAILING`] URLs are looked at.
///
/// # Errors
/// If the store fails.
pub fn list_failing(tx: &Tx<'_>, sees: impl Fn(ClientNumber) -> bool) -> Result<Vec<Failing>, StoreError> {
    let mut tried = tx.all(&FAILING, params![MOST_LOOKED_AT], |row| {
        Ok((row.get::<ClientNumber>(0)?, row.get::<String>(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
    })?;
    tried.retain(|(client, ..)| sees(*client));
    let mut failing = Vec::new();
    for (client, url_id, pending, since, newest) in tried.into_iter().take(MOST_FAILING) {
        let (since, newest): (Option<Timestamp>, Option<String>) = (since, newest);
        let Some((since, newest)) = since.zip(newest) else { continue };
        let Some(delivery) = super::deliveries::lookup(tx, &newest)? else { continue };
        let Some(latest) = lookup_latest_attempt(tx, delivery.workspace, &newest)? else { continue };
        let answered: u32 =
            tx.one(&ANSWERED_SINCE, params![client, &url_id, latest.started_at], |row| row.get(0))?;
        if answered == 0 {
            failing.push(Failing { client, url_id, pending, since, latest });
        }
    }
    Ok(failing)
}
