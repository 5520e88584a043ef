//! The engines: threads, connections, transactions, and the mapping of their errors.

pub(crate) mod sqlite;
