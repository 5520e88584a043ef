//! The engines: threads, connections, transactions, and the mapping of their errors.

mod answers;
mod clock;
mod job;
pub(crate) mod postgres;
mod session;
pub(crate) mod sqlite;
mod subscribers;
mod threads;

pub(crate) use self::session::Session;
