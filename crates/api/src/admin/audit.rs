//! The audit trail.

use axum::Json;
use axum::extract::State;
use gatepost_core::view;
use gatepost_http::Problem;
use gatepost_model::ids;
use serde::Deserialize;
use serde_json::Value;

use super::Shared;
use super::access::Administrator;
use super::clients::seen_client;
use super::query::{Parameters, page};

/// Which entries: of one `subject`; `before` is the id of the last one of the page before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    subject: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

/// `GET /audit`: newest first.
pub(super) async fn list(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Parameters(Listed { subject, before, limit }): Parameters<Listed>,
) -> Result<Json<Value>, Problem> {
    // Entries name a client by its id; people may name it by its client id as well.
    let subject = match subject {
        Some(id) if id.starts_with(ids::CLIENT_ID) => {
            Some(seen_client(&gatepost, sees_as.as_ref(), &id).await?.id)
        }
        other => other,
    };
    let page = page(before, limit)?;
    let entries = match &sees_as {
        Some(user) => gatepost.audit_seen_by(user, subject, page.before, page.limit as usize).await?.rows,
        None => gatepost.list_audit(subject, page).await?,
    };
    Ok(Json(entries.iter().map(view::audit).collect()))
}
