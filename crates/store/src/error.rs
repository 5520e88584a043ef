//! What can go wrong in the store, said once for both engines.

/// An error of the store.
///
/// It can be cloned, because one failed commit is the answer to every caller of its group. Its text never
/// holds a bound value: it may end up in a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A row with the same key is there already.
    #[error("a row with the same {constraint} exists already")]
    Unique {
        /// The columns (`table.column, table.column`) or the index that must be unique.
        constraint: String,
    },
    /// A row names another one that is not there, or is still named by others.
    #[error("a row refers to one that does not exist, or is still referred to")]
    ForeignKey,
    /// A value breaks a CHECK, NOT NULL or column type.
    #[error("a value breaks a rule of its table: {0}")]
    Constraint(String),
    /// A text holds U+0000, which PostgreSQL cannot keep, so neither engine does. Whoever sent the text can mend it.
    #[error("a text holds the character U+0000, which cannot be kept or searched for; send it without")]
    ZeroCharacter,
    /// The store has too much to do, or another process holds the database; trying again later may work.
    #[error("the database is busy; try again")]
    Busy,
    /// The database cannot be reached. Nothing of the transaction was kept.
    #[error("the database cannot be reached: {0}; try again")]
    Unavailable(String),
    /// The database lets nobody in with this name and password, or there is none of that name. Nothing was kept.
    #[error("the database does not let this server in: {0}")]
    Denied(String),
    /// The connection was lost while the database was committing: all of the transaction was kept, or nothing.
    #[error(
        "the connection to the database was lost during a commit, so it is not known whether it was done"
    )]
    Uncertain,
    /// A read took longer than it may.
    #[error("the read took longer than it may")]
    Timeout,
    /// The store is closed or closing.
    #[error("the store is closed")]
    Closed,
    /// The disk, or the size that the database may have, is used up. Nothing of the transaction was kept.
    #[error("the database or its disk is full; free some space")]
    Full,
    /// The machine could not read or write a file.
    #[error("the database's files could not be read or written: {0}")]
    Io(String),
    /// [`crate::Tx::one`] found no row.
    #[error("no row was found where there must be one")]
    NotFound,
    /// What is stored cannot be what was written.
    #[error("the stored data is damaged: {0}")]
    Corrupt(String),
    /// A column does not hold what the code expects of it.
    #[error("column {index} holds {found}, not {wanted}")]
    Column {
        /// Counted from zero.
        index: usize,
        /// The type that was asked for.
        wanted: &'static str,
        /// The type that is stored.
        found: &'static str,
    },
    /// A statement was given another number of values than it has placeholders.
    #[error("a statement takes {expected} values and was given {given}: {statement}")]
    Arity {
        /// Placeholders in the statement.
        expected: usize,
        /// Values given.
        given: usize,
        /// The beginning of the statement.
        statement: String,
    },
    /// A statement cannot be rendered or prepared, or may not run where it was tried.
    #[error("a statement cannot run: {0}")]
    Statement(String),
    /// The closure panicked. Nothing that it wrote was kept.
    #[error("the work on the store broke off unexpectedly; nothing of it was kept")]
    Panicked,
    /// The database cannot be opened as it is.
    #[error("the database cannot be opened: {0}")]
    Open(String),
    /// The tables cannot be brought to the form that this release needs.
    #[error("the database cannot be migrated: {0}")]
    Migration(String),
    /// A backup could not be made.
    #[error("the backup could not be made: {0}")]
    Backup(String),
    /// Anything else that the engine reports.
    #[error("the database failed: {0}")]
    Other(String),
}

impl StoreError {
    /// Stored data that cannot be what was written: `what` says where and, without secrets, what is there.
    #[must_use]
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }

    /// Whether the same call may succeed a little later: nothing is wrong with what was asked, and nothing was
    /// changed, or, after [`Self::Uncertain`] alone, perhaps all of it.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::Unavailable(_)
                | Self::Denied(_)
                | Self::Uncertain
                | Self::Timeout
                | Self::Closed
                | Self::Full
        )
    }
}
