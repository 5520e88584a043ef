//! Secrets that come to their end soon, for whoever tells their owners.

use gatepost_model::{ClientNumber, Timestamp};

use crate::{Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&ENDING, &TELL];

static ENDING: Sql = Sql::new(
    "SELECT client_number, number, hint, expires_at FROM client_secret
     WHERE expires_at > $1 AND expires_at <= $2 AND expires_at IS NOT NULL AND told_at IS NULL AND killed_at IS NULL
     ORDER BY expires_at LIMIT $3",
);

static TELL: Sql = Sql::new(
    "UPDATE client_secret SET told_at = $3 WHERE client_number = $1 AND number = $2 AND told_at IS NULL",
);

/// A secret that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingSecret {
    /// Whose it is.
    pub client: ClientNumber,
    /// Which of the client's.
    pub number: u16,
    /// How it begins and ends.
    pub hint: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The secrets that end after `now` and by `until`, up to `limit`, of which nobody was told so far.
///
/// # Errors
/// If the store fails.
pub fn list(
    tx: &Tx<'_>,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<EndingSecret>, StoreError> {
    tx.all(&ENDING, params![now, until, limit], |row| {
        let (client, number) = (row.get(0)?, row.get(1)?);
        Ok(EndingSecret { client, number, hint: row.get(2)?, expires_at: row.get(3)? })
    })
}

/// Notes that this end was told. False if it had been already.
///
/// # Errors
/// If the store fails.
pub fn tell(tx: &Tx<'_>, secret: &EndingSecret, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(&TELL, params![secret.client, secret.number, now])? > 0)
}
