//! Workspaces.

use axum::Json;
use axum::extract::State;
use gatepost_core::view;
use gatepost_http::Problem;
use http::StatusCode;
use serde_json::Value;

use super::Shared;
use super::access::Administrator;
use super::members::Members;

/// `GET /workspaces`: by subdomain; with a token those that it may be used for.
pub(super) async fn list(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
) -> Result<Json<Value>, Problem> {
    if let Some(user) = sees_as {
        return Ok(Json(user.administered().map(view::workspace).collect()));
    }
    let workspaces = gatepost.list_workspaces().await?;
    Ok(Json(workspaces.iter().map(view::workspace).collect()))
}

/// `POST /workspaces`: `subdomain` and `name`, which is the subdomain if it is left out.
pub(super) async fn create(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    mut members: Members,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let subdomain = members.required_text("subdomain")?;
    let name = members.text("name")?.unwrap_or_else(|| subdomain.clone());
    members.finish()?;
    let workspace = gatepost.create_workspace(&actor, &subdomain, &name).await?;
    Ok((StatusCode::CREATED, Json(view::workspace(&workspace))))
}
