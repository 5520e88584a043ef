//! What an audit entry changed: field by field, old and new.
//!
//! Both sides were written without secrets, so nothing here can show one. Of lists only what went and what came is told:
//! a client may have hundreds of methods.

use std::collections::BTreeSet;

use gatepost_store::tables::audit::Entry;
use serde_json::{Map, Value};

/// Fields that follow from every change, or that nobody changed.
const SILENT: &[&str] = &["revision", "updatedAt"];

/// What begins the names of fields that traffic changes, not people.
const USE: &str = "lastUsed";

/// By which of their fields the items of a list are known from one side to the other.
const KEYS: &[&str] = &["id", "number"];

/// By which of their fields the items of a list are named to people.
const NAMES: &[&str] = &["url", "hint", "name", "number", "id"];

/// One field that has another value than before. Of a list: what went, and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field as the admin API calls it, with the item of a list after it: `webhookUrls https://… state`.
    pub field: String,
    /// What it was; none if it had no value, or if nothing left the list.
    pub old: Option<String>,
    /// What it is; none if it has no value, or if nothing came into the list.
    pub new: Option<String>,
}

/// What an entry changed. Entries that tell of no change, or of the beginning or the end of something, have none.
#[must_use]
pub fn differences(entry: &Entry) -> Vec<Difference> {
    let parse = |side: &Option<String>| side.as_deref().and_then(|text| serde_json::from_str(text).ok());
    match (parse(&entry.before), parse(&entry.after)) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let mut found = Vec::new();
            compare_objects("", &before, &after, &mut found);
            found
        }
        _ => Vec::new(),
    }
}

fn compare_objects(
    path: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    found: &mut Vec<Difference>,
) {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let told = |name: &&String| !SILENT.contains(&name.as_str()) && !name.starts_with(USE);
    for name in after.keys().chain(gone).filter(told) {
        let side = |object: &Map<String, Value>| object.get(name).cloned().unwrap_or(Value::Null);
        let field = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        compare(field, &side(before), &side(after), found);
    }
}

fn compare(field: String, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(before), Value::Object(after)) => compare_objects(&field, before, after, found),
        (Value::Array(before), Value::Array(after)) => compare_lists(field, before, after, found),
        _ => found.push(Difference { field, old: text(old), new: text(new) }),
    }
}

fn compare_lists(field: String, before: &[Value], after: &[Value], found: &mut Vec<Difference>) {
    let missing_in = |list: &[Value], items: &[Value]| {
        let there: BTreeSet<String> = list.iter().map(key).collect();
        let names = items.iter().filter(|item| !there.contains(&key(item))).filter_map(text);
        Some(names.collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty())
    };
    let (old, new) = (missing_in(after, before), missing_in(before, after));
    if old.is_some() || new.is_some() {
        found.push(Difference { field: field.clone(), old, new });
    }
    for item in after {
        if let Some(was) = before.iter().find(|was| key(was) == key(item)) {
            let path = format!("{field} {}", text(item).unwrap_or_default());
            compare(path, was, item, found);
        }
    }
}

/// What an item of a list is known by: a field of it, or all of it.
fn key(item: &Value) -> String {
    let known = KEYS.iter().find_map(|name| item.get(name));
    known.unwrap_or(item).to_string()
}

/// A value as people read it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            Some(items.iter().filter_map(text).collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
        }
        Value::Object(object) => match NAMES.iter().find_map(|name| object.get(*name)) {
            Some(name) => text(name),
            None => Some(value.to_string()),
        },
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::Timestamp;
    use serde_json::json;

    fn changed(before: Value, after: Value) -> Vec<String> {
        let entry = Entry {
            id: String::from("aud_1"),
            at: Timestamp::from_seconds(0),
            actor: String::from("cli"),
            address: None,
            action: String::from("client.update"),
            subject_id: String::from("cli_1"),
            before: Some(before.to_string()),
            after: Some(after.to_string()),
        };
        let side = |side: Option<String>| side.unwrap_or_else(|| String::from("-"));
        let told = differences(&entry).into_iter();
        told.map(|one| format!("{}: {} -> {}", one.field, side(one.old), side(one.new))).collect()
    }

    #[test]
    fn fields_are_told_old_and_new_and_what_counts_by_itself_is_not() {
        let before = json!({ "name": "A", "rateLimit": null, "revision": 1, "lastUsedAt": null, "gone": 1 });
        let after =
            json!({ "name": "B", "rateLimit": 500, "revision": 2, "lastUsedAt": "2026-01-01", "same": null });
        assert_eq!(changed(before, after), ["name: A -> B", "rateLimit: - -> 500", "gone: 1 -> -"]);
    }

    #[test]
    fn of_lists_only_what_went_and_what_came_is_told() {
        let before = json!({ "methods": ["task.create", "task.edit"], "allowIps": ["10.0.0.0/8"] });
        let after = json!({ "methods": ["task.edit", "task.remove"], "allowIps": ["10.0.0.0/8"] });
        assert_eq!(changed(before, after), ["methods: task.create -> task.remove"]);
    }

    #[test]
    fn items_with_an_id_are_compared_field_by_field() {
        let url = |state: &str, url: &str| json!({ "id": "whu_1", "url": url, "state": state, "signingKeys": [{}] });
        let before = json!({ "webhookUrls": [url("active", "https://a.example/")] });
        let after = json!({ "webhookUrls": [url("paused", "https://b.example/"), { "id": "whu_2", "url": "https://c.example/" }] });
        assert_eq!(
            changed(before, after),
            [
                "webhookUrls: - -> https://c.example/",
                "webhookUrls https://b.example/ url: https://a.example/ -> https://b.example/",
                "webhookUrls https://b.example/ state: active -> paused",
            ]
        );
        let secrets = |state: &str| json!({ "secrets": [{ "number": 1, "hint": "k7Qd", "state": state }] });
        assert_eq!(changed(secrets("active"), secrets("ended")), ["secrets k7Qd state: active -> ended"]);
    }

    #[test]
    fn an_entry_without_two_sides_changed_nothing() {
        assert!(changed(json!(null), json!({ "name": "x" })).is_empty());
        assert!(changed(json!([1]), json!([2])).is_empty());
    }
}
