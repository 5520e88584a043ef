//! Admin tokens: making one for a user, listing, cutting off.

use axum::Json;
use axum::extract::{Path, State};
use gatepost_core::Error;
use gatepost_core::admin_tokens::{AdminToken, NewAdminToken, USUAL_LIFETIME};
use gatepost_http::Problem;
use gatepost_model::Timestamp;
use http::StatusCode;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::members::Members;

/// `GET /admin-tokens`: newest first.
pub(super) async fn list(
    State(gatepost): Shared,
    administrator: Administrator,
) -> Result<Json<Value>, Problem> {
    let tokens = gatepost.list_admin_tokens(&administrator.actor).await?;
    let now = gatepost.now();
    Ok(Json(tokens.iter().map(|token| shown(token, now)).collect()))
}

/// `POST /admin-tokens`: the answer holds `adminToken`, this once. `user` is the id or email of whose rights it has.
pub(super) async fn create(
    State(gatepost): Shared,
    administrator: Administrator,
    mut members: Members,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let named = members.required_text("user")?;
    let new = NewAdminToken {
        name: members.required_text("name")?,
        scopes: members.texts("scopes")?.unwrap_or_default(),
        workspaces: members.texts("workspaces")?.unwrap_or_default(),
        lifetime: members.duration("lifetime")?.unwrap_or(USUAL_LIFETIME),
    };
    members.finish()?;
    let maker = gatepost.lookup_user(&named).await?.ok_or_else(|| Error::not_found("user", &named))?;
    let (token, plain) = gatepost.create_admin_token(&administrator.actor, &maker.id, new).await?;
    let mut body = shown(&token, gatepost.now());
    body["adminToken"] = plain.expose().into();
    Ok((StatusCode::CREATED, Json(body)))
}

/// `POST /admin-tokens/{id}/end`
pub(super) async fn end(
    State(gatepost): Shared,
    administrator: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    let token = gatepost.end_admin_token(&administrator.actor, &id).await?;
    Ok(Json(shown(&token, gatepost.now())))
}

fn shown(token: &AdminToken, now: Timestamp) -> Value {
    let status = match token.ended_at {
        Some(_) => "ended",
        None if now >= token.expires_at => "expired",
        None => "active",
    };
    json!({
        "id": token.id,
        "name": token.name,
        "user": token.user_id,
        "hint": token.hint,
        "scopes": token.scopes.split_whitespace().collect::<Vec<_>>(),
        "status": status,
        "createdAt": token.created_at.iso(),
        "expiresAt": token.expires_at.iso(),
        "endedAt": token.ended_at.map(Timestamp::iso),
        "lastUsedAt": token.last_used.as_ref().map(|(at, _)| at.iso()),
        "lastAddress": token.last_used.as_ref().map(|(_, address)| address),
    })
}
