//! The audit trail: append-only, in the transaction of the change it tells of.

use gatepost_model::Timestamp;

use super::Page;
use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &LIST, &LIST_BY_SUBJECT];

static INSERT: Sql = Sql::new(
    "INSERT INTO audit (id, at, actor, address, action, subject_id, before, after)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

static LIST: Sql = Sql::new(
    "SELECT id, at, actor, address, action, subject_id, before, after FROM audit
     WHERE id < $1 AND id >= $2 ORDER BY id DESC LIMIT $3",
);

static LIST_BY_SUBJECT: Sql = Sql::new(
    "SELECT id, at, actor, address, action, subject_id, before, after FROM audit
     WHERE subject_id = $1 AND id < $2 AND id >= $3 ORDER BY id DESC LIMIT $4",
);

/// Who did what to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `aud_…`, time-ordered.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who: `cli`, `user:…`, `system`.
    pub actor: String,
    /// From where, if over a network.
    pub address: Option<String>,
    /// What was done: `client.create`, `secret.reveal` …
    pub action: String,
    /// To what: the id of the client, workspace …
    pub subject_id: String,
    /// The subject before, as JSON with secrets masked.
    pub before: Option<String>,
    /// The subject after.
    pub after: Option<String>,
}

/// Adds an entry.
///
/// # Errors
/// If the store fails.
pub fn insert(tx: &Tx<'_>, entry: &Entry) -> Result<(), StoreError> {
    tx.exec_later(
        &INSERT,
        params![
            &entry.id,
            entry.at,
            &entry.actor,
            &entry.address,
            &entry.action,
            &entry.subject_id,
            &entry.before,
            &entry.after,
        ],
    )
}

/// Entries, newest first; of one subject if one is named.
///
/// # Errors
/// If the store fails.
pub fn list(tx: &Tx<'_>, subject_id: Option<&str>, page: &Page) -> Result<Vec<Entry>, StoreError> {
    list_from(tx, subject_id, "", page)
}

/// Entries with ids from `oldest` on, newest first; of one subject if one is named.
///
/// # Errors
/// If the store fails.
pub fn list_from(
    tx: &Tx<'_>,
    subject_id: Option<&str>,
    oldest: &str,
    page: &Page,
) -> Result<Vec<Entry>, StoreError> {
    let read = |row: &crate::Row<'_>| {
        Ok(Entry {
            id: row.get(0)?,
            at: row.get(1)?,
            actor: row.get(2)?,
            address: row.get(3)?,
            action: row.get(4)?,
            subject_id: row.get(5)?,
            before: row.get(6)?,
            after: row.get(7)?,
        })
    };
    match subject_id {
        Some(subject) => tx.all(&LIST_BY_SUBJECT, params![subject, page.bound(), oldest, page.limit], read),
        None => tx.all(&LIST, params![page.bound(), oldest, page.limit], read),
    }
}
