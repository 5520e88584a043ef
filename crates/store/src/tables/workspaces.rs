//! Workspaces.

use gatepost_model::{Subdomain, Timestamp, Workspace, WorkspaceNumber};

use crate::{Change, Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &BY_SUBDOMAIN, &BY_NUMBER, &LIST, &RENAME];

static INSERT: Sql =
    Sql::new("INSERT INTO workspace (number, id, subdomain, name, created_at) VALUES ($1, $2, $3, $4, $5)");

static BY_SUBDOMAIN: Sql =
    Sql::new("SELECT number, id, subdomain, name, created_at FROM workspace WHERE subdomain = $1");

static BY_NUMBER: Sql =
    Sql::new("SELECT number, id, subdomain, name, created_at FROM workspace WHERE number = $1");

static LIST: Sql =
    Sql::new("SELECT number, id, subdomain, name, created_at FROM workspace ORDER BY subdomain");

static RENAME: Sql = Sql::new("UPDATE workspace SET name = $2 WHERE number = $1");

/// Stores a new workspace under the next number.
///
/// # Errors
/// [`StoreError::Unique`] if the subdomain is taken.
pub fn insert(
    tx: &Tx<'_>,
    id: &str,
    subdomain: &Subdomain,
    name: &str,
    created_at: Timestamp,
) -> Result<Workspace, StoreError> {
    let number = WorkspaceNumber(super::next_number(tx, "workspace")?);
    tx.exec_later(&INSERT, params![number, id, subdomain.as_str(), name, created_at])?;
    Ok(Workspace {
        id: id.to_owned(),
        number,
        subdomain: subdomain.clone(),
        name: name.to_owned(),
        created_at,
    })
}

/// The workspace with this subdomain.
///
/// # Errors
/// If the store fails.
pub fn lookup_by_subdomain(tx: &Tx<'_>, subdomain: &str) -> Result<Option<Workspace>, StoreError> {
    tx.opt(&BY_SUBDOMAIN, params![subdomain], |row| from_row(row, 0))
}

/// The workspace with this number.
///
/// # Errors
/// If the store fails.
pub fn lookup(tx: &Tx<'_>, number: WorkspaceNumber) -> Result<Option<Workspace>, StoreError> {
    tx.opt(&BY_NUMBER, params![number], |row| from_row(row, 0))
}

/// Every workspace, by subdomain.
///
/// # Errors
/// If the store fails.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Workspace>, StoreError> {
    tx.all(&LIST, params![], |row| from_row(row, 0))
}

/// Gives a workspace another name.
///
/// # Errors
/// If the store fails.
pub fn rename(tx: &Tx<'_>, number: WorkspaceNumber, name: &str) -> Result<(), StoreError> {
    tx.exec(&RENAME, params![number, name])?;
    tx.announce(Change::Workspace(number));
    Ok(())
}

/// Reads number, id, subdomain, name and time from five columns on.
pub(super) fn from_row(row: &Row<'_>, first: usize) -> Result<Workspace, StoreError> {
    let subdomain: String = row.get(first + 2)?;
    Ok(Workspace {
        number: row.get(first)?,
        id: row.get(first + 1)?,
        subdomain: super::named("workspace.subdomain", &subdomain, |text| text.parse().ok())?,
        name: row.get(first + 3)?,
        created_at: row.get(first + 4)?,
    })
}
