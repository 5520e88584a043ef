//! One order over all JSON values.
//!
//! Values of different types are ordered by type, as MongoDB does: null (and what is missing), numbers, texts, objects, arrays,
//! booleans. Within a type: numbers by value, whether written as integers or not; texts by code point, which for stored dates is
//! the order of time; objects by their entries in order of key; arrays by their elements; false before true.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

/// Where `left` stands to `right`: a total order, in which `1` and `1.0` are equal.
#[must_use]
pub fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => compare_arrays(left, right),
        (Value::Object(left), Value::Object(right)) => compare_objects(left, right),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// The place of a value's type among the types.
pub(crate) const fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Object(_) => 3,
        Value::Array(_) => 4,
        Value::Bool(_) => 5,
    }
}

/// An integer or a finite fraction: what a JSON number can be.
enum Parts {
    Integer(i128),
    Float(f64),
}

fn parts(number: &Number) -> Parts {
    let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match integer {
        Some(integer) => Parts::Integer(integer),
        None => Parts::Float(number.as_f64().unwrap_or(0.0)),
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    match (parts(left), parts(right)) {
        (Parts::Integer(left), Parts::Integer(right)) => left.cmp(&right),
        (Parts::Float(left), Parts::Float(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        (Parts::Integer(left), Parts::Float(right)) => compare_integer(left, right),
        (Parts::Float(left), Parts::Integer(right)) => compare_integer(right, left).reverse(),
    }
}

/// Exact, where turning the integer into a float would make neighbours beyond 2^53 equal, and the order no order.
fn compare_integer(integer: i128, float: f64) -> Ordering {
    // The cast saturates, and every integer of JSON lies well within its range.
    let whole = float.trunc() as i128;
    integer.cmp(&whole).then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

fn compare_arrays(left: &[Value], right: &[Value]) -> Ordering {
    left.iter()
        .zip(right)
        .map(|(left, right)| compare(left, right))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn compare_objects(left: &Map<String, Value>, right: &Map<String, Value>) -> Ordering {
    let (left, right) = (sorted(left), sorted(right));
    left.iter()
        .zip(&right)
        .map(|(left, right)| left.0.cmp(right.0).then_with(|| compare(left.1, right.1)))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn sorted(object: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    entries
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_and_values_have_their_places() {
        let ascending = [
            json!(null),
            json!(-1.5),
            json!(-1),
            json!(0),
            json!(0.5),
            json!(9_007_199_254_740_992.0),
            json!(9_007_199_254_740_993_i64),
            json!(u64::MAX),
            json!(1e300),
            json!(""),
            json!("2026-01-01T00:00:00.000Z"),
            json!("a"),
            json!("b"),
            json!({}),
            json!({"a": 1}),
            json!({"a": 1, "b": 0}),
            json!({"a": 2}),
            json!([]),
            json!([1]),
            json!([1, 0]),
            json!([2]),
            json!(false),
            json!(true),
        ];
        for (place, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(compare(left, right), place.cmp(&other), "{left} and {right}");
            }
        }
    }

    #[test]
    fn spelling_of_a_number_and_order_of_keys_do_not_matter() {
        assert!(compare(&json!(1), &json!(1.0)).is_eq());
        assert!(compare(&json!(0), &json!(-0.0)).is_eq());
        assert!(compare(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1.0})).is_eq());
    }
}
