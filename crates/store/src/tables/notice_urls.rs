//! Where notices go: one URL for a workspace, with the key that signs them.

use gatepost_model::secret::Sealed;
use gatepost_model::{Timestamp, WorkspaceNumber};

use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&PUT, &GET, &REMOVE];

static PUT: Sql = Sql::new(
    "INSERT INTO notice_url (workspace_number, id, url, sealed, created_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (workspace_number) DO UPDATE
     SET id = excluded.id, url = excluded.url, sealed = excluded.sealed, created_at = excluded.created_at",
);

static GET: Sql = Sql::new("SELECT id, url, sealed, created_at FROM notice_url WHERE workspace_number = $1");

static REMOVE: Sql = Sql::new("DELETE FROM notice_url WHERE workspace_number = $1");

/// Where a workspace's notices go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeUrl {
    /// The workspace.
    pub workspace: WorkspaceNumber,
    /// `whu_…`.
    pub id: String,
    /// The URL.
    pub url: String,
    /// The `whsec_…` text of the key that signs, sealed.
    pub sealed: Sealed,
    /// When it was set.
    pub created_at: Timestamp,
}

/// Sets where a workspace's notices go.
///
/// # Errors
/// If the store fails.
pub fn put(tx: &Tx<'_>, url: &NoticeUrl) -> Result<(), StoreError> {
    tx.exec_later(&PUT, params![url.workspace, &url.id, &url.url, &url.sealed.0, url.created_at])
}

/// Where a workspace's notices go, if anywhere.
///
/// # Errors
/// If the store fails.
pub fn lookup(tx: &Tx<'_>, workspace: WorkspaceNumber) -> Result<Option<NoticeUrl>, StoreError> {
    tx.opt(&GET, params![workspace], |row| {
        let sealed = Sealed(row.get(2)?);
        Ok(NoticeUrl { workspace, id: row.get(0)?, url: row.get(1)?, sealed, created_at: row.get(3)? })
    })
}

/// Has a workspace's notices go nowhere. False if they went nowhere already.
///
/// # Errors
/// If the store fails.
pub fn remove(tx: &Tx<'_>, workspace: WorkspaceNumber) -> Result<bool, StoreError> {
    Ok(tx.exec(&REMOVE, params![workspace])? > 0)
}
