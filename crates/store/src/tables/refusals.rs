//! Refused requests, kept a while so that they can be explained.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use gatepost_model::{ClientNumber, Timestamp};

use super::{Page, client_list, clients};
use crate::{Row, Sql, SqlBuf, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &GET, &LATEST, &LIST];

static INSERT: Sql = Sql::new(
    "INSERT INTO refused_request
     (id, at, client_number, workspace, verb, path, status, refused_by, detail, address)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

static GET: Sql = Sql::new(
    "SELECT id, at, client_number, workspace, verb, path, status, refused_by, detail, address
     FROM refused_request WHERE id = $1",
);

static LATEST: Sql = Sql::new(
    "SELECT id, at, client_number, workspace, verb, path, status, refused_by, detail, address
     FROM refused_request WHERE client_number = $1 ORDER BY id DESC LIMIT 1",
);

/// An empty text leaves a condition out.
static LIST: Sql = Sql::new(
    "SELECT r.id, r.at, r.client_number, r.workspace, r.verb, r.path, r.status, r.refused_by, r.detail, r.address
     FROM refused_request r LEFT JOIN api_client c ON c.number = r.client_number
     WHERE r.id < $1 AND r.id >= $2
     AND (CAST($3 AS TEXT) = '' OR c.id = $3 OR ($3 = 'unknown' AND c.number IS NULL))
     AND (CAST($4 AS TEXT) = '' OR r.refused_by = $4)
     AND (CAST($5 AS TEXT) = '' OR r.workspace = $5)
     ORDER BY r.id DESC LIMIT $6",
);

/// Stands for the id of a client in [`Wanted`]: refusals without a client that is there.
pub const UNKNOWN_CLIENT: &str = "unknown";

/// A request that the gate refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `req_…`, what the caller got as `X-Request-Id`.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The client, where the token named one.
    pub client: Option<ClientNumber>,
    /// What the `business` header said.
    pub workspace: Option<String>,
    /// `GET`, `POST` …
    pub verb: String,
    /// The path, without the query.
    pub path: String,
    /// The status that was answered.
    pub status: u16,
    /// The check that failed.
    pub refused_by: String,
    /// The true reason, which the caller may not have been told.
    pub detail: String,
    /// Where it came from.
    pub address: String,
}

/// Keeps refusals.
///
/// # Errors
/// If the store fails.
pub fn insert(tx: &Tx<'_>, refusals: &[Refusal]) -> Result<(), StoreError> {
    for refusal in refusals {
        tx.exec_later(
            &INSERT,
            params![
                &refusal.id,
                refusal.at,
                refusal.client,
                &refusal.workspace,
                &refusal.verb,
                &refusal.path,
                refusal.status,
                &refusal.refused_by,
                &refusal.detail,
                &refusal.address,
            ],
        )?;
    }
    Ok(())
}

/// The refusal with this request id.
///
/// # Errors
/// If the store fails.
pub fn lookup(tx: &Tx<'_>, id: &str) -> Result<Option<Refusal>, StoreError> {
    tx.opt(&GET, params![id], from_row)
}

/// The latest refusal of a client.
///
/// # Errors
/// If the store fails.
pub fn lookup_latest(tx: &Tx<'_>, client: ClientNumber) -> Result<Option<Refusal>, StoreError> {
    tx.opt(&LATEST, params![client], from_row)
}

/// Which refusals are listed. An empty text asks for any.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The id of the client, or [`UNKNOWN_CLIENT`].
    pub client: String,
    /// The check that failed.
    pub refused_by: String,
    /// What the `business` header said.
    pub workspace: String,
    /// Only ids from this on.
    pub since: String,
    /// Also those without a client that is there: nobody but who administers everything may see them.
    pub with_unknown_clients: bool,
}

/// So many are looked at for a page: no index tells which of them match.
pub const MOST_LOOKED_AT: u32 = 10_000;

