//! The tree that every query becomes.
//!
//! It is small on purpose, since whatever reads it (the evaluator, a rendering to SQL) has to give every node the same
//! meaning: `$ne`, `$nin`, `$nor`, `$not` and `$exists: false` are [`Filter::Not`], `$all` is a conjunction, and several operators on one
//! path are a conjunction too.

use std::collections::HashSet;
use std::fmt;

use gatepost_model::Timestamp;
use regex::Regex;
use serde_json::{Value, json};

use super::path::Path;
use crate::order;

/// Which records a query is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of these; with none, every record.
    And(Vec<Filter>),
    /// At least one of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A value at the path passes the test.
    Field {
        /// Where to look.
        path: Path,
        /// What to find there.
        test: Test,
    },
}

/// What is asked of the values at a path. Except for the last three, the test passes on an array if it does on an element.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It stands so to the operand.
    Compare(Comparison, Operand),
    /// It equals one of these.
    In(Operands),
    /// It is a text in which the pattern is found.
    Regex(Pattern),
    /// It is there, null or not.
    Exists,
    /// It is an array of this many elements.
    Size(u64),
    /// It is an array, one element of which passes all that is asked.
    Element(Element),
}

/// How a value may stand to an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `$eq`
    Equal,
    /// `$gt`
    Greater,
    /// `$gte`
    GreaterOrEqual,
    /// `$lt`
    Less,
    /// `$lte`
    LessOrEqual,
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The value.
    pub value: Value,
    /// The point in time that it names, if it is a text that does.
    pub instant: Option<Timestamp>,
}

/// Values, one of which is to be equal; looked up rather than searched, because lists of a thousand ids are common.
#[derive(Clone, Debug, PartialEq)]
pub struct Operands {
    values: Vec<Value>,
    pub(super) texts: HashSet<String>,
    pub(super) instants: HashSet<Timestamp>,
    /// Those that are no texts, in order.
    pub(super) others: Vec<Value>,
}

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// `$regex`
    pub source: String,
    /// `$options`
    pub options: String,
    pub(super) regex: Regex,
}

/// What is asked of an array's elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// The filter that an element has to pass.
    pub filter: Box<Filter>,
    /// Whether the filter speaks of the element itself (`{"$gt": 5}`) and not of an object's fields.
    pub itself: bool,
}

impl Filter {
    /// Every record.
    #[must_use]
    pub const fn everything() -> Self {
        Self::And(Vec::new())
    }

    /// The values one of which a record must have at `path` to match, if the filter pins it down so.
    pub(crate) fn pinned(&self, path: &str) -> Option<Vec<&Value>> {
        match self {
            Self::And(filters) => filters.iter().find_map(|filter| filter.pinned(path)),
            Self::Or(filters) if !filters.is_empty() => {
                let each: Option<Vec<_>> = filters.iter().map(|filter| filter.pinned(path)).collect();
                each.map(|values| values.concat())
            }
            Self::Field { path: at, test: Test::Compare(Comparison::Equal, operand) }
                if at.text() == path =>
            {
                Some(vec![&operand.value])
            }
            Self::Field { path: at, test: Test::In(operands) } if at.text() == path => {
                Some(operands.values.iter().collect())
            }
            Self::Or(_) | Self::Not(_) | Self::Field { .. } => None,
        }
    }

    /// The ids outside of which no record matches, if the filter pins `_id` down. Each that exists still has to be matched.
    #[must_use]
    pub fn ids(&self) -> Option<Vec<&str>> {
        let values = self.pinned("_id")?;
        let mut ids: Vec<&str> = values.into_iter().filter_map(Value::as_str).collect();
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }

    /// Whether the query speaks of `isTemplate`, and so decides for itself about templates (contract.md D).
    #[must_use]
    pub fn wants_templates(&self) -> bool {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().any(Self::wants_templates),
            Self::Not(filter) => filter.wants_templates(),
            Self::Field { path, .. } => path.text() == "isTemplate",
        }
    }

    /// The filter as a query, which is read as the same filter again (but for filters so near the limits that the longer form exceeds them).
    #[must_use]
    pub fn to_json(&self) -> Value {
        let list = |filters: &[Self]| Value::Array(filters.iter().map(Self::to_json).collect());
        match self {
            Self::And(filters) if filters.is_empty() => json!({}),
            Self::And(filters) => json!({"$and": list(filters)}),
            Self::Or(filters) => json!({"$or": list(filters)}),
            Self::Not(filter) => json!({"$nor": [filter.to_json()]}),
            Self::Field { path, test } => json!({path.text(): test.to_json()}),
        }
    }

    /// Whether every test in it is of the value itself, and there is one.
    pub(super) fn is_about_itself(&self) -> bool {
        let mut paths = Vec::new();
        self.collect_paths(&mut paths);
        !paths.is_empty() && paths.iter().all(|path| path.is_itself())
    }

    fn collect_paths<'a>(&'a self, paths: &mut Vec<&'a Path>) {
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().for_each(|filter| filter.collect_paths(paths));
            }
            Self::Not(filter) => filter.collect_paths(paths),
            Self::Field { path, .. } => paths.push(path),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_json())
    }
}

impl Test {
    fn to_json(&self) -> Value {
        match self {
            Self::Compare(comparison, operand) => json!({comparison.as_str(): operand.value}),
            Self::In(operands) => json!({"$in": operands.values}),
            Self::Regex(pattern) => json!({"$regex": pattern.source, "$options": pattern.options}),
            Self::Exists => json!({"$exists": true}),
            Self::Size(size) => json!({"$size": size}),
            Self::Element(element) => json!({"$elemMatch": element.filter.to_json()}),
        }
    }
}

impl Comparison {
    /// The operator.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "$eq",
            Self::Greater => "$gt",
            Self::GreaterOrEqual => "$gte",
            Self::Less => "$lt",
            Self::LessOrEqual => "$lte",
        }
    }
}

impl Operand {
    /// A value to compare with.
    #[must_use]
    pub fn new(value: Value) -> Self {
        let instant = value.as_str().and_then(Timestamp::parse_iso);
        Self { value, instant }
    }
}

impl Operands {
    /// Values to look up.
    #[must_use]
    pub fn new(values: Vec<Value>) -> Self {
        let texts: HashSet<String> = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let instants = texts.iter().filter_map(|text| Timestamp::parse_iso(text)).collect();
        let mut others: Vec<Value> = values.iter().filter(|value| !value.is_string()).cloned().collect();
        others.sort_by(order::compare);
        Self { values, texts, instants, others }
    }

    /// The values, as they were given.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.options == other.options
    }
}

impl Element {
    /// A filter for the elements of an array.
    #[must_use]
    pub fn new(filter: Filter) -> Self {
        let itself = filter.is_about_itself();
        Self { filter: Box::new(filter), itself }
    }
}
