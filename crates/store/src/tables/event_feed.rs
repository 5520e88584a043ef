//! The events of a workspace in an order that can be followed without missing one (docs/adr/0009-event-feed.md).

use std::time::Duration;

use gatepost_model::webhook::Event;
use gatepost_model::{Timestamp, WorkspaceNumber, ids};

use super::records::event_from_row;
use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&POSITION, &LIST, &LAST, &LATEST];

static POSITION: Sql =
    Sql::new("SELECT position FROM event_in_order WHERE workspace_number = $1 AND id = $2");

/// The smallest id is asked for beside the place, so that what is certainly before it is not even looked at.
static LIST: Sql = Sql::new(
    "SELECT id, workspace_number, method, record_id, record, caused_by, at FROM event_in_order
     WHERE workspace_number = $1 AND settled AND id >= $2 AND (position > $3 OR (position = $3 AND id > $4))
     ORDER BY position, id LIMIT $5",
);

static LAST: Sql = Sql::new(
    "SELECT id FROM event_in_order WHERE workspace_number = $1 AND settled ORDER BY position DESC, id DESC LIMIT 1",
);

static LATEST: Sql = Sql::new("SELECT id FROM event ORDER BY id DESC LIMIT 1");

/// Of two events whose places are in one order, the ids may be in the other one if they were made within this time: longer
/// than any write takes and any two nodes' clocks differ.
const DISORDER: Duration = Duration::from_secs(3600);

/// A place between two events of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    position: i64,
    id: String,
    floor: String,
}

impl Place {
    /// Before every event that was made at `since` or later.
    #[must_use]
    pub fn since(since: Timestamp) -> Self {
        let floor = ids::sortable_floor(ids::EVENT, since);
        Self { position: -1, id: floor.clone(), floor }
    }

    /// After this event; none if it is not there.
    ///
    /// # Errors
    /// If the store fails.
    pub fn after(
        tx: &Tx<'_>,
        workspace: WorkspaceNumber,
        event_id: &str,
    ) -> Result<Option<Self>, StoreError> {
        let position = tx.opt(&POSITION, params![workspace, event_id], |row| row.get(0))?;
        Ok(position.map(|position| Self {
            position,
            id: event_id.to_owned(),
            floor: floor(position, event_id),
        }))
    }
}

/// Where all events have one position, ids are the order.
fn floor(position: i64, event_id: &str) -> String {
    match ids::sortable_time(ids::EVENT, event_id) {
        Some(made) if position > 0 => ids::sortable_floor(ids::EVENT, made.minus(DISORDER)),
        _ => event_id.to_owned(),
    }
}

/// The next events after a place, at most `limit`.
///
/// # Errors
/// If the store fails.
pub fn list(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    place: &Place,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let Place { position, id, floor } = place;
    tx.all(&LIST, params![workspace, floor, *position, id, limit], event_from_row)
}

/// The event that is last in a workspace's order so far.
///
/// # Errors
/// If the store fails.
pub fn last_id(tx: &Tx<'_>, workspace: WorkspaceNumber) -> Result<Option<String>, StoreError> {
    tx.opt(&LAST, params![workspace], |row| row.get(0))
}

/// The largest id of an event, of whatever workspace.
///
/// # Errors
/// If the store fails.
pub fn latest_id(tx: &Tx<'_>) -> Result<Option<String>, StoreError> {
    tx.opt(&LATEST, params![], |row| row.get(0))
}
