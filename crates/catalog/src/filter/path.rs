//! Dotted paths into records.

use std::collections::BTreeMap;

use serde_json::Value;

use super::FilterError;

/// The longest path, in bytes.
const MAX_LENGTH: usize = 256;
/// The most names in a path.
const MAX_NAMES: usize = 32;

/// A dotted path (`client._id`, `contactEmails.0.address`), with the other paths that are searched in its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    /// The path itself first, then its aliases.
    routes: Vec<Vec<Name>>,
}

/// One name of a path; it may be a place in an array.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    text: String,
    place: Option<usize>,
}

impl Path {
    /// A path without aliases. The empty text is the path to the value itself.
    ///
    /// # Errors
    /// When it is longer than 256 bytes or has more than 32 names.
    pub fn new(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.to_owned(), routes: vec![route(text)?] })
    }

    /// A path below `parent` with the aliases that an entity type gives it.
    pub(super) fn with_aliases(
        parent: &str,
        text: &str,
        aliases: &BTreeMap<String, Vec<String>>,
    ) -> Result<Self, FilterError> {
        let mut path = Self::new(text)?;
        let whole = join(parent, text);
        for alias in aliases.get(&whole).into_iter().flatten() {
            let below = if parent.is_empty() {
                Some(alias.as_str())
            } else {
                alias.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.'))
            };
            if let Some(below) = below {
                path.routes.push(route(below)?);
            }
        }
        Ok(path)
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it leads to the value itself: an element of an array that is tested directly.
    #[must_use]
    pub fn is_itself(&self) -> bool {
        self.text.is_empty()
    }

    /// The first value there, in the order of the record.
    #[must_use]
    pub fn first<'a>(&self, record: &'a Value) -> Option<&'a Value> {
        let mut first = None;
        self.any(record, &mut |value| {
            first = value;
            value.is_some()
        });
        first
    }

    /// Whether `holds` says yes to any value there. It is asked about each value that the path leads to, and about `None` where
    /// an object on the way lacks the next name. With aliases, nothing is missing that one of the paths leads to.
    pub fn any<'a>(&self, record: &'a Value, holds: &mut dyn FnMut(Option<&'a Value>) -> bool) -> bool {
        if let [route] = self.routes.as_slice() {
            return walk(record, route, holds);
        }
        let mut found = false;
        let mut missing = false;
        for route in &self.routes {
            let held = walk(record, route, &mut |value| {
                found |= value.is_some();
                missing |= value.is_none();
                value.is_some() && holds(value)
            });
            if held {
                return true;
            }
        }
        missing && !found && holds(None)
    }
}

/// `text` below `parent`.
pub(super) fn join(parent: &str, text: &str) -> String {
    match (parent, text) {
        ("", text) | (text, "") => text.to_owned(),
        (parent, text) => format!("{parent}.{text}"),
    }
}

fn route(text: &str) -> Result<Vec<Name>, FilterError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if text.len() > MAX_LENGTH || text.split('.').count() > MAX_NAMES {
        return Err(FilterError::TooLarge { what: "a path", limit: "256 bytes and 32 names" });
    }
    Ok(text.split('.').map(|name| Name { text: name.to_owned(), place: name.parse().ok() }).collect())
}

/// Arrays are entered on the way: by place if the name is a number, and through each object in them.
fn walk<'a>(value: &'a Value, route: &[Name], holds: &mut dyn FnMut(Option<&'a Value>) -> bool) -> bool {
    let Some((name, rest)) = route.split_first() else {
        return holds(Some(value));
    };
    match value {
        Value::Object(object) => match object.get(&name.text) {
            Some(value) => walk(value, rest, holds),
            None => holds(None),
        },
        Value::Array(elements) => {
            let placed = name.place.and_then(|place| elements.get(place));
            placed.is_some_and(|element| walk(element, rest, holds))
                || elements
                    .iter()
                    .filter(|element| element.is_object())
                    .any(|element| walk(element, route, holds))
        }
        _ => holds(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(path: &str, record: &Value) -> Vec<Option<Value>> {
        let mut seen = Vec::new();
        Path::new(path).unwrap().any(record, &mut |value| {
            seen.push(value.cloned());
            false
        });
        seen
    }

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let record = json!({
            "name": {"first": "Leo"},
            "emails": [{"address": "a"}, {"address": "b"}, {}, 5],
            "grid": [[1, 2], [3]],
        });
        for (path, expected) in [
            ("name.first", vec![Some(json!("Leo"))]),
            ("name.last", vec![None]),
            ("name.first.letter", vec![None]),
            ("nothing", vec![None]),
            ("emails.address", vec![Some(json!("a")), Some(json!("b")), None]),
            ("emails.1.address", vec![Some(json!("b")), None, None, None]),
            ("grid.0", vec![Some(json!([1, 2]))]),
            ("grid.0.1", vec![Some(json!(2))]),
            ("grid.first", vec![]),
        ] {
            assert_eq!(values(path, &record), expected, "{path}");
        }
        assert_eq!(values("", &record), vec![Some(record)]);
    }

    #[test]
    fn aliases_are_searched_too_and_hide_what_is_missing() {
        let aliases = BTreeMap::from([("mails.email".to_owned(), vec!["mails.address".to_owned()])]);
        for path in
            [Path::with_aliases("", "mails.email", &aliases), Path::with_aliases("mails", "email", &aliases)]
        {
            assert_eq!(path.unwrap().routes.len(), 2);
        }
        let path = Path::with_aliases("", "mails.email", &aliases).unwrap();
        let mut seen = Vec::new();
        path.any(&json!({"mails": [{"address": "a"}, {"email": "b"}]}), &mut |value| {
            seen.push(value.cloned());
            false
        });
        assert_eq!(seen, vec![Some(json!("b")), Some(json!("a"))]);
        assert_eq!(path.first(&json!({"mails": [{"address": "a"}]})), Some(&json!("a")));
        assert!(path.any(&json!({}), &mut |value| value.is_none()));
    }

    #[test]
    fn endless_paths_are_refused() {
        assert!(Path::new(&"a.".repeat(40)).is_err());
        assert!(Path::new(&"a".repeat(300)).is_err());
    }
}
