//! What was done to one client: who changed what, when and from where, old and new.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use gatepost_core::Gatepost;
use gatepost_core::audit_search::Wanted;
use gatepost_model::ApiClient;
use url::form_urlencoded;

use super::audit::{self, Line, Subject};
use super::client::address;
use super::{Answer, framed};
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "client/history.html")]
struct HistoryPage<'a> {
    frame: &'a Frame,
    client: &'a ApiClient,
    lines: Vec<Line>,
    next: Option<String>,
}

/// `GET /clients/{id}/history`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let client = gatepost.managed_client(visit.user(), &id).await?;
    let before = Form::query(query.as_deref()).given("before").map(str::to_owned);
    let seen = gatepost
        .audit_seen_by(Some(visit.user()), Wanted::about(&client.id), (before, audit::PER_PAGE))
        .await?;
    let names = gatepost.user_names().await?;
    let next = seen.next.map(|before| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("before", &before).finish();
        format!("{}/history?{query}", address(&client))
    });
    let about = || Subject { name: client.name.clone(), link: None };
    let lines = seen.rows.iter().map(|entry| audit::line(entry, &names, about())).collect();
    let frame = Frame::new(&visit, Section::Clients);
    framed(&gatepost, &frame, &HistoryPage { frame: &frame, client: &client, lines, next })
}
