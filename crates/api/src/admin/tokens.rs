//! Access tokens for trying things out.

use axum::Json;
use axum::extract::{Path, State};
use gatepost_http::Problem;

use super::Shared;
use super::access::Administrator;
use super::clients::seen_client;
use super::members::Members;
use crate::oauth::TokenOut;

/// `POST /clients/{id}/token`: a token as the client itself would get one, in the answer of the token endpoint.
pub(super) async fn issue(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<TokenOut>, Problem> {
    members.finish()?;
    let client = seen_client(&gatepost, sees_as.as_ref(), &id).await?;
    let issued = gatepost.issue_token_for(&client.id).await?;
    Ok(Json(TokenOut::from(&issued)))
}
