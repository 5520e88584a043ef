//! One row of a result.

use rusqlite::types::ValueRef;

use crate::engine::postgres::Received;
use crate::error::StoreError;
use crate::value::{FromValue, Value};

/// One row of a result, valid until the next one is fetched.
pub struct Row<'r>(Fetched<'r>);

enum Fetched<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> From<&'r rusqlite::Row<'r>> for Row<'r> {
    fn from(row: &'r rusqlite::Row<'r>) -> Self {
        Self(Fetched::Sqlite(row))
    }
}

impl<'r> From<&'r tokio_postgres::Row> for Row<'r> {
    fn from(row: &'r tokio_postgres::Row) -> Self {
        Self(Fetched::Postgres(row))
    }
}

impl<'r> Row<'r> {
    /// The column `index`, counted from zero.
    ///
    /// # Errors
    /// [`StoreError::Column`] if the column holds another type, a number out of `T`'s range, or does not
    /// exist.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T, StoreError> {
        let value = self.value(index)?;
        T::from_value(value).ok_or(StoreError::Column { index, wanted: T::WANTED, found: value.kind() })
    }

    /// The text of column `index` without a copy, for scans over many rows.
    ///
    /// # Errors
    /// [`StoreError::Column`] if the column holds anything but text.
    pub fn text(&self, index: usize) -> Result<&'r str, StoreError> {
        match self.value(index)? {
            Value::Text(text) => Ok(text),
            other => Err(StoreError::Column { index, wanted: "text", found: other.kind() }),
        }
    }

    /// The column as it is stored, without a copy.
    ///
    /// # Errors
    /// [`StoreError::Column`] if there is no such column, [`StoreError::Corrupt`] if its text is not UTF-8.
    pub fn value(&self, index: usize) -> Result<Value<'r>, StoreError> {
        match self.0 {
            Fetched::Sqlite(row) => from_sqlite(row.get_ref(index).map_err(|_| absent(index))?, index),
            Fetched::Postgres(row) if index >= row.len() => Err(absent(index)),
            Fetched::Postgres(row) => {
                let received = row.try_get(index).map_err(|_| {
                    StoreError::Corrupt(format!("column {index} cannot be read as what it says it is"))
                });
                received.map(|Received(value)| value)
            }
        }
    }
}

fn from_sqlite(stored: ValueRef<'_>, index: usize) -> Result<Value<'_>, StoreError> {
    Ok(match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) => Value::Text(
            std::str::from_utf8(bytes)
                .map_err(|_| StoreError::Corrupt(format!("the text in column {index} is not UTF-8")))?,
        ),
        ValueRef::Blob(bytes) => Value::Blob(bytes),
    })
}

fn absent(index: usize) -> StoreError {
    StoreError::Column { index, wanted: "a column of the statement", found: "nothing" }
}
