//! The order of a list, in any of the dialects that clients speak (contract.md D).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::filter::Path;
use crate::order;

/// How many keys an order uses; further ones would only tell apart records that are alike in all of these.
const MAX_KEYS: usize = 8;

/// An order of records: by its keys in turn, and by `_id` where they are equal.
///
/// At each key, records are compared by the first value there, as [`order`] ranks them; one without a value comes first, as
/// null does, or last if the key is descending. A field that no record has is therefore no error, and changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sort {
    keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq)]
struct Key {
    path: Path,
    descending: bool,
}

impl Sort {
    /// Reads `sort` and `order`: `createdAt`, `-createdAt`, `createdAt_desc`, several with commas, `{"createdAt": -1}`, or an array
    /// of any of these or of `["createdAt", -1]`. `order` (`asc`, `desc`) is for keys that do not say. What cannot be understood is left out.
    #[must_use]
    pub fn parse(sort: &str, order: &str) -> Self {
        let descending = is_descending(&Value::String(order.to_owned()));
        let mut sort = if sort.starts_with(['{', '[']) {
            serde_json::from_str(sort).map(|keys| Self::from_json(&keys, descending)).unwrap_or_default()
        } else {
            Self { keys: sort.split(',').filter_map(|text| Key::parse(text, descending)).collect() }
        };
        sort.keys.truncate(MAX_KEYS);
        sort
    }

    fn from_json(keys: &Value, descending: bool) -> Self {
        let keys = match keys {
            Value::Object(keys) => Key::from_object(keys),
            Value::Array(list) => list.iter().flat_map(|key| Key::from_element(key, descending)).collect(),
            _ => Vec::new(),
        };
        Self { keys }
    }

    /// Whether the order is that of ascending `_id`, in which records can be read without sorting them.
    #[must_use]
    pub fn is_by_id(&self) -> bool {
        self.keys.first().is_none_or(|key| key.path.text() == "_id" && !key.descending)
    }

    /// Whether the order is that of descending `_id`: the same rows read from the other end.
    #[must_use]
    pub fn is_by_id_descending(&self) -> bool {
        self.keys.first().is_some_and(|key| key.path.text() == "_id" && key.descending)
    }

    /// Where `left` stands to `right`. Equal only if they have the same `_id`, or none.
    #[must_use]
    pub fn compare(&self, left: &Value, right: &Value) -> Ordering {
        self.keys
            .iter()
            .map(|key| key.compare(left, right))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| compare_values(left.get("_id"), right.get("_id")))
    }
}

impl Key {
    fn new(path: &str, descending: bool) -> Option<Self> {
        if path.is_empty() {
            return None;
        }
        Some(Self { path: Path::new(path).ok()?, descending })
    }

    fn parse(text: &str, descending: bool) -> Option<Self> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix('-').or_else(|| text.strip_suffix("_desc")) {
            return Self::new(path, true);
        }
        match text.strip_prefix('+').or_else(|| text.strip_suffix("_asc")) {
            Some(path) => Self::new(path, false),
            None => Self::new(text, descending),
        }
    }

    fn from_object(keys: &Map<String, Value>) -> Vec<Self> {
        keys.iter().filter_map(|(path, direction)| Self::new(path, is_descending(direction))).collect()
    }

    fn from_element(element: &Value, descending: bool) -> Vec<Self> {
        match element {
            Value::String(text) => Self::parse(text, descending).into_iter().collect(),
            Value::Object(keys) => Self::from_object(keys),
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(path), direction] => {
                    Self::new(path, is_descending(direction)).into_iter().collect()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn compare(&self, left: &Value, right: &Value) -> Ordering {
        let ascending = compare_values(self.path.first(left), self.path.first(right));
        if self.descending { ascending.reverse() } else { ascending }
    }
}

fn is_descending(direction: &Value) -> bool {
    match direction {
        Value::Number(number) => number.as_f64().is_some_and(|number| number < 0.0),
        Value::String(text) => {
            let text = text.trim();
            text == "-1" || text.eq_ignore_ascii_case("desc") || text.eq_ignore_ascii_case("descending")
        }
        _ => false,
    }
}

/// What is missing is null.
fn compare_values(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    order::compare(left.unwrap_or(&Value::Null), right.unwrap_or(&Value::Null))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(sort: &str, order: &str) -> String {
        let sort = Sort::parse(sort, order);
        let keys = sort
            .keys
            .iter()
            .map(|key| format!("{}{}", if key.descending { "-" } else { "" }, key.path.text()));
        keys.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_dialect_is_understood() {
        for (sort, order, expected) in [
            ("", "", ""),
            ("-createdAt", "", "-createdAt"),
            ("+createdAt", "desc", "createdAt"),
            ("dueDate", "", "dueDate"),
            ("createdAt_desc", "", "-createdAt"),
            ("updatedAt_asc", "desc", "updatedAt"),
            ("_id", "asc", "_id"),
            ("_id", "DESC", "-_id"),
            ("_id", "-1", "-_id"),
            ("status,-dueDate", "", "status -dueDate"),
            (r#"{"createdAt":-1}"#, "", "-createdAt"),
            (r#"{"createdAt":"desc","_id":1}"#, "", "-createdAt _id"),
            (r#"["-createdAt","title"]"#, "", "-createdAt title"),
            (r#"[["createdAt",-1],["title","asc"]]"#, "", "-createdAt title"),
            (r#"[{"createdAt":-1}]"#, "", "-createdAt"),
            (r#"{"createdAt":"#, "", ""),
            (r#"[5,null,[1,2],["a"]]"#, "", ""),
            ("-", "", ""),
            (" , ", "", ""),
        ] {
            assert_eq!(keys(sort, order), expected, "{sort} {order}");
        }
        assert_eq!(Sort::parse(&"a,".repeat(100), "").keys.len(), MAX_KEYS);
    }

    #[test]
    fn ties_are_broken_by_id_and_missing_comes_first() {
        let sort = Sort::parse("-dueDate", "");
        let (early, late) =
            (json!({"_id": "b", "dueDate": "2026-01-01"}), json!({"_id": "c", "dueDate": "2026-02-01"}));
        let (twin, none) = (json!({"_id": "a", "dueDate": "2026-02-01"}), json!({"_id": "d"}));
        let mut records = vec![none.clone(), early.clone(), late.clone(), twin.clone()];
        records.sort_by(|left, right| sort.compare(left, right));
        assert_eq!(records, vec![twin, late, early, none]);
    }

    #[test]
    fn only_ascending_ids_need_no_sorting() {
        for (sort, by_id) in
            [("", true), ("_id", true), ("_id,-title", true), ("-_id", false), ("title", false)]
        {
            assert_eq!(Sort::parse(sort, "").is_by_id(), by_id, "{sort}");
        }
    }
}
