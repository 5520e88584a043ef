//! Admin tokens, under the part of them by which they are found.

use gatepost_model::secret::Verifier;
use gatepost_model::{Timestamp, WorkspaceNumber};

use crate::{Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &BY_FINDER, &BY_ID, &ALL, &OF_USER, &GOOD_OF_OTHERS, &END, &USED];

static INSERT: Sql = Sql::new(
    "INSERT INTO admin_token (id, user_id, name, finder, verifier, hint, scopes, workspaces, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

static BY_FINDER: Sql = Sql::new(
    "SELECT id, user_id, name, hint, scopes, workspaces, created_at, expires_at, ended_at, used_at, used_from, verifier
     FROM admin_token WHERE finder = $1",
);

static BY_ID: Sql = Sql::new(
    "SELECT id, user_id, name, hint, scopes, workspaces, created_at, expires_at, ended_at, used_at, used_from
     FROM admin_token WHERE id = $1",
);

static ALL: Sql = Sql::new(
    "SELECT id, user_id, name, hint, scopes, workspaces, created_at, expires_at, ended_at, used_at, used_from
     FROM admin_token ORDER BY id DESC LIMIT $1",
);

static OF_USER: Sql = Sql::new(
    "SELECT id, user_id, name, hint, scopes, workspaces, created_at, expires_at, ended_at, used_at, used_from
     FROM admin_token WHERE user_id = $1 ORDER BY id DESC LIMIT $2",
);

static GOOD_OF_OTHERS: Sql = Sql::new(
    "SELECT id, user_id, name, hint, scopes, workspaces, created_at, expires_at, ended_at, used_at, used_from
     FROM admin_token WHERE user_id <> $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY id DESC LIMIT $3",
);

static END: Sql = Sql::new("UPDATE admin_token SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL");

static USED: Sql = Sql::new("UPDATE admin_token SET used_at = $2, used_from = $3 WHERE id = $1");

/// An admin token, without what would let anybody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminToken {
    /// `adt_…`, time-ordered.
    pub id: String,
    /// Who made it.
    pub user_id: String,
    /// What people call it.
    pub name: String,
    /// Its last characters.
    pub hint: String,
    /// The names of its scopes, with spaces between.
    pub scopes: String,
    /// The workspaces that it is for.
    pub workspaces: Vec<WorkspaceNumber>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first moment at which it is no longer good.
    pub expires_at: Timestamp,
    /// When it was cut off.
    pub ended_at: Option<Timestamp>,
    /// When it was last used, give or take a minute, and from where.
    pub last_used: Option<(Timestamp, String)>,
}

/// Stores a new token.
///
/// # Errors
/// If the store fails.
pub fn insert(tx: &Tx<'_>, token: &AdminToken, finder: &str, verifier: &Verifier) -> Result<(), StoreError> {
    let workspaces: Vec<String> = token.workspaces.iter().map(|number| number.0.to_string()).collect();
    tx.exec(
        &INSERT,
        params![
            &token.id,
            &token.user_id,
            &token.name,
            finder,
            &verifier.0,
            &token.hint,
            &token.scopes,
            &workspaces.join(" "),
            token.created_at,
            token.expires_at,
        ],
    )
    .map(drop)
}

/// The token that is found by this part of it, with the keyed hash that it must have.
///
/// # Errors
/// If the store fails.
pub fn lookup_by_finder(tx: &Tx<'_>, finder: &str) -> Result<Option<(AdminToken, Verifier)>, StoreError> {
    tx.opt(&BY_FINDER, params![finder], |row| Ok((from_row(row)?, Verifier(row.get(11)?))))
}

/// The token with this id.
///
/// # Errors
/// If the store fails.
pub fn lookup(tx: &Tx<'_>, id: &str) -> Result<Option<AdminToken>, StoreError> {
    tx.opt(&BY_ID, params![id], from_row)
}

/// Up to `limit` tokens, newest first; of one user if one is named.
///
/// # Errors
/// If the store fails.
pub fn list(tx: &Tx<'_>, user: Option<&str>, limit: u32) -> Result<Vec<AdminToken>, StoreError> {
    match user {
        Some(user) => tx.all(&OF_USER, params![user, limit], from_row),
        None => tx.all(&ALL, params![limit], from_row),
    }
}

/// Up to `limit` tokens of others than this user that are good at `now`, newest first.
///
/// # Errors
/// If the store fails.
pub fn list_good_of_others(
    tx: &Tx<'_>,
    user: &str,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<AdminToken>, StoreError> {
    tx.all(&GOOD_OF_OTHERS, params![user, now, limit], from_row)
}

/// Cuts a token off. False if it was before.
///
/// # Errors
/// If the store fails.
pub fn end(tx: &Tx<'_>, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(&END, params![id, now])? > 0)
}

/// Notes a use.
///
/// # Errors
/// If the store fails.
pub fn note_use(tx: &Tx<'_>, id: &str, now: Timestamp, from: &str) -> Result<(), StoreError> {
    tx.exec(&USED, params![id, now, from]).map(drop)
}

fn from_row(row: &Row<'_>) -> Result<AdminToken, StoreError> {
    let used_at: Option<Timestamp> = row.get(9)?;
    let used_from: Option<String> = row.get(10)?;
    Ok(AdminToken {
        id: row.get(0)?,
        user_id: row.get(1)?,
        name: row.get(2)?,
        hint: row.get(3)?,
        scopes: row.get(4)?,
        workspaces: numbers(row.text(5)?)?,
        created_at: row.get(6)?,
        expires_at: row.get(7)?,
        ended_at: row.get(8)?,
        last_used: used_at.zip(used_from),
    })
}

fn numbers(text: &str) -> Result<Vec<WorkspaceNumber>, StoreError> {
    let parsed = text.split_whitespace().map(|number| number.parse().map(WorkspaceNumber));
    let wrong = |_| StoreError::Corrupt(format!("column admin_token.workspaces holds \"{text}\""));
    parsed.collect::<Result<_, _>>().map_err(wrong)
}
