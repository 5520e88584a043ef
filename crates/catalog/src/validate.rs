//! From a request's body to the fields to store.

use gatepost_model::Timestamp;
use serde_json::{Map, Value};

use crate::entity::{Entity, Field, FieldType, Rule, Unknown};
use crate::filter::excerpt;
use crate::reserved::{ACTION_FIELD, SET_BY_SERVER};

/// How deep arrays and objects may stand in a record.
const MAX_DEPTH: usize = 64;

/// Why a body cannot be stored: always a 400, in the words of contract.md E.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// It is not a JSON object.
    #[error("The body must be a JSON object")]
    NotAnObject,
    /// Arrays and objects stand in one another beyond the limit.
    #[error("The body is nested more than 64 levels deep")]
    TooDeep,
    /// A field that a record cannot be made without is missing.
    #[error("{} is required", label(.field))]
    Required {
        /// Its name.
        field: String,
    },
    /// A field has a value that it may not take.
    #[error("{} \"{value}\" is invalid. Valid options are: {}", label(.field), .options.join(", "))]
    Value {
        /// Its name.
        field: String,
        /// What was sent, cut if it is long.
        value: String,
        /// What it may take.
        options: Vec<String>,
    },
}

impl Entity {
    /// The fields of a new record: without those that only the server sets, with defaults, dates in UTC.
    ///
    /// # Errors
    /// When the body is no object, lacks what the type requires, or has a value that the contract says is refused.
    pub fn check_create(&self, body: Value) -> Result<Map<String, Value>, InvalidRecord> {
        let mut record = self.check_fields(body)?;
        for (name, field) in &self.fields {
            if is_blank(record.get(name)) && is_required(field, &record) {
                return Err(InvalidRecord::Required { field: name.clone() });
            }
            let unset = record.get(name).is_none_or(Value::is_null);
            if let Some(default) = field.default.as_ref().filter(|_| unset) {
                record.insert(name.clone(), default.clone());
            }
        }
        Ok(record)
    }

    /// The fields to change in a record: without those that only the server sets, dates in UTC.
    ///
    /// A rule between two fields is checked only if both are sent: what is stored is not known here.
    ///
    /// # Errors
    /// When the body is no object or has a value that the contract says is refused.
    pub fn check_update(&self, body: Value) -> Result<Map<String, Value>, InvalidRecord> {
        self.check_fields(body)
    }

    fn check_fields(&self, body: Value) -> Result<Map<String, Value>, InvalidRecord> {
        if is_deeper(&body, MAX_DEPTH) {
            return Err(InvalidRecord::TooDeep);
        }
        let Value::Object(mut record) = body else {
            return Err(InvalidRecord::NotAnObject);
        };
        record.retain(|name, _| !SET_BY_SERVER.contains(&name.as_str()) && name != ACTION_FIELD);
        for (name, field) in &self.fields {
            check_value(name, field, &mut record)?;
        }
        self.rules.iter().try_for_each(|rule| check_rule(rule, &record))?;
        Ok(record)
    }
}

/// Brings a field into its stored form, or finds that it has none.
fn check_value(name: &str, field: &Field, record: &mut Map<String, Value>) -> Result<(), InvalidRecord> {
    let Some(value) = record.get_mut(name).filter(|value| !value.is_null()) else {
        return Ok(());
    };
    if field.kind == FieldType::Date
        && let Some(instant) = value.as_str().and_then(Timestamp::parse_iso)
    {
        *value = Value::String(instant.iso());
    }
    if is_listed(&field.values, value) {
        return Ok(());
    }
    match field.unknown {
        Unknown::Accept => {}
        Unknown::Drop => {
            record.shift_remove(name);
        }
        Unknown::Reject => return Err(bad_value(name, value, &field.values)),
    }
    Ok(())
}

/// Whether a field may not be missing from this record.
fn is_required(field: &Field, record: &Map<String, Value>) -> bool {
    field.required || field.required_unless.as_ref().is_some_and(|other| is_blank(record.get(other)))
}

/// A missing, null or empty value: what a form sends for a field that was not filled in.
fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    }
}

fn is_listed(values: &[String], value: &Value) -> bool {
    values.is_empty() || values.iter().any(|listed| value == listed)
}

fn check_rule(rule: &Rule, record: &Map<String, Value>) -> Result<(), InvalidRecord> {
    let applies = record.get(&rule.beside.field).is_some_and(|value| *value == rule.beside.value);
    match record.get(&rule.field) {
        Some(value) if applies && !value.is_null() && !is_listed(&rule.values, value) => {
            Err(bad_value(&rule.field, value, &rule.values))
        }
        _ => Ok(()),
    }
}

fn bad_value(field: &str, value: &Value, options: &[String]) -> InvalidRecord {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    InvalidRecord::Value { field: field.to_owned(), value: excerpt(&text), options: options.to_vec() }
}

/// Whether arrays and objects stand in one another more than `levels` deep.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else {
        return value.is_array() || value.is_object();
    };
    match value {
        Value::Array(elements) => elements.iter().any(|element| is_deeper(element, below)),
        Value::Object(fields) => fields.values().any(|field| is_deeper(field, below)),
        _ => false,
    }
}

/// A field's name as messages write it: `Handle`, `Entity type`, `Description HTML`.
///
/// The refusals of the API are known to begin that way (`Handle is required`, contract.md E).
fn label(field: &str) -> String {
    let mut label = String::with_capacity(field.len() + 4);
    let mut letters = field.chars().peekable();
    let mut previous = '_';
    while let Some(letter) = letters.next() {
        let in_acronym = previous.is_uppercase() || letters.peek().is_none_or(|next| next.is_uppercase());
        if label.is_empty() {
            label.extend(letter.to_uppercase());
        } else if !letter.is_uppercase() || previous.is_uppercase() {
            label.push(letter);
        } else if in_acronym {
            label.extend([' ', letter]);
        } else {
            label.push(' ');
            label.extend(letter.to_lowercase());
        }
        previous = letter;
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_like_words() {
        for (field, expected) in [
            ("handle", "Handle"),
            ("entityType", "Entity type"),
            ("taskBoardId", "Task board id"),
            ("descriptionHTML", "Description HTML"),
            ("HTMLBody", "HTMLBody"),
            ("", ""),
        ] {
            assert_eq!(label(field), expected);
        }
    }
}
