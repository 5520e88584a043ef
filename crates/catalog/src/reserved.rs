//! Names that mean something to the server, whatever a catalog says.

/// Fields that only the server sets; what a client sends for them is left out (contract.md I).
pub(crate) const SET_BY_SERVER: [&str; 5] = ["_id", "createdAt", "updatedAt", "businessId", "createdBy"];

/// Query keys that are not filters (contract.md D); `access_token` is the gate's, which refuses it.
pub(crate) const QUERY_WORDS: [&str; 6] = ["skip", "limit", "sort", "order", "q", "access_token"];

/// The ids that an action is for, which stand in the same body as the changes (contract.md G).
pub(crate) const ACTION_FIELD: &str = "_ids";
