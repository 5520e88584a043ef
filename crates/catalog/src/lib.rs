//! Entity types as data, and the query language over their records.
//!
//! - [`Catalog`] holds the [`Entity`] types: the built-in ones of `entities/*.toml` (contract.md F), or a deployment's own.
//! - [`Entity::check_create`] and [`Entity::check_update`] turn a request's body into fields to store.
//! - [`Filter`] is the query language (contract.md D) as one tree, read from `key=value` pairs and from `q`, and evaluated
//!   over records. [`ListQuery`] adds paging and order.
//!
//! Nothing here does I/O: every function is a pure one of its arguments.
//!
//! To add an entity type, add an `[[entity]]` with a number that was never used to one of the files. To add an operator, add
//! a [`filter::Test`], then follow the compiler.

mod check;
pub mod entity;
pub mod filter;
pub mod order;
pub mod query;
pub mod registry;
mod reserved;
pub mod sort;
pub mod validate;

pub use check::Problem;
pub use entity::{Capability, Entity, Field, FieldType, Unknown};
pub use filter::{Filter, FilterError};
pub use query::{ListQuery, Unnarrowed};
pub use registry::{Catalog, CatalogError};
pub use validate::InvalidRecord;
