//! Invitations to workspaces, under the hash of what their link holds.

use gatepost_model::{Role, Timestamp, Workspace};

use super::{named, workspaces};
use crate::{Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &INSERT_WORKSPACE,
    &BY_HASH,
    &BY_ID,
    &PENDING,
    &ALL_PENDING,
    &WORKSPACES,
    &TAKE,
    &DROP_WORKSPACES,
    &ENDED,
];

static INSERT: Sql = Sql::new(
    "INSERT INTO invitation (id, hash, email, role, invited_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
);

static INSERT_WORKSPACE: Sql =
    Sql::new("INSERT INTO invitation_workspace (invitation_id, workspace_number) VALUES ($1, $2)");

static BY_HASH: Sql =
    Sql::new("SELECT id, email, role, invited_by, expires_at FROM invitation WHERE hash = $1");

static BY_ID: Sql = Sql::new("SELECT id, email, role, invited_by, expires_at FROM invitation WHERE id = $1");

static PENDING: Sql = Sql::new(
    "SELECT id, email, role, invited_by, expires_at FROM invitation
     WHERE expires_at > $2 AND EXISTS (
         SELECT 1 FROM invitation_workspace i JOIN membership m ON m.workspace_number = i.workspace_number
         WHERE i.invitation_id = invitation.id AND m.user_id = $1 AND m.role IN ('owner', 'admin'))
     ORDER BY id DESC LIMIT $3",
);

static ALL_PENDING: Sql = Sql::new(
    "SELECT id, email, role, invited_by, expires_at FROM invitation
     WHERE expires_at > $1 ORDER BY id DESC LIMIT $2",
);

static WORKSPACES: Sql = Sql::new(
    "SELECT w.number, w.id, w.subdomain, w.name, w.created_at
     FROM invitation_workspace i JOIN workspace w ON w.number = i.workspace_number
     WHERE i.invitation_id = $1 ORDER BY w.subdomain",
);

static TAKE: Sql = Sql::new("DELETE FROM invitation WHERE id = $1");

static DROP_WORKSPACES: Sql = Sql::new("DELETE FROM invitation_workspace WHERE invitation_id = $1");

static ENDED: Sql = Sql::new("SELECT id FROM invitation WHERE expires_at <= $1 LIMIT 1000");

/// Somebody who is asked to join workspaces.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// `inv_…`.
    pub id: String,
    /// Who is asked, in lower case.
    pub email: String,
    /// What they will be in each of the workspaces.
    pub role: Role,
    /// The id of the user who asks them.
    pub invited_by: String,
    /// When the link ends.
    pub expires_at: Timestamp,
    /// Where.
    pub workspaces: Vec<Workspace>,
}

/// Keeps an invitation.
///
/// # Errors
/// If the store fails.
pub fn insert(tx: &Tx<'_>, invitation: &Invitation, hash: &[u8]) -> Result<(), StoreError> {
    let Invitation { id, email, role, invited_by, expires_at, workspaces } = invitation;
    tx.exec(&INSERT, params![id, hash, email, role.as_str(), invited_by, *expires_at])?;
    for workspace in workspaces {
        tx.exec(&INSERT_WORKSPACE, params![id, workspace.number])?;
    }
    Ok(())
}

/// The invitation of a link, ended or not.
///
/// # Errors
/// If the store fails.
pub fn lookup_by_hash(tx: &Tx<'_>, hash: &[u8]) -> Result<Option<Invitation>, StoreError> {
    let found = tx.opt(&BY_HASH, params![hash], from_row)?;
    found.map(|invitation| with_workspaces(tx, invitation)).transpose()
}

/// The invitation with this id, ended or not.
///
/// # Errors
/// If the store fails.
pub fn lookup(tx: &Tx<'_>, id: &str) -> Result<Option<Invitation>, StoreError> {
    let found = tx.opt(&BY_ID, params![id], from_row)?;
    found.map(|invitation| with_workspaces(tx, invitation)).transpose()
}

/// Up to `limit` invitations that have not ended, into a workspace that a user administers, newest first.
///
/// # Errors
/// If the store fails.
pub fn list_pending(
    tx: &Tx<'_>,
    user: &str,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Invitation>, StoreError> {
    let found = tx.all(&PENDING, params![user, now, limit], from_row)?;
    found.into_iter().map(|invitation| with_workspaces(tx, invitation)).collect()
}

/// Every invitation that has not ended by `now`, newest first.
///
/// # Errors
/// If the store fails.
pub fn list_all_pending(tx: &Tx<'_>, now: Timestamp, limit: u32) -> Result<Vec<Invitation>, StoreError> {
    let found = tx.all(&ALL_PENDING, params![now, limit], from_row)?;
    found.into_iter().map(|invitation| with_workspaces(tx, invitation)).collect()
}

/// Uses an invitation up. False if somebody else did.
///
/// # Errors
/// If the store fails.
pub fn take(tx: &Tx<'_>, id: &str) -> Result<bool, StoreError> {
    tx.exec(&DROP_WORKSPACES, params![id])?;
    Ok(tx.exec(&TAKE, params![id])? > 0)
}

/// Drops invitations that have ended.
///
/// # Errors
/// If the store fails.
pub fn end_old(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    let ended: Vec<String> = tx.all(&ENDED, params![now], |row| row.get(0))?;
    ended.iter().try_for_each(|id| take(tx, id).map(drop))
}

fn with_workspaces(tx: &Tx<'_>, invitation: Invitation) -> Result<Invitation, StoreError> {
    let workspaces = tx.all(&WORKSPACES, params![&invitation.id], |row| workspaces::from_row(row, 0))?;
    Ok(Invitation { workspaces, ..invitation })
}

fn from_row(row: &Row<'_>) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: row.get(0)?,
        email: row.get(1)?,
        role: named("invitation.role", row.text(2)?, Role::from_name)?,
        invited_by: row.get(3)?,
        expires_at: row.get(4)?,
        workspaces: Vec::new(),
    })
}
