//! Refused requests, kept a while so that they can be explained.

use gatepost_model::{ClientNumber, Timestamp};

use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &GET];

static INSERT: Sql = Sql::new(
    "INSERT INTO refused_request
     (id, at, client_number, workspace, verb, path, status, refused_by, detail, address)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

static GET: Sql = Sql::new(
    "SELECT id, at, client_number, workspace, verb, path, status, refused_by, detail, address
     FROM refused_request WHERE id = $1",
);

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
    tx.opt(&GET, params![id], |row| {
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
    })
}
