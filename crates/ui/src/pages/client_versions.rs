//! The versions of the API beside the one that a client has, and what it would be sent in another.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use gatepost_core::Gatepost;
use gatepost_core::differences::Difference;
use gatepost_model::webhook::Verb;
use gatepost_model::{ApiClient, ApiVersion, ClientStatus, Method};
use serde_json::Value;

use super::{Answer, framed};
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "client/versions.html")]
struct VersionsPage<'a> {
    frame: &'a Frame,
    client: &'a ApiClient,
    /// What can be looked at: the ticked methods, or all if none is.
    methods: Vec<Method>,
    method: Option<Method>,
    version: ApiVersion,
    /// A sample of what is sent, in that version.
    body: String,
    /// What is another in that version than in the client's.
    changes: Vec<Difference>,
}

impl VersionsPage<'_> {
    fn is_own(&self, version: &ApiVersion) -> bool {
        self.client.api_version == *version
    }

    fn is_shown(&self, method: &Method) -> bool {
        self.method.as_ref() == Some(method)
    }
}

/// `GET /clients/{id}/versions`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let client = gatepost.managed_client(visit.user(), &id).await?;
    let query = Form::query(query.as_deref());
    let version = query.text("version").parse().unwrap_or(client.api_version);
    let methods = sendable(&gatepost, &client);
    let named = methods.iter().find(|method| method.as_str() == query.text("method"));
    let method = named.or(methods.first()).cloned();
    let body = method.as_ref().map(|method| sample(&gatepost, &client, method, &visit)).unwrap_or_default();
    let frame = Frame::new(&visit, Section::Clients);
    let changes = changes(client.api_version, version);
    let page = VersionsPage { frame: &frame, client: &client, methods, method, version, body, changes };
    framed(&gatepost, &frame, &page)
}

fn sendable(gatepost: &Gatepost, client: &ApiClient) -> Vec<Method> {
    if !client.methods.is_empty() {
        return client.methods.iter().cloned().collect();
    }
    let types = gatepost.catalog().entities().iter().filter(|entity| entity.webhooks);
    types.flat_map(|entity| Verb::ALL.map(|verb| Method::new(&entity.entity_type, verb))).collect()
}

/// The body of a webhook, as one reads it.
fn sample(gatepost: &Gatepost, client: &ApiClient, method: &Method, visit: &Visit) -> String {
    let body = gatepost.sample_body(client, method, visit.now);
    serde_json::from_str::<Value>(&body).map_or(body, |body| format!("{body:#}"))
}

/// Records have one shape in all versions, so only the header that names the version differs.
fn changes(own: ApiVersion, other: ApiVersion) -> Vec<Difference> {
    if own == other {
        return Vec::new();
    }
    vec![Difference {
        field: String::from("gatepost-api-version"),
        old: Some(own.to_string()),
        new: Some(other.to_string()),
    }]
}
