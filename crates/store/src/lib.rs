//! All SQL: the store, its engines, its tables.
//!
//! Nothing outside of this crate names a database driver. [`Store::write`] and [`Store::read`] take a
//! synchronous closure over a [`Tx`]; many callers' writes share one commit. Statements are written once
//! ([`Sql`], [`SqlBuf`]) in the subset of SQL that both engines understand; where they differ, [`dialect`]
//! has a token. How it was measured and decided is in docs/adr/0001-store.md.
//!
//! To add a statement: write it as a `static` [`Sql`] in its module of `tables` and list it in the module's
//! `STATEMENTS`. To change tables: add a file to `migrations/` and a line to [`migrations::MIGRATIONS`].

mod change;
pub mod copy;
pub mod dialect;
mod engine;
mod error;
pub mod handover;
mod location;
mod metrics;
pub mod migrations;
mod options;
pub mod partitions;
mod row;
mod sql;
pub mod statements;
mod store;
pub mod tables;
mod tx;
mod value;

pub use change::Change;
pub use dialect::Dialect;
pub use error::StoreError;
pub use location::{Location, PostgresUrl};
pub use metrics::StoreMetrics;
pub use options::{PostgresOptions, StoreOptions};
pub use row::Row;
pub use sql::{Sql, SqlBuf, Statement};
pub use store::Store;
pub use tx::Tx;
pub use value::{FromValue, Value};
