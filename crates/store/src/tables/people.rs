//! Users, their memberships, their second factors, and one-time links.

use gatepost_model::secret::Sealed;
use gatepost_model::{Membership, Role, Timestamp, User, WorkspaceNumber};

use super::{named, workspaces};
use crate::{Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &BY_ID,
    &BY_EMAIL,
    &ALL,
    &FIRST,
    &PASSWORD,
    &MEMBERSHIPS,
    &JOIN,
    &OWN_ALL,
    &ENROL,
    &CONFIRM,
    &SECOND_FACTOR,
    &TAKE_STEP,
    &DROP_SECOND_FACTOR,
    &ADD_RECOVERY_CODE,
    &TAKE_RECOVERY_CODE,
    &DROP_RECOVERY_CODES,
    &ADD_LINK,
    &DROP_LINKS,
    &LINK,
    &TAKE_LINK,
    &PURPOSE,
    &SET_PASSWORD,
    &SEEN,
];

static INSERT: Sql =
    Sql::new("INSERT INTO user_account (id, email, name, password, created_at) VALUES ($1, $2, $3, $4, $5)");

static BY_ID: Sql = Sql::new(
    "SELECT u.id, u.email, u.name, u.created_at, COALESCE(f.confirmed, FALSE)
     FROM user_account u LEFT JOIN second_factor f ON f.user_id = u.id WHERE u.id = $1",
);

static BY_EMAIL: Sql = Sql::new(
    "SELECT u.id, u.email, u.name, u.created_at, COALESCE(f.confirmed, FALSE)
     FROM user_account u LEFT JOIN second_factor f ON f.user_id = u.id WHERE u.email = $1",
);

static ALL: Sql = Sql::new(
    "SELECT u.id, u.email, u.name, u.created_at, COALESCE(f.confirmed, FALSE)
     FROM user_account u LEFT JOIN second_factor f ON f.user_id = u.id ORDER BY u.id LIMIT $1",
);

static FIRST: Sql = Sql::new("SELECT id FROM user_account ORDER BY id LIMIT 1");

static PASSWORD: Sql = Sql::new("SELECT password FROM user_account WHERE id = $1");

static MEMBERSHIPS: Sql = Sql::new(
    "SELECT m.role, w.number, w.id, w.subdomain, w.name, w.created_at
     FROM membership m JOIN workspace w ON w.number = m.workspace_number
     WHERE m.user_id = $1 ORDER BY w.subdomain",
);

static JOIN: Sql = Sql::new(
    "INSERT INTO membership (user_id, workspace_number, role) VALUES ($1, $2, $3)
     ON CONFLICT (user_id, workspace_number) DO UPDATE SET role = excluded.role",
);

static OWN_ALL: Sql = Sql::new(
    "INSERT INTO membership (user_id, workspace_number, role) SELECT $1, number, 'owner' FROM workspace",
);

static ENROL: Sql = Sql::new(
    "INSERT INTO second_factor (user_id, sealed, confirmed, last_step) VALUES ($1, $2, FALSE, 0)
     ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, last_step = 0
     WHERE second_factor.confirmed = FALSE",
);

static CONFIRM: Sql =
    Sql::new("UPDATE second_factor SET confirmed = TRUE WHERE user_id = $1 AND confirmed = FALSE");

static SECOND_FACTOR: Sql = Sql::new("SELECT sealed, confirmed FROM second_factor WHERE user_id = $1");

static TAKE_STEP: Sql =
    Sql::new("UPDATE second_factor SET last_step = $2 WHERE user_id = $1 AND last_step < $2");

static DROP_SECOND_FACTOR: Sql = Sql::new("DELETE FROM second_factor WHERE user_id = $1");

static ADD_RECOVERY_CODE: Sql = Sql::new("INSERT INTO recovery_code (user_id, hash) VALUES ($1, $2)");

static TAKE_RECOVERY_CODE: Sql = Sql::new("DELETE FROM recovery_code WHERE user_id = $1 AND hash = $2");

static DROP_RECOVERY_CODES: Sql = Sql::new("DELETE FROM recovery_code WHERE user_id = $1");

