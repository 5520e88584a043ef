//! Whether a record matches a filter: the meaning of the query language, for every list and as the oracle of tests.

use std::cmp::Ordering;

use gatepost_model::Timestamp;
use serde_json::Value;

use super::ast::{Comparison, Element, Filter, Operand, Operands, Test};
use crate::order;

impl Filter {
    /// Whether the record is one that the query is about.
    #[must_use]
    pub fn matches(&self, record: &Value) -> bool {
        match self {
            Self::And(filters) => filters.iter().all(|filter| filter.matches(record)),
            Self::Or(filters) => filters.iter().any(|filter| filter.matches(record)),
            Self::Not(filter) => !filter.matches(record),
            // An element that is tested directly is not opened again if it is itself an array.
            Self::Field { path, test } if path.is_itself() => test.passes(record),
            Self::Field { path, test } => path.any(record, &mut |value| test.passes_any(value)),
        }
    }
}

impl Test {
    /// Whether what stands at the end of a path passes: the value, or one of its elements.
    fn passes_any(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists, value) => value.is_some(),
            // What is missing is tested like null.
            (_, None) => self.passes(&Value::Null),
            (Self::Size(_) | Self::Element(_), Some(value)) => self.passes(value),
            (_, Some(value)) => {
                self.passes(value)
                    || value.as_array().is_some_and(|elements| elements.iter().any(|each| self.passes(each)))
            }
        }
    }

    /// Whether one value passes.
    fn passes(&self, value: &Value) -> bool {
        match self {
            Self::Compare(comparison, operand) => {
                operand.compare(value).is_some_and(|order| comparison.holds(order))
            }
            Self::In(operands) => operands.contain(value),
            Self::Regex(pattern) => value.as_str().is_some_and(|text| pattern.regex.is_match(text)),
            Self::Exists => true,
            Self::Size(size) => value.as_array().is_some_and(|elements| elements.len() as u64 == *size),
            Self::Element(element) => {
                value.as_array().is_some_and(|elements| elements.iter().any(|each| element.matches(each)))
            }
        }
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

impl Operand {
    /// How a value stands to this one; values of different types do not stand to one another at all.
    fn compare(&self, value: &Value) -> Option<Ordering> {
        if order::rank(value) != order::rank(&self.value) {
            return None;
        }
        let by_time = self.instant.and_then(|operand| {
            let instant = value.as_str().and_then(Timestamp::parse_iso)?;
            Some(instant.cmp(&operand))
        });
        Some(by_time.unwrap_or_else(|| order::compare(value, &self.value)))
    }
}

impl Operands {
    fn contain(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => {
                self.texts.contains(text)
                    || !self.instants.is_empty()
                        && Timestamp::parse_iso(text).is_some_and(|instant| self.instants.contains(&instant))
            }
            other => self.others.binary_search_by(|operand| order::compare(operand, other)).is_ok(),
        }
    }
}

impl Element {
    fn matches(&self, element: &Value) -> bool {
        (self.itself || element.is_object()) && self.filter.matches(element)
    }
}
