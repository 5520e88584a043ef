//! Records of the built-in backend, and the events of their changes.

use std::ops::ControlFlow;

use gatepost_model::WorkspaceNumber;
use gatepost_model::webhook::Event;

use crate::{Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] =
    &[&INSERT, &GET, &UPDATE, &DELETE, &SCAN_UP, &SCAN_DOWN, &SCAN_ALL_TYPES, &INSERT_EVENT, &GET_EVENT];

static INSERT: Sql =
    Sql::new("INSERT INTO record (workspace_number, entity_type, id, body) VALUES ($1, $2, $3, $4)");

static GET: Sql =
    Sql::new("SELECT body FROM record WHERE workspace_number = $1 AND entity_type = $2 AND id = $3");

static UPDATE: Sql =
    Sql::new("UPDATE record SET body = $4 WHERE workspace_number = $1 AND entity_type = $2 AND id = $3");

static DELETE: Sql =
    Sql::new("DELETE FROM record WHERE workspace_number = $1 AND entity_type = $2 AND id = $3");

static SCAN_UP: Sql =
    Sql::new("SELECT body FROM record WHERE workspace_number = $1 AND entity_type = $2 ORDER BY id");

static SCAN_DOWN: Sql =
    Sql::new("SELECT body FROM record WHERE workspace_number = $1 AND entity_type = $2 ORDER BY id DESC");

static SCAN_ALL_TYPES: Sql =
    Sql::new("SELECT body, entity_type FROM record WHERE workspace_number = $1 ORDER BY entity_type, id");

static INSERT_EVENT: Sql = Sql::new(
    "INSERT INTO event (id, workspace_number, method, record_id, record, caused_by, at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

static GET_EVENT: Sql = Sql::new(
    "SELECT id, workspace_number, method, record_id, record, caused_by, at FROM event
     WHERE workspace_number = $1 AND id = $2",
);

/// Stores a new record.
///
/// # Errors
/// [`StoreError::Unique`] if the id is taken.
pub fn insert(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    entity_type: &str,
    id: &str,
    body: &str,
) -> Result<(), StoreError> {
    tx.exec_later(&INSERT, params![workspace, entity_type, id, body])
}

/// The record's JSON text.
///
/// # Errors
/// If the store fails.
pub fn lookup(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    entity_type: &str,
    id: &str,
) -> Result<Option<String>, StoreError> {
    tx.opt(&GET, params![workspace, entity_type, id], |row| row.get(0))
}

/// Replaces the record's JSON text.
///
/// # Errors
/// If the store fails.
pub fn update(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    entity_type: &str,
    id: &str,
    body: &str,
) -> Result<(), StoreError> {
    tx.exec_later(&UPDATE, params![workspace, entity_type, id, body])
}

/// Removes the record.
///
/// # Errors
/// If the store fails.
pub fn delete(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    entity_type: &str,
    id: &str,
) -> Result<(), StoreError> {
    tx.exec_later(&DELETE, params![workspace, entity_type, id])
}

/// Hands each record's JSON text to `visit` in the order of ids until it breaks off.
///
/// # Errors
/// If the store or `visit` fails.
pub fn scan(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    entity_type: &str,
    descending: bool,
    mut visit: impl FnMut(&str) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let sql = if descending { &SCAN_DOWN } else { &SCAN_UP };
    tx.scan(sql, params![workspace, entity_type], |row| visit(row.text(0)?))
}

/// Hands each record of every type to `visit` (JSON text, entity type) until it breaks off.
///
/// # Errors
/// If the store or `visit` fails.
pub fn scan_all_types(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    mut visit: impl FnMut(&str, &str) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    tx.scan(&SCAN_ALL_TYPES, params![workspace], |row| visit(row.text(0)?, row.text(1)?))
}

/// Stores an event.
///
/// # Errors
/// If the store fails.
pub fn insert_event(tx: &Tx<'_>, event: &Event) -> Result<(), StoreError> {
    tx.exec_later(
        &INSERT_EVENT,
        params![
            &event.id,
            event.workspace,
            event.method.as_str(),
            &event.record_id,
            &event.record,
            &event.caused_by,
            event.at,
        ],
    )
}

/// The event with this id.
///
/// # Errors
/// If the store fails.
pub fn lookup_event(tx: &Tx<'_>, workspace: WorkspaceNumber, id: &str) -> Result<Option<Event>, StoreError> {
    tx.opt(&GET_EVENT, params![workspace, id], event_from_row)
}

pub(super) fn event_from_row(row: &Row<'_>) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.get(0)?,
        workspace: row.get(1)?,
        method: super::named("event.method", row.text(2)?, |text| text.parse().ok())?,
        record_id: row.get(3)?,
        record: row.get(4)?,
        caused_by: row.get(5)?,
        at: row.get(6)?,
    })
}