static ADD_LINK: Sql = Sql::new("INSERT INTO one_time_link (hash, purpose, expires_at) VALUES ($1, $2, $3)");

static DROP_LINKS: Sql = Sql::new("DELETE FROM one_time_link WHERE purpose = $1");

static LINK: Sql = Sql::new("SELECT expires_at FROM one_time_link WHERE hash = $1 AND purpose = $2");

static TAKE_LINK: Sql =
    Sql::new("DELETE FROM one_time_link WHERE hash = $1 AND purpose = $2 AND expires_at > $3");

static PURPOSE: Sql = Sql::new("SELECT purpose, expires_at FROM one_time_link WHERE hash = $1");

static SET_PASSWORD: Sql = Sql::new("UPDATE user_account SET password = $2 WHERE id = $1");

static SEEN: Sql = Sql::new("UPDATE user_account SET seen_at = $2 WHERE id = $1");

/// Stores a new user without memberships.
///
/// # Errors
/// [`StoreError::Unique`] if the email is taken.
pub fn insert(tx: &Tx<'_>, user: &User, password: &str) -> Result<(), StoreError> {
    tx.exec(&INSERT, params![&user.id, &user.email, &user.name, password, user.created_at]).map(drop)
}

/// The user with this id.
///
/// # Errors
/// If the store fails.
pub fn lookup(tx: &Tx<'_>, id: &str) -> Result<Option<User>, StoreError> {
    with_memberships(tx, tx.opt(&BY_ID, params![id], from_row)?)
}

/// The user with this email, which is in lower case.
///
/// # Errors
/// If the store fails.
pub fn lookup_by_email(tx: &Tx<'_>, email: &str) -> Result<Option<User>, StoreError> {
    with_memberships(tx, tx.opt(&BY_EMAIL, params![email], from_row)?)
}

/// Up to `limit` users, oldest first, without their memberships.
///
/// # Errors
/// If the store fails.
pub fn list(tx: &Tx<'_>, limit: u32) -> Result<Vec<User>, StoreError> {
    tx.all(&ALL, params![limit], from_row)
}

/// The id of the user who has been there longest.
///
/// # Errors
/// If the store fails.
pub fn lookup_first(tx: &Tx<'_>) -> Result<Option<String>, StoreError> {
    tx.opt(&FIRST, params![], |row| row.get(0))
}

/// The hash of a user's password.
///
/// # Errors
/// If the store fails.
pub fn lookup_password(tx: &Tx<'_>, id: &str) -> Result<Option<String>, StoreError> {
    tx.opt(&PASSWORD, params![id], |row| row.get(0))
}

/// Gives a user a role in a workspace, instead of the one they have there.
///
/// # Errors
/// If the store fails.
pub fn join(tx: &Tx<'_>, user: &str, workspace: WorkspaceNumber, role: Role) -> Result<(), StoreError> {
    tx.exec(&JOIN, params![user, workspace, role.as_str()]).map(drop)
}

/// Makes a user who has no memberships the owner of every workspace.
///
/// # Errors
/// If the store fails.
pub fn own_all(tx: &Tx<'_>, user: &str) -> Result<(), StoreError> {
    tx.exec(&OWN_ALL, params![user]).map(drop)
}

/// Keeps a second factor that is yet to be confirmed. One that is confirmed stays as it is.
///
/// # Errors
/// If the store fails.
pub fn enrol(tx: &Tx<'_>, user: &str, sealed: &Sealed) -> Result<(), StoreError> {
    tx.exec(&ENROL, params![user, &sealed.0]).map(drop)
}

/// Has a second factor asked for from now on. False if there is none that waits for it.
///
/// # Errors
/// If the store fails.
pub fn confirm(tx: &Tx<'_>, user: &str) -> Result<bool, StoreError> {
    Ok(tx.exec(&CONFIRM, params![user])? > 0)
}

