//! From SQLite's errors to the store's, in one place.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::error::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(failure, message) => from_failure(failure, message),
            // The text of a statement is ours, and values are never in it.
            rusqlite::Error::SqlInputError { msg, sql, .. } => Self::Statement(format!("{msg} in: {sql}")),
            rusqlite::Error::ExecuteReturnedResults => {
                Self::Statement(String::from("it returns rows; use one, opt, all or scan"))
            }
            other => Self::Other(other.to_string()),
        }
    }
}

/// An error of a statement that was not given values yet, so that all of SQLite's message may be shown.
pub(super) fn without_values(error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(failure, Some(message)) if failure.code == ErrorCode::Unknown => {
            StoreError::Statement(message)
        }
        other => other.into(),
    }
}

fn from_failure(failure: ffi::Error, message: Option<String>) -> StoreError {
    match failure.code {
        ErrorCode::ConstraintViolation => from_constraint(failure.extended_code, message),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
        ErrorCode::OperationInterrupted => StoreError::Timeout,
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(describe(failure)),
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::FileLockingProtocolFailed => StoreError::Io(describe(failure)),
        ErrorCode::ReadOnly => StoreError::Statement(String::from("it writes, but this is a read")),
        // SQLite's own message is left out: some (JSON paths, for one) quote bound values.
        _ => StoreError::Other(describe(failure)),
    }
}

fn from_constraint(extended_code: i32, message: Option<String>) -> StoreError {
    // These messages name tables, columns and constraints, never values.
    let message = message.unwrap_or_default();
    match extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            StoreError::Unique {
                constraint: message.strip_prefix("UNIQUE constraint failed: ").unwrap_or(&message).to_owned(),
            }
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => StoreError::ForeignKey,
        _ => StoreError::Constraint(message),
    }
}

fn describe(failure: ffi::Error) -> String {
    failure.to_string()
}
