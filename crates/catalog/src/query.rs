//! A list request: which records, in which order, and which page of them (contract.md D).

use std::cmp::Ordering;

use serde_json::Value;

use crate::entity::Entity;
use crate::filter::{Filter, FilterError};
use crate::sort::Sort;

/// How many records a page has when the request does not say.
pub const DEFAULT_LIMIT: usize = 100;
/// The most records of a page; a larger limit is taken for this one.
pub const MAX_LIMIT: usize = 1000;

/// What a list request asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// Which records.
    pub filter: Filter,
    /// How many of them to pass over.
    pub skip: usize,
    /// How many to answer, 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// In which order.
    pub sort: Sort,
    /// Whether templates are left out.
    pub hides_templates: bool,
}

/// A list of this type has to be narrowed down first; a 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("A list of {path} needs {needs}, as parameters or within q")]
pub struct Unnarrowed {
    path: String,
    needs: String,
}

impl ListQuery {
    /// Reads the decoded pairs of a query string.
    ///
    /// `skip` and `limit` that are not whole numbers, and a `limit` of 0, count as not sent; an order that cannot be understood
    /// is the default one. Templates are hidden, where the type says so, unless the filter speaks of `isTemplate` or names ids.
    ///
    /// # Errors
    /// When the filter cannot be understood.
    pub fn parse(pairs: &[(String, String)], entity: &Entity) -> Result<Self, FilterError> {
        let filter = Filter::from_pairs(pairs, entity)?;
        let last =
            |key: &str| pairs.iter().rev().find(|(other, _)| other == key).map(|(_, text)| text.trim());
        let limit = last("limit").and_then(whole_number).filter(|limit| *limit > 0).unwrap_or(DEFAULT_LIMIT);
        Ok(Self {
            skip: last("skip").and_then(whole_number).unwrap_or(0),
            limit: limit.min(MAX_LIMIT),
            sort: Sort::parse(last("sort").unwrap_or_default(), last("order").unwrap_or_default()),
            hides_templates: entity.hides_templates && !filter.wants_templates() && filter.ids().is_none(),
            filter,
        })
    }

    /// Whether the list has this record, on some page.
    #[must_use]
    pub fn matches(&self, record: &Value) -> bool {
        let hidden = self.hides_templates && record.get("isTemplate") == Some(&Value::Bool(true));
        !hidden && self.filter.matches(record)
    }

    /// Where `left` stands to `right` in the list.
    #[must_use]
    pub fn compare(&self, left: &Value, right: &Value) -> Ordering {
        self.sort.compare(left, right)
    }

    /// The page, out of all records: what every store has to answer.
    #[must_use]
    pub fn apply(&self, mut records: Vec<Value>) -> Vec<Value> {
        records.retain(|record| self.matches(record));
        records.sort_by(|left, right| self.compare(left, right));
        records.into_iter().skip(self.skip).take(self.limit).collect()
    }
}

impl Entity {
    /// Whether a list query pins down what lists of this type need (contract.md D: comments and blocks).
    ///
    /// # Errors
    /// When it does not; the error says what to add.
    pub fn check_list(&self, query: &ListQuery) -> Result<(), Unnarrowed> {
        let pinned = |field: &String| query.filter.pinned(field).is_some();
        if self.list_needs.is_empty() || self.list_needs.iter().any(|needs| needs.iter().all(pinned)) {
            return Ok(());
        }
        let alternatives: Vec<String> = self.list_needs.iter().map(|needs| needs.join(" and ")).collect();
        Err(Unnarrowed { path: self.path.clone(), needs: alternatives.join(", or ") })
    }
}

/// A whole number; one that is too large to count is the largest.
fn whole_number(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(usize::MAX))
}
