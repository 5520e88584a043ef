//! Entity types as data, and the query language over their records.
//!
//! - [`Catalog`] holds the [`Entity`] types: the built-in ones of `entities/*.toml` (contract.md F), or a deployment's own.
//!
//! Nothing here does I/O: every function is a pure one of its arguments.
//!
//! To add an entity type, add an `[[entity]]` with a number that was never used to one of the files.

mod check;
pub mod entity;
pub mod registry;
mod reserved;

pub use check::Problem;
pub use entity::{Capability, Entity, Field, FieldType, Unknown};
pub use registry::{Catalog, CatalogError};
