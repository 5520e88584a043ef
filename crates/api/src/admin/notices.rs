//! Where the notices of a workspace go.

use axum::Json;
use axum::extract::{Path, State};
use gatepost_core::Error;
use gatepost_core::notices::NoticeUrl;
use gatepost_http::Problem;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::members::Members;
use super::workspaces::seen_workspace;

/// `GET /workspaces/{subdomain}/notices`: 404 if they go nowhere.
pub(super) async fn show(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(subdomain): Path<String>,
) -> Result<Json<Value>, Problem> {
    let found = gatepost.notice_url(&actor, &subdomain).await?;
    Ok(Json(shown(&found.ok_or_else(|| Error::not_found("notice URL", &subdomain))?)))
}

/// `PUT /workspaces/{subdomain}/notices`: `url`. The answer holds the new key, `signingSecret`, this once.
pub(super) async fn set(
    State(gatepost): Shared,
    Administrator { actor, sees_as }: Administrator,
    Path(subdomain): Path<String>,
    mut members: Members,
) -> Result<Json<Value>, Problem> {
    // Whoever does not see the workspace is not told what else is wrong.
    seen_workspace(&gatepost, sees_as.as_ref(), &subdomain).await?;
    let url = members.required_text("url")?;
    members.finish()?;
    let (set, key) = gatepost.set_notice_url(&actor, &subdomain, &url).await?;
    let mut answer = shown(&set);
    answer["signingSecret"] = key.expose().into();
    Ok(Json(answer))
}

/// `DELETE /workspaces/{subdomain}/notices`
pub(super) async fn remove(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(subdomain): Path<String>,
) -> Result<Json<Value>, Problem> {
    gatepost.remove_notice_url(&actor, &subdomain).await?;
    Ok(Json(json!({ "workspace": subdomain, "deleted": true })))
}

fn shown(url: &NoticeUrl) -> Value {
    json!({ "id": url.id, "url": url.url, "createdAt": url.created_at.iso() })
}