/// A page of refusals.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Those that match, newest first.
    pub rows: Vec<Refusal>,
    /// The oldest that was looked at, if there are older ones that may match and the page has room.
    pub looked_to: Option<String>,
}

/// Refusals, newest first, whoever may see them.
///
/// # Errors
/// If the store fails.
pub fn list(tx: &Tx<'_>, wanted: &Wanted, page: &Page) -> Result<Vec<Refusal>, StoreError> {
    let Wanted { client, refused_by, workspace, since, .. } = wanted;
    tx.all(&LIST, params![page.bound(), since, client, refused_by, workspace, page.limit], from_row)
}

/// The refusals of clients that a user manages, newest first.
///
/// # Errors
/// If the store fails.
pub fn list_managed(tx: &Tx<'_>, user: &str, wanted: &Wanted, page: &Page) -> Result<Listed, StoreError> {
    let client = match wanted.client.as_str() {
        "" | UNKNOWN_CLIENT => None,
        id => Some(clients::lookup_number(tx, id)?.unwrap_or(ClientNumber(0))),
    };
    let mut sql = SqlBuf::new(tx.dialect());
    sql.push("SELECT id FROM refused_request");
    by_index(&mut sql, wanted, client, page);
    sql.push(" ORDER BY id DESC LIMIT 1 OFFSET ").bind(MOST_LOOKED_AT);
    let lower_end: Option<String> = tx.opt(&sql, &sql.values(), |row| row.get(0))?;

    let managed: BTreeSet<_> = client_list::list_managed_numbers(tx, user)?.into_iter().collect();
    let mut sql = SqlBuf::new(tx.dialect());
    sql.push(
        "SELECT id, at, client_number, workspace, verb, path, status, refused_by, detail, address,
         CAST(CASE WHEN EXISTS (SELECT 1 FROM api_client c WHERE c.number = refused_request.client_number)
          THEN 1 ELSE 0 END AS {int})
         FROM refused_request",
    );
    by_index(&mut sql, wanted, client, page);
    for (condition, text) in [
        (" AND refused_by = ", Some(&wanted.refused_by).filter(|text| !text.is_empty())),
        (" AND workspace = ", Some(&wanted.workspace).filter(|text| !text.is_empty())),
        (" AND id >= ", lower_end.as_ref()),
    ] {
        if let Some(text) = text {
            sql.push(condition).bind(text);
        }
    }
    sql.push(" ORDER BY id DESC");
    let mut rows = Vec::new();
    tx.scan(&sql, &sql.values(), |row| {
        let (refusal, is_known) = (from_row(row)?, row.get::<i64>(10)? == 1);
        let is_theirs = match refusal.client.filter(|_| is_known) {
            Some(client) => wanted.client != UNKNOWN_CLIENT && managed.contains(&client),
            None => wanted.with_unknown_clients,
        };
        if is_theirs {
            rows.push(refusal);
        }
        let is_full = rows.len() >= page.limit as usize;
        Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let looked_to = lower_end.filter(|_| rows.len() < page.limit as usize);
    Ok(Listed { rows, looked_to })
}

fn by_index(sql: &mut SqlBuf, wanted: &Wanted, client: Option<ClientNumber>, page: &Page) {
    sql.push(" WHERE id < ").bind(page.bound()).push(" AND id >= ").bind(&wanted.since);
    if let Some(client) = client {
        sql.push(" AND client_number = ").bind(client);
    }
}

fn from_row(row: &Row<'_>) -> Result<Refusal, StoreError> {
    Ok(Refusal {
        id: row.get(0)?,
        at: row.get(1)?,
        client: row.get(2)?,
        workspace: row.get(3)?,
        verb: row.get(4)?,
        path: row.get(5)?,
        status: row.get(6)?,
        refused_by: row.get(7)?,
        detail: row.get(8)?,
        address: row.get(9)?,
    })
}
