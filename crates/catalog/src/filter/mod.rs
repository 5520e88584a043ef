//! The query language over records (contract.md D): `key=value` pairs and MongoDB-style `q`, as one tree.
//!
//! What the contract leaves open is as in MongoDB, with JSON's types:
//! - A path leads through objects and arrays; at its end, a test passes on an array if it does on the array itself or on one of
//!   its elements (`$size` and `$elemMatch` look at the array itself).
//! - Comparisons hold only between values of one type; numbers compare by value. `$gt` and its like take a number, a text, a boolean or null.
//! - Null and what is missing are the same to every test but `$exists`: `{"a": null}` finds both, `{"a": {"$ne": null}}` neither.
//! - `$ne`, `$nin`, `$nor` and `$not` find exactly the records that their positive form does not.
//!
//! Where it differs:
//! - Two texts that both name a point in time (ISO 8601 with a zone, or a plain date) compare as such, so `2026-01-01` equals
//!   `2026-01-01T00:00:00.000Z`. All other texts compare by code point.
//! - Objects are equal whatever the order of their keys.
//! - `$not` may stand where `$nor` may, with one query.
//! - Patterns are those of the `regex` crate, which take linear time and so have no look-around and no backreferences. Options are i, m, s, x, u.
//! - Within `$elemMatch` and at the top, the empty path is the value itself.
//! - An entity type may give a path aliases (see [`Path::any`]).

pub mod ast;
mod eval;
mod parse;
pub mod path;
mod pattern;

pub use ast::{Comparison, Element, Filter, Operand, Operands, Pattern, Test};
pub use path::Path;

/// Why a query is refused: always a 400, and the text is for its author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It begins like a JSON object and is none.
    #[error("q begins like a JSON object but cannot be read as one: {0}")]
    Json(String),
    /// There is no such operator, or it cannot stand there.
    #[error("{operator} cannot be used {}; known are {known}", place(.path))]
    Operator {
        /// The operator.
        operator: String,
        /// Where it stands.
        path: String,
        /// What could stand there.
        known: &'static str,
    },
    /// The operator got something that it cannot work with.
    #[error("{operator} {} needs {needs}", place(.path))]
    Operand {
        /// The operator.
        operator: &'static str,
        /// Where it stands.
        path: String,
        /// What it works with.
        needs: &'static str,
    },
    /// Operators stand beside fields.
    #[error("the condition {} mixes operators with fields; use either", place(.path))]
    Mixed {
        /// Where.
        path: String,
    },
    /// The regular expression is wrong or too large.
    #[error("$regex {} cannot be used: {problem}", place(.path))]
    Pattern {
        /// Where it stands.
        path: String,
        /// Why.
        problem: String,
    },
    /// It asks for more than a query may.
    #[error("{what} may have at most {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its limit.
        limit: &'static str,
    },
}

fn place(path: &str) -> String {
    if path.is_empty() { "at the top of the query".to_owned() } else { format!("at \"{}\"", excerpt(path)) }
}

/// A text from outside, cut so that a message stays one.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    let mut excerpt: String = text.chars().take(MAX_CHARS).collect();
    if excerpt.len() < text.len() {
        excerpt.push('…');
    }
    excerpt
}
