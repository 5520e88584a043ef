//! Why a use case did not do what was asked.

use gatepost_model::workspace::InvalidSubdomain;
pub use gatepost_store::StoreError;

/// Why a use case did not do what was asked. The texts of all but [`Error::Store`] are for whoever asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A value cannot be what it was given as. The first part names the field.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which field, as it is named in JSON.
        field: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
    /// What was named does not exist, or is not the asker's to see.
    #[error("there is no {what} \"{id}\"")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// As it was named.
        id: String,
    },
    /// What was asked does not fit the present state.
    #[error("{0}")]
    Conflict(String),
    /// Whoever asks sees it, but may not do that. The text says who may.
    #[error("{0}")]
    Forbidden(String),
    /// The store failed: nothing was changed. Its text is for the operator only.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// This node has not heard from the database for longer than it may trust its memory.
    #[error("this node has lost touch with the database, and may not know what was cut off meanwhile")]
    Behind,
    /// A sealed value did not open: the key file is not the one it was sealed with.
    #[error("a stored secret cannot be opened with this deployment's key file")]
    Sealed,
    /// A password could not be hashed: there is no memory for it, or the process is about to stop.
    #[error("a password cannot be checked right now")]
    Unhashable,
}

impl Error {
    /// A field that cannot be what it was given as.
    #[must_use]
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }

    /// Something that does not exist.
    #[must_use]
    pub fn not_found(what: &'static str, id: &str) -> Self {
        Self::NotFound { what, id: id.chars().take(128).collect() }
    }
}

impl From<InvalidSubdomain> for Error {
    fn from(error: InvalidSubdomain) -> Self {
        Self::invalid("subdomain", error.to_string())
    }
}
