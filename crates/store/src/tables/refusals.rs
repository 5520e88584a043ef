//! Refused requests, kept a while so that they can be explained.

use gatepost_model::{ClientNumber, Timestamp};

use super::Page;
use crate::{Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &GET, &LATEST, &LIST, &LIST_MANAGED];

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

static LIST: Sql = Sql::new(
    "SELECT r.id, r.at, r.client_number, r.workspace, r.verb, r.path, r.status, r.refused_by, r.detail, r.address
     FROM refused_request r LEFT JOIN api_client c ON c.number = r.client_number
     WHERE r.id < $1 AND r.id >= $2
     AND (CAST($3 AS TEXT) = '' OR c.id = $3 OR ($3 = 'unknown' AND c.number IS NULL))
     AND (CAST($4 AS TEXT) = '' OR r.refused_by = $4)
     AND (CAST($5 AS TEXT) = '' OR r.workspace = $5)
     ORDER BY r.id DESC LIMIT $6",
);

/// The rule of who manages a client is that of `client_list`. An empty text leaves a condition out.
static LIST_MANAGED: Sql = Sql::new(
    "SELECT r.id, r.at, r.client_number, r.workspace, r.verb, r.path, r.status, r.refused_by, r.detail, r.address
     FROM refused_request r LEFT JOIN api_client c ON c.number = r.client_number
     WHERE r.id < $1 AND r.id >= $2
     AND (CAST($3 AS TEXT) = '' OR c.id = $3 OR ($3 = 'unknown' AND c.number IS NULL))
     AND (CAST($4 AS TEXT) = '' OR r.refused_by = $4)
     AND (CAST($5 AS TEXT) = '' OR r.workspace = $5)
     AND ((c.number IS NULL AND CAST($9 AS {int}) = 1)
      OR (c.number IS NOT NULL AND (c.created_by = $7
          OR EXISTS (SELECT 1 FROM client_workspace w WHERE w.client_number = c.number))
      AND NOT EXISTS
      (SELECT 1 FROM client_workspace w WHERE w.client_number = c.number AND w.workspace_number NOT IN
       (SELECT m.workspace_number FROM membership m WHERE m.user_id = $6 AND m.role IN ('owner', 'admin')))))
     ORDER BY r.id DESC LIMIT $8",
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
pub fn list_managed(
    tx: &Tx<'_>,
    user: &str,
    wanted: &Wanted,
    page: &Page,
) -> Result<Vec<Refusal>, StoreError> {
    let maker = format!("user:{user}");
    let values = params![
        page.bound(),
        &wanted.since,
        &wanted.client,
        &wanted.refused_by,
        &wanted.workspace,
        user,
        &maker,
        page.limit,
        u32::from(wanted.with_unknown_clients),
    ];
    tx.all(&LIST_MANAGED, values, from_row)
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
