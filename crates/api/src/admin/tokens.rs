//! Access tokens for trying things out.

use axum::Json;
use axum::extract::{Path, State};
use gatepost_http::Problem;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::members::Members;

/// `POST /clients/{id}/token`: a token as the client itself would get one.
pub(super) async fn issue(
    State(gatepost): Shared,
    Administrator(_): Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    let issued = gatepost.issue_token_for(&id).await?;
    Ok(Json(json!({
        "accessToken": issued.token.expose(),
        "tokenType": "Bearer",
        "expiresIn": issued.claims.lifetime.as_secs(),
        "expiresAt": issued.claims.expires_at().iso(),
        "clientId": issued.client.client_id,
    })))
}