/// A user's second factor, and whether it is confirmed.
///
/// # Errors
/// If the store fails.
pub fn lookup_second_factor(tx: &Tx<'_>, user: &str) -> Result<Option<(Sealed, bool)>, StoreError> {
    tx.opt(&SECOND_FACTOR, params![user], |row| Ok((Sealed(row.get(0)?), row.get(1)?)))
}

/// Takes the code of a step of time. False if that one or a newer one was taken before.
///
/// # Errors
/// If the store fails.
pub fn take_step(tx: &Tx<'_>, user: &str, step: i64) -> Result<bool, StoreError> {
    Ok(tx.exec(&TAKE_STEP, params![user, step])? > 0)
}

/// Removes a user's second factor and their recovery codes.
///
/// # Errors
/// If the store fails.
pub fn drop_second_factor(tx: &Tx<'_>, user: &str) -> Result<(), StoreError> {
    tx.exec(&DROP_SECOND_FACTOR, params![user])?;
    tx.exec(&DROP_RECOVERY_CODES, params![user]).map(drop)
}

/// Replaces a user's recovery codes, which are kept as hashes.
///
/// # Errors
/// If the store fails.
pub fn set_recovery_codes(tx: &Tx<'_>, user: &str, hashes: &[Vec<u8>]) -> Result<(), StoreError> {
    tx.exec(&DROP_RECOVERY_CODES, params![user])?;
    for hash in hashes {
        tx.exec(&ADD_RECOVERY_CODE, params![user, hash])?;
    }
    Ok(())
}

/// Uses a recovery code up. False if the user has no such code.
///
/// # Errors
/// If the store fails.
pub fn take_recovery_code(tx: &Tx<'_>, user: &str, hash: &[u8]) -> Result<bool, StoreError> {
    Ok(tx.exec(&TAKE_RECOVERY_CODE, params![user, hash])? > 0)
}

/// Keeps the hash of a new link; those of the same purpose end.
///
/// # Errors
/// If the store fails.
pub fn replace_link(
    tx: &Tx<'_>,
    purpose: &str,
    hash: &[u8],
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(&DROP_LINKS, params![purpose])?;
    tx.exec(&ADD_LINK, params![hash, purpose, expires_at]).map(drop)
}

/// When a link ends, if there is such a link.
///
/// # Errors
/// If the store fails.
pub fn lookup_link(tx: &Tx<'_>, purpose: &str, hash: &[u8]) -> Result<Option<Timestamp>, StoreError> {
    tx.opt(&LINK, params![hash, purpose], |row| row.get(0))
}

/// Uses a link up. False if there is none, or it has ended.
///
/// # Errors
/// If the store fails.
pub fn take_link(tx: &Tx<'_>, purpose: &str, hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(&TAKE_LINK, params![hash, purpose, now])? > 0)
}

/// What a link is for and when it ends, if there is such a link.
///
/// # Errors
/// If the store fails.
pub fn lookup_purpose(tx: &Tx<'_>, hash: &[u8]) -> Result<Option<(String, Timestamp)>, StoreError> {
    tx.opt(&PURPOSE, params![hash], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Replaces the hash of a user's password.
///
/// # Errors
/// If the store fails.
pub fn set_password(tx: &Tx<'_>, id: &str, password: &str) -> Result<(), StoreError> {
    tx.exec(&SET_PASSWORD, params![id, password]).map(drop)
}

/// Notes that a user was there.
///
/// # Errors
/// If the store fails.
pub fn seen(tx: &Tx<'_>, id: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(&SEEN, params![id, now]).map(drop)
}

fn with_memberships(tx: &Tx<'_>, user: Option<User>) -> Result<Option<User>, StoreError> {
    let Some(mut user) = user else {
        return Ok(None);
    };
    user.memberships = tx.all(&MEMBERSHIPS, params![&user.id], |row| {
        let role = named("membership.role", row.text(0)?, Role::from_name)?;
        Ok(Membership { workspace: workspaces::from_row(row, 1)?, role })
    })?;
    Ok(Some(user))
}

fn from_row(row: &Row<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        created_at: row.get(3)?,
        has_second_factor: row.get(4)?,
        memberships: Vec::new(),
    })
}
