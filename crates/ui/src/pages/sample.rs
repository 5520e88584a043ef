//! What a webhook of one method carries, to read before it is ticked and to try a receiver with.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_catalog::Entity;
use gatepost_core::Gatepost;
use gatepost_model::webhook::Verb;
use gatepost_model::{ApiClient, Method};
use serde_json::Value;

use super::{Answer, framed};
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::session::Visit;

/// The key of the specification's own example: any will do that the receiver has too.
const EXAMPLE_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[derive(Template)]
#[template(path = "client/sample.html")]
struct SamplePage<'a> {
    frame: &'a Frame,
    client: &'a ApiClient,
    method: &'a Method,
    entity: &'a Entity,
    /// The body, laid out to be read.
    body: String,
    trial: Trial<'a>,
}

impl SamplePage<'_> {
    /// Every method of the entity type.
    fn methods(&self) -> Vec<Method> {
        Verb::ALL.map(|verb| Method::new(&self.entity.entity_type, verb)).to_vec()
    }
}

/// A script that posts the sample as Gatepost would, signed for the moment in which it runs.
#[derive(Template)]
#[template(path = "client/trial.sh.txt", escape = "none")]
struct Trial<'a> {
    client: &'a ApiClient,
    method: &'a Method,
    /// The body within single quotes of a shell.
    body: String,
    key: &'static str,
}

impl Trial<'_> {
    fn workspace(&self) -> &str {
        self.client.workspaces.first().map_or("a-workspace", |workspace| workspace.subdomain.as_str())
    }
}

/// `GET /clients/{id}/samples/{method}`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, method)): Path<(String, String)>,
) -> Answer {
    let client = gatepost.managed_client(visit.user(), &id).await?;
    let method: Method = method.parse().map_err(|_| Failure::NotFound)?;
    let entity = gatepost.catalog().lookup_type(method.entity_type()).filter(|entity| entity.webhooks);
    let entity = entity.ok_or(Failure::NotFound)?;
    let body = gatepost.sample_body(&client, &method, visit.now);
    let pretty = serde_json::from_str::<Value>(&body).map(|body| format!("{body:#}"));
    let trial =
        Trial { client: &client, method: &method, body: body.replace('\'', r"'\''"), key: EXAMPLE_KEY };
    let frame = Frame::new(&visit, Section::Clients);
    let page = SamplePage {
        frame: &frame,
        client: &client,
        method: &method,
        entity,
        body: pretty.unwrap_or_default(),
        trial,
    };
    framed(&gatepost, &frame, &page)
}
