//! Sessions of people who signed in, under the hash of what their browser holds.

use gatepost_model::Timestamp;

use crate::{Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &GET, &SEEN, &CHECKED, &END, &END_ALL, &END_OLD, &OF_USER];

static INSERT: Sql = Sql::new(
    "INSERT INTO session (hash, user_id, complete, created_at, seen_at, checked_at, address)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

static GET: Sql = Sql::new(
    "SELECT hash, user_id, complete, created_at, seen_at, checked_at, address FROM session WHERE hash = $1",
);

static SEEN: Sql = Sql::new("UPDATE session SET seen_at = $2 WHERE hash = $1");

static CHECKED: Sql = Sql::new("UPDATE session SET checked_at = $2 WHERE hash = $1");

static END: Sql = Sql::new("DELETE FROM session WHERE hash = $1");

static END_ALL: Sql = Sql::new("DELETE FROM session WHERE user_id = $1");

static END_OLD: Sql = Sql::new("DELETE FROM session WHERE created_at < $1");

static OF_USER: Sql = Sql::new(
    "SELECT hash, user_id, complete, created_at, seen_at, checked_at, address FROM session
     WHERE user_id = $1 ORDER BY seen_at DESC LIMIT $2",
);

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The hash of what the browser holds.
    pub hash: Vec<u8>,
    /// Whose it is.
    pub user_id: String,
    /// Whether the second factor was shown, if there is one.
    pub complete: bool,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, give or take a minute.
    pub seen_at: Timestamp,
    /// When the password was last asked for.
    pub checked_at: Timestamp,
    /// From where it began.
    pub address: String,
}

/// Begins a session.
///
/// # Errors
/// If the store fails.
pub fn insert(tx: &Tx<'_>, session: &Session) -> Result<(), StoreError> {
    let Session { hash, user_id, complete, created_at, seen_at, checked_at, address } = session;
    tx.exec(&INSERT, params![hash, user_id, *complete, *created_at, *seen_at, *checked_at, address]).map(drop)
}

/// The session with this hash.
///
/// # Errors
/// If the store fails.
pub fn lookup(tx: &Tx<'_>, hash: &[u8]) -> Result<Option<Session>, StoreError> {
    tx.opt(&GET, params![hash], from_row)
}

/// Up to `limit` sessions of a user, those used last first.
///
/// # Errors
/// If the store fails.
pub fn list(tx: &Tx<'_>, user: &str, limit: u32) -> Result<Vec<Session>, StoreError> {
    tx.all(&OF_USER, params![user, limit], from_row)
}

/// Notes that it was used.
///
/// # Errors
/// If the store fails.
pub fn seen(tx: &Tx<'_>, hash: &[u8], now: Timestamp) -> Result<(), StoreError> {
    tx.exec(&SEEN, params![hash, now]).map(drop)
}

/// Notes that the password was asked for again, and was right.
///
/// # Errors
/// If the store fails.
pub fn checked(tx: &Tx<'_>, hash: &[u8], now: Timestamp) -> Result<(), StoreError> {
    tx.exec(&CHECKED, params![hash, now]).map(drop)
}

/// Ends a session.
///
/// # Errors
/// If the store fails.
pub fn end(tx: &Tx<'_>, hash: &[u8]) -> Result<(), StoreError> {
    tx.exec(&END, params![hash]).map(drop)
}

/// Ends every session of a user, and says how many there were.
///
/// # Errors
/// If the store fails.
pub fn end_all(tx: &Tx<'_>, user: &str) -> Result<usize, StoreError> {
    tx.exec(&END_ALL, params![user])
}

/// Drops sessions that began before `oldest`.
///
/// # Errors
/// If the store fails.
pub fn end_old(tx: &Tx<'_>, oldest: Timestamp) -> Result<(), StoreError> {
    tx.exec(&END_OLD, params![oldest]).map(drop)
}

fn from_row(row: &Row<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        hash: row.get(0)?,
        user_id: row.get(1)?,
        complete: row.get(2)?,
        created_at: row.get(3)?,
        seen_at: row.get(4)?,
        checked_at: row.get(5)?,
        address: row.get(6)?,
    })
}
