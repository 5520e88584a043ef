//! Who belongs to which workspaces.

use gatepost_model::{Membership, Role, Timestamp, WorkspaceNumber};

use super::{named, workspaces};
use crate::{Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&SEEN_BY, &ALL, &HOLD, &OWNERS, &LEAVE];

/// Of each workspace that a user administers, everyone.
static SEEN_BY: Sql = Sql::new(
    "SELECT u.id, u.email, u.name, u.seen_at, COALESCE(f.confirmed, FALSE),
            m.role, w.number, w.id, w.subdomain, w.name, w.created_at
     FROM membership mine
     JOIN membership m ON m.workspace_number = mine.workspace_number
     JOIN workspace w ON w.number = m.workspace_number
     JOIN user_account u ON u.id = m.user_id
     LEFT JOIN second_factor f ON f.user_id = u.id
     WHERE mine.user_id = $1 AND mine.role IN ('owner', 'admin')
     ORDER BY u.email, w.subdomain LIMIT $2",
);

static ALL: Sql = Sql::new(
    "SELECT u.id, u.email, u.name, u.seen_at, COALESCE(f.confirmed, FALSE),
            m.role, w.number, w.id, w.subdomain, w.name, w.created_at
     FROM membership m
     JOIN workspace w ON w.number = m.workspace_number
     JOIN user_account u ON u.id = m.user_id
     LEFT JOIN second_factor f ON f.user_id = u.id
     ORDER BY u.email, w.subdomain LIMIT $1",
);

static HOLD: Sql = Sql::new("UPDATE workspace SET name = name WHERE number = $1");

static OWNERS: Sql =
    Sql::new("SELECT COUNT(*) FROM membership WHERE workspace_number = $1 AND role = 'owner'");

static LEAVE: Sql = Sql::new("DELETE FROM membership WHERE user_id = $1 AND workspace_number = $2");

/// Somebody in one workspace.
#[derive(Clone, Debug)]
pub struct Member {
    /// Whose membership it is.
    pub user_id: String,
    /// What they sign in with.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// When they were last seen, give or take a minute.
    pub seen_at: Option<Timestamp>,
    /// Whether signing in asks them for a code.
    pub has_second_factor: bool,
    /// Where, and as what.
    pub membership: Membership,
}

/// Up to `limit` memberships in the workspaces that a user administers, person by person.
///
/// # Errors
/// If the store fails.
pub fn list_seen_by(tx: &Tx<'_>, user: &str, limit: u32) -> Result<Vec<Member>, StoreError> {
    tx.all(&SEEN_BY, params![user, limit], from_row)
}

/// Up to `limit` memberships of all workspaces, by the members' emails.
///
/// # Errors
/// If the store fails.
pub fn list(tx: &Tx<'_>, limit: u32) -> Result<Vec<Member>, StoreError> {
    tx.all(&ALL, params![limit], from_row)
}

fn from_row(row: &Row<'_>) -> Result<Member, StoreError> {
    Ok(Member {
        user_id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        seen_at: row.get(3)?,
        has_second_factor: row.get(4)?,
        membership: Membership {
            role: named("membership.role", row.text(5)?, Role::from_name)?,
            workspace: workspaces::from_row(row, 6)?,
        },
    })
}

/// Counts the owners of a workspace, and keeps others from changing who they are until the end of the transaction: two
/// owners who leave at the same moment must not leave it without one.
///
/// # Errors
/// If the store fails.
pub fn count_owners(tx: &Tx<'_>, workspace: WorkspaceNumber) -> Result<i64, StoreError> {
    tx.exec(&HOLD, params![workspace])?;
    tx.one(&OWNERS, params![workspace], |row| row.get(0))
}

/// Takes a user out of a workspace.
///
/// # Errors
/// If the store fails.
pub fn leave(tx: &Tx<'_>, user: &str, workspace: WorkspaceNumber) -> Result<(), StoreError> {
    tx.exec(&LEAVE, params![user, workspace]).map(drop)
}
