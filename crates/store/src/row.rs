//! One row of a result.

use rusqlite::types::ValueRef;

use crate::error::StoreError;
use crate::value::{FromValue, Value};

/// One row of a result, valid until the next one is fetched.
pub struct Row<'r>(pub(crate) &'r rusqlite::Row<'r>);

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
        let stored = self.0.get_ref(index).map_err(|_| StoreError::Column {
            index,
            wanted: "a column of the statement",
            found: "nothing",
        })?;
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
}
