//! Workspaces.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use gatepost_core::{Error, Gatepost, view};
use gatepost_http::Problem;
use gatepost_model::{User, Workspace};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use url::form_urlencoded;

use super::Shared;
use super::access::Administrator;
use super::matching::{if_match, tagged};
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

/// `GET /workspaces/{subdomain}`
pub(super) async fn show(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Path(subdomain): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(&seen_workspace(&gatepost, sees_as.as_ref(), &subdomain).await?))
}

/// `PATCH /workspaces/{subdomain}`: `name`.
pub(super) async fn rename(
    State(gatepost): Shared,
    Administrator { actor, sees_as }: Administrator,
    Path(subdomain): Path<String>,
    headers: HeaderMap,
    mut members: Members,
) -> Result<Response, Problem> {
    // Whoever does not see the workspace is not told what else is wrong.
    seen_workspace(&gatepost, sees_as.as_ref(), &subdomain).await?;
    let name = members.required_text("name")?;
    members.finish()?;
    let from = if_match(&headers).map(|tag| named_by(&tag));
    Ok(shown(&gatepost.rename_workspace(&actor, &subdomain, &name, from.as_deref()).await?))
}

pub(super) async fn seen_workspace(
    gatepost: &Gatepost,
    sees_as: Option<&User>,
    subdomain: &str,
) -> Result<Workspace, Error> {
    let is_named = |workspace: &&Workspace| workspace.subdomain.as_str() == subdomain;
    let found = match sees_as {
        Some(user) => user.administered().find(is_named).cloned(),
        None => gatepost.list_workspaces().await?.iter().find(is_named).cloned(),
    };
    found.ok_or_else(|| Error::not_found("workspace", subdomain))
}

/// All that can change of a workspace is its name, so that is its tag.
fn shown(workspace: &Workspace) -> Response {
    let tag: String = form_urlencoded::byte_serialize(workspace.name.as_bytes()).collect();
    tagged(tag, view::workspace(workspace))
}

fn named_by(tag: &str) -> String {
    form_urlencoded::parse(tag.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}
