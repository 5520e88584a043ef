//! What stands in for checking SQL at compile time: preparing every static statement.

use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::sql::{Sql, Statement};
use crate::store::Store;

/// Prepares each statement against the tables as they are.
///
/// # Errors
/// [`StoreError::Statement`] names the first one that does not fit.
pub async fn prepare_all(store: &Store, statements: &'static [&'static Sql]) -> Result<(), StoreError> {
    store
        .read(move |tx| {
            for sql in statements {
                sql.rendered(Dialect::Postgres)?;
                tx.prepare(*sql)?;
            }
            Ok(())
        })
        .await
}
