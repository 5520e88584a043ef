//! The API reference, made from the catalog.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_catalog::{Capability, Entity, Field, FieldType, Unknown};
use gatepost_core::Gatepost;
use gatepost_model::ApiVersion;

use super::{Answer, framed};
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "help/reference.html")]
struct ReferencePage<'a> {
    frame: &'a Frame,
    entities: &'a [Entity],
}

#[derive(Template)]
#[template(path = "help/entity_type.html")]
struct TypePage<'a> {
    frame: &'a Frame,
    entity: &'a Entity,
    calls: Vec<Call>,
    public_url: &'a str,
    version: &'a str,
}

/// One thing that can be called.
struct Call {
    verb: &'static str,
    path: String,
    does: &'static str,
}

/// `GET /help/api-reference`
pub(super) async fn show(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::Reference);
    let entities = gatepost.catalog().entities();
    framed(&gatepost, &frame, &ReferencePage { frame: &frame, entities })
}

/// `GET /help/api-reference/{path}`
pub(super) async fn show_type(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(path): Path<String>,
) -> Answer {
    let entity = gatepost.catalog().lookup_path(&path).ok_or(Failure::NotFound)?;
    let frame = Frame::new(&visit, Section::Reference);
    let page = TypePage {
        frame: &frame,
        entity,
        calls: entity.capabilities.iter().filter_map(|capability| call(&entity.path, *capability)).collect(),
        public_url: &gatepost.settings().public_url,
        version: ApiVersion::NEWEST.as_str(),
    };
    framed(&gatepost, &frame, &page)
}

/// How a capability is called, if it is offered (contract.md G).
fn call(path: &str, capability: Capability) -> Option<Call> {
    let (verb, rest, does) = match capability {
        Capability::List => ("GET", "", "List records, at most 1,000 at a time"),
        Capability::Get => ("GET", "/{id}", "Read one record"),
        Capability::Create => ("POST", "", "Create a record"),
        Capability::Update => ("PUT", "", "Change the record named by _id"),
        Capability::Delete => ("DELETE", "", "Remove the record named by _id"),
        Capability::Archive => ("POST", "/archive", "Archive the record, or take it out again"),
        // The catalog knows them, the REST API does not offer them yet.
        Capability::Move | Capability::Copy => return None,
        Capability::BulkUpdate => ("PUT", "/bulk", "Change all records named by _ids"),
        Capability::BulkDelete => ("DELETE", "/bulk", "Remove all records named by _ids"),
        Capability::BulkArchive => ("POST", "/bulk/archive", "Archive all records named by _ids"),
    };
    Some(Call { verb, path: format!("/{path}{rest}"), does })
}

/// What a field holds, as the reference calls it.
pub(super) const fn kind(field: &Field) -> &'static str {
    match field.kind {
        FieldType::Text => "text",
        FieldType::Number => "number",
        FieldType::Boolean => "true or false",
        FieldType::Date => "date",
        FieldType::Object => "object",
        FieldType::Array => "array",
        FieldType::Reference => "id of a record",
        FieldType::Any => "anything",
    }
}

/// What is to know about the values of a field.
pub(super) fn remarks(field: &Field) -> String {
    let mut remarks = Vec::new();
    if field.required {
        remarks.push(match &field.required_unless {
            Some(other) => format!("Required, unless {other} is given."),
            None => String::from("Required."),
        });
    }
    if !field.values.is_empty() {
        let others = match field.unknown {
            Unknown::Accept => "Others are stored.",
            Unknown::Drop => "Others are left out.",
            Unknown::Reject => "Others are refused.",
        };
        remarks.push(format!("Values: {}. {others}", field.values.join(", ")));
    }
    if let Some(default) = &field.default {
        remarks.push(format!("{default} unless it is given."));
    }
    remarks.join(" ")
}
