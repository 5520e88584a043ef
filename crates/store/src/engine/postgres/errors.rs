//! From PostgreSQL's errors to the store's, in one place.
//!
//! The server's messages are left out once values are bound, for many quote them: a state and the names of
//! tables and columns say enough.

use tokio_postgres::error::{DbError, Severity, SqlState};

use super::values::Misfit;
use crate::error::StoreError;

/// An error of a statement that may have been given values.
pub(super) fn from_postgres(error: &tokio_postgres::Error) -> StoreError {
    match error.as_db_error() {
        Some(refusal) => from_refusal(refusal),
        None if is_lost(error) => unavailable("the connection was lost"),
        None => StoreError::Constraint(String::from("a value does not fit its placeholder")),
    }
}

/// An error of a statement that was not given values, so that all of the server's message may be shown.
pub(super) fn without_values(error: &tokio_postgres::Error) -> StoreError {
    match (from_postgres(error), error.as_db_error()) {
        (StoreError::Other(_) | StoreError::Constraint(_) | StoreError::Statement(_), Some(refusal)) => {
            StoreError::Statement(refusal.message().to_owned())
        }
        (error, _) => error,
    }
}

/// An error of a try to connect. It says which address refused, and never the password.
pub(super) fn from_connecting(error: &tokio_postgres::Error) -> StoreError {
    let Some(refusal) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        return unavailable(format!("{error}{cause}"));
    };
    match refusal.code().code().get(..2) {
        // Authorization, and databases that do not exist: no waiting helps.
        Some("28" | "3D") => StoreError::Denied(refusal.message().to_owned()),
        _ => unavailable(refusal.message()),
    }
}

/// The database cannot be reached, for this reason.
pub(super) fn unavailable(reason: impl Into<String>) -> StoreError {
    StoreError::Unavailable(reason.into())
}

/// Whether the connection is of no more use.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error() {
        Some(refusal) => matches!(from_refusal(refusal), StoreError::Unavailable(_)),
        // Whatever breaks the protocol leaves no telling what the server makes of the next message.
        None => !std::error::Error::source(error).is_some_and(|cause| cause.is::<Misfit>()),
    }
}

/// Whether the server has forgotten a prepared statement, or its tables have changed under it.
pub(super) fn is_stale(error: &tokio_postgres::Error) -> bool {
    let stale = [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME];
    error.code().is_some_and(|code| stale.contains(code))
}

/// Whether the server refuses to write.
pub(super) fn is_read_only(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
}

fn from_refusal(refusal: &DbError) -> StoreError {
    if ends_connection(refusal) {
        return unavailable(describe(refusal));
    }
    match refusal.code() {
        &SqlState::UNIQUE_VIOLATION => {
            let constraint = refusal.constraint().unwrap_or("key");
            StoreError::Unique { constraint: constraint.to_owned() }
        }
        &SqlState::FOREIGN_KEY_VIOLATION => StoreError::ForeignKey,
        &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::T_R_DEADLOCK_DETECTED
        | &SqlState::LOCK_NOT_AVAILABLE => StoreError::Busy,
        &SqlState::QUERY_CANCELED => StoreError::Timeout,
        &SqlState::DISK_FULL => StoreError::Full,
        &SqlState::IO_ERROR => StoreError::Io(describe(refusal)),
        &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => StoreError::Corrupt(describe(refusal)),
        &SqlState::READ_ONLY_SQL_TRANSACTION => {
            StoreError::Statement(String::from("it writes, but this is a read"))
        }
        &SqlState::ADMIN_SHUTDOWN
        | &SqlState::CRASH_SHUTDOWN
        | &SqlState::CANNOT_CONNECT_NOW
        | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        | &SqlState::TOO_MANY_CONNECTIONS => unavailable(describe(refusal)),
        code => from_class(code.code().get(..2).unwrap_or_default(), refusal),
    }
}

/// Whether the server goes away with this, whatever the reason. One that finds no room for its log while it commits says so
/// and dies, and may yet find the commit in the log when it is started again.
fn ends_connection(refusal: &DbError) -> bool {
    matches!(refusal.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

fn from_class(class: &str, refusal: &DbError) -> StoreError {
    match class {
        // Connections, and a server that has too little of something.
        "08" | "53" => unavailable(describe(refusal)),
        // Values that cannot be, and rules that they break.
        "22" | "23" => StoreError::Constraint(describe(refusal)),
        // Names and syntax, which are the statement's own.
        "42" => StoreError::Statement(refusal.message().to_owned()),
        _ => StoreError::Other(describe(refusal)),
    }
}

fn describe(refusal: &DbError) -> String {
    let place = [refusal.table(), refusal.column()].into_iter().flatten().collect::<Vec<_>>().join(".");
    let place = if place.is_empty() { place } else { format!(" at {place}") };
    format!("PostgreSQL says {}{place}", refusal.code().code())
}
