//! Inviting people to workspaces.

use axum::Json;
use axum::extract::{Path, State};
use gatepost_core::view;
use gatepost_http::Problem;
use http::StatusCode;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::members::{Members, invalid};
use super::people::role;

/// `GET /invitations`: those that have not been accepted yet, newest first.
pub(super) async fn list(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
) -> Result<Json<Value>, Problem> {
    let pending = match &sees_as {
        Some(user) => gatepost.invitations_seen_by(user).await?,
        None => gatepost.list_invitations().await?,
    };
    Ok(Json(pending.iter().map(view::invitation).collect()))
}

/// `POST /invitations`: `email`, `role` and `workspaces`. The answer holds `link`, this once.
pub(super) async fn create(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    mut members: Members,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let email = members.required_text("email")?;
    let workspaces = members.texts("workspaces")?.unwrap_or_default();
    let role = role(&mut members)?.ok_or_else(|| invalid("role", "is missing"))?;
    members.finish()?;
    let (invitation, token) = gatepost.invite(&actor, &email, &workspaces, role).await?;
    let mut body = view::invitation(&invitation);
    body["link"] = gatepost.settings().invitation_link(&token).into();
    Ok((StatusCode::CREATED, Json(body)))
}

/// `POST /invitations/{id}/withdraw`: its link ends.
pub(super) async fn withdraw(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    gatepost.withdraw_invitation(&actor, &id).await?;
    Ok(Json(json!({ "id": id, "withdrawn": true })))
}
