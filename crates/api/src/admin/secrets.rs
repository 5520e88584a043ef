//! A client's secrets: revealing, rotating, cutting off. All of these are POST (security.md S6): none can be a link.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use gatepost_core::{Error, view};
use gatepost_http::Problem;
use gatepost_keys::Plain;
use gatepost_model::{ApiClient, Timestamp};
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::clients::{answer, with_made};
use super::members::Members;

/// `POST /clients/{id}/reveal`: `clientSecret` is the newest of those in `secrets`.
pub(super) async fn reveal(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    let revealed = gatepost.reveal_secrets(&actor, &id).await?;
    let newest = revealed.secrets.last().map(|(_, secret)| secret);
    let client = with_secrets(&revealed.client, newest, &revealed.signing_keys, gatepost.now());
    let secrets: Value = revealed
        .secrets
        .iter()
        .map(|(number, secret)| json!({ "number": number, "clientSecret": secret.expose() }))
        .collect();
    Ok(Json(json!({
        "id": client["id"],
        "clientId": client["clientId"],
        "clientSecret": client["clientSecret"],
        "secrets": secrets,
        "webhookUrls": client["webhookUrls"],
    })))
}

/// How long the present secrets stay good after a rotation that does not say: a tool can be moved over in peace.
const USUAL_OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// `POST /clients/{id}/rotate`: `overlap` is how long the present secrets stay good: a day if it is left out.
pub(super) async fn rotate(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    mut members: Members,
) -> Result<Response, Problem> {
    let overlap = members.duration("overlap")?.unwrap_or(USUAL_OVERLAP);
    members.finish()?;
    let rotated = gatepost.rotate_secret(&actor, &id, overlap).await?;
    Ok(with_made(&rotated, gatepost.now()))
}

/// `POST /clients/{id}/secrets/{number}/kill`
pub(super) async fn kill(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path((id, number)): Path<(String, String)>,
    members: Members,
) -> Result<Response, Problem> {
    members.finish()?;
    let number = number.parse().map_err(|_| Error::not_found("secret", &number))?;
    answer(&gatepost, gatepost.kill_secret(&actor, &id, number).await)
}

/// A client with secrets in the clear: a secret of its own, and signing keys by the ids of their webhook URLs.
pub(super) fn with_secrets(
    client: &ApiClient,
    secret: Option<&Plain>,
    signing_keys: &[(String, Plain)],
    now: Timestamp,
) -> Value {
    let mut answer = view::client(client, now);
    if let Some(secret) = secret {
        answer["clientSecret"] = secret.expose().into();
    }
    for url in answer["webhookUrls"].as_array_mut().into_iter().flatten() {
        if let Some((_, key)) = signing_keys.iter().find(|(id, _)| url["id"] == id.as_str()) {
            url["signingSecret"] = key.expose().into();
        }
    }
    answer
}
