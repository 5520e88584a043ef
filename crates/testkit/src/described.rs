//! Holds answers of the admin API against its own description.

use gatepost_model::Timestamp;
use serde_json::{Map, Value};

use crate::Answer;

/// Panics if an answer is not what the description says of this call; `path` begins after `/admin/v1`.
///
/// # Panics
/// If there is no such call in it, or the answer differs.
#[expect(clippy::panic, reason = "a test that finds a difference must fail")]
pub fn check(verb: &str, path: &str, answer: &Answer) {
    let document = gatepost_api::admin::document();
    if let Err(problem) = differs(&document, verb, path, answer) {
        panic!("{verb} {path}: the answer is not as described (crates/api/src/admin/objects.rs): {problem}");
    }
}

fn differs(document: &Value, verb: &str, path: &str, answer: &Answer) -> Result<(), String> {
    let Some(operation) = operation(document, verb, path) else {
        let is_refused = matches!(answer.status, 404 | 405);
        return if is_refused { Ok(()) } else { Err(String::from("there is no such call")) };
    };
    let responses = &operation["responses"];
    let found = match responses.get(answer.status.to_string()) {
        Some(found) => found,
        None if answer.status >= 400 => &responses["default"],
        None => return Err(format!("status {}", answer.status)),
    };
    let body: Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    fits(document, &found["content"]["application/json"]["schema"], &body, "")
}

/// The operation whose path has the same segments, apart from those in braces.
fn operation<'d>(document: &'d Value, verb: &str, path: &str) -> Option<&'d Value> {
    let path = path.split('?').next().unwrap_or_default();
    let whole = format!("/admin/v1{path}");
    let is_it = |template: &str| {
        template.split('/').count() == whole.split('/').count()
            && template
                .split('/')
                .zip(whole.split('/'))
                .all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
    };
    let verb = verb.to_lowercase();
    let mut paths: Vec<_> = document["paths"].as_object()?.iter().filter(|(path, _)| is_it(path)).collect();
    paths.sort_by_key(|(path, _)| path.matches('{').count());
    paths.into_iter().find_map(|(_, operations)| operations.get(&verb))
}

fn fits(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let named = document.pointer(reference.trim_start_matches('#'));
        return fits(document, named.ok_or_else(|| format!("{reference} is missing"))?, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let mut problems = Vec::new();
        for choice in choices {
            match fits(document, choice, value, at) {
                Ok(()) => return Ok(()),
                Err(problem) => problems.push(problem),
            }
        }
        return Err(problems.join(", or "));
    }
    if !has_type(&schema["type"], value) {
        return Err(format!("{at} is {value}, not {}", schema["type"]));
    }
    if let Some(names) = schema["enum"].as_array()
        && !names.contains(value)
    {
        return Err(format!("{at} is {value}, not one of {names:?}"));
    }
    if schema["format"] == "date-time"
        && let Some(text) = value.as_str()
        && Timestamp::parse_iso(text).is_none()
    {
        return Err(format!("{at} is {text}, which is no time"));
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(document, &schema["items"], item, &format!("{at}[{place}]"))?;
    }
    match (value.as_object(), schema["properties"].as_object()) {
        (Some(members), Some(properties)) => fits_object(document, (schema, properties), members, at),
        _ => Ok(()),
    }
}

fn fits_object(
    document: &Value,
    (schema, properties): (&Value, &Map<String, Value>),
    members: &Map<String, Value>,
    at: &str,
) -> Result<(), String> {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            return Err(format!("{at}.{name} is missing"));
        }
    }
    for (name, value) in members {
        let Some(property) = properties.get(name) else {
            return Err(format!("{at}.{name} is not described"));
        };
        fits(document, property, value, &format!("{at}.{name}"))?;
    }
    Ok(())
}

fn has_type(wanted: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    };
    match wanted {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}
