//! The description of the admin API: OpenAPI 3.1, made from the table of its calls.

use axum::Json;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::access::Needs;
use super::calls::{Call, calls};
use super::objects::PROBLEM;
use super::shape::{Field, Kind, body_schema};

const ABOUT: &str = "Everything that people manage in Settings > API manager, for programs. Send an admin token in \
    `Authorization: Bearer`. Lists are arrays; the next page is asked for with the id of the last entry, and a `Link` \
    header says where a list may go on. A call that takes `If-Match` is refused with 409 if somebody else changed the \
    thing meanwhile. Calls without a scope that are marked `x-gatepost-operator` exist on the admin socket alone.";

/// `GET /openapi.json`: for everybody, for there is nothing of anybody's in it.
pub(super) async fn answer() -> Json<Value> {
    Json(document())
}

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Map::new();
    Kind::Of(&PROBLEM).collect(&mut schemas);
    let mut paths: Map<String, Value> = Map::new();
    for call in calls() {
        call.answer.collect(&mut schemas);
        let path = paths.entry(format!("/admin/v1{}", call.path)).or_insert_with(|| json!({}));
        path[call.verb.as_str().to_lowercase()] = operation(&call);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Gatepost admin API", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "adminToken": { "type": "http", "scheme": "bearer", "bearerFormat": "gpa_…" } },
        },
    })
}

fn operation(call: &Call) -> Value {
    let success = StatusCode::from_u16(call.status).unwrap_or(StatusCode::OK);
    let mut operation = json!({
        "operationId": operation_id(call),
        "tags": [call.path.split('/').nth(1).unwrap_or_default()],
        "summary": call.about,
        "parameters": parameters(call),
        "responses": {
            success.as_str(): {
                "description": success.canonical_reason(),
                "content": { "application/json": { "schema": call.answer.schema() } },
            },
            "default": {
                "description": "Why it was not done.",
                "content": { "application/json": { "schema": Kind::Of(&PROBLEM).schema() } },
            },
        },
    });
    match call.needs {
        Needs::Scope(scope) => operation["security"] = json!([{ "adminToken": [scope.as_str()] }]),
        Needs::Token => operation["security"] = json!([{ "adminToken": [] }]),
        Needs::Operator => operation["x-gatepost-operator"] = true.into(),
    }
    if !call.body.is_empty() {
        let is_required = call.body.iter().any(|field| field.is_required);
        operation["requestBody"] = json!({
            "required": is_required,
            "content": { "application/json": { "schema": body_schema(&call.body) } },
        });
    }
    operation
}

fn parameters(call: &Call) -> Vec<Value> {
    let mut parameters: Vec<Value> = in_path(call.path).map(named_in_path).collect();
    parameters.extend(call.query.iter().map(in_query));
    if call.is_guarded {
        parameters.push(json!({
            "name": "If-Match",
            "in": "header",
            "required": false,
            "description": "The `ETag` that was read: refused with 409 if it is another by now.",
            "schema": { "type": "string" },
        }));
    }
    parameters
}

/// The names in braces.
fn in_path(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn named_in_path(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

fn in_query(field: &Field) -> Value {
    json!({
        "name": field.name,
        "in": "query",
        "required": field.is_required,
        "description": field.about,
        "schema": field.kind.schema(),
    })
}

/// `postClientsByIdRotate`: the HTTP method and the path in one word.
fn operation_id(call: &Call) -> String {
    let mut id = call.verb.as_str().to_lowercase();
    for word in call.path.split(['/', '-']).filter(|word| !word.is_empty()) {
        let (by, word) = match word.strip_prefix('{') {
            Some(name) => ("By", name.trim_end_matches('}')),
            None => ("", word),
        };
        id.push_str(by);
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id
}
