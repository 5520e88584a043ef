//! Refused requests, so that they can be explained.

use axum::Json;
use axum::extract::{Path, State};
use gatepost_core::Error;
use gatepost_http::Problem;
use gatepost_model::ClientNumber;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;

/// `GET /requests/{id}`: a refused request by its `X-Request-Id`, with the true reason.
///
/// With a token: only those of clients that it may see.
pub(super) async fn show(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let found = gatepost.lookup_refusal(&id).await?;
    let refusal = found.ok_or_else(|| Error::not_found("refused request", &id))?;
    let client = match refusal.client {
        Some(number) => {
            let before = ClientNumber(number.0.saturating_sub(1));
            let next = gatepost.list_clients(before, 1).await?;
            next.into_iter().find(|client| client.number == number)
        }
        None => None,
    };
    if sees_as.is_some_and(|user| !client.as_ref().is_some_and(|client| user.manages(client))) {
        return Err(Error::not_found("refused request", &id).into());
    }
    let client = client.map(|client| client.id);
    Ok(Json(json!({
        "id": refusal.id,
        "at": refusal.at.iso(),
        "client": client,
        "workspace": refusal.workspace,
        "verb": refusal.verb,
        "path": refusal.path,
        "status": refusal.status,
        "refusedBy": refusal.refused_by,
        "detail": refusal.detail,
        "address": refusal.address,
    })))
}
