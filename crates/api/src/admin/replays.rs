//! Replays: starting one, watching it, pausing, resuming and calling it off.

use axum::Json;
use axum::extract::{Path, State};
use gatepost_core::replays::{NewReplay, Shown};
use gatepost_core::view;
use gatepost_http::Problem;
use gatepost_model::replay::Replayed;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::Shared;
use super::access::Administrator;
use super::deliveries::{moment, named_method};
use super::members::{Members, invalid};
use super::query::{Parameters, page};

/// Which replays: `before` is the id of the last one of the page before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    client: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

/// `POST /clients/{id}/replays`: `since`, and if wanted `until`, `url`, `method` and `states` (failed, undelivered, all).
pub(super) async fn start(
    State(gatepost): Shared,
    Administrator { actor, sees_as }: Administrator,
    Path(id): Path<String>,
    mut members: Members,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if let Some(user) = &sees_as {
        gatepost.managed_client(user, &id).await?;
    }
    let since = members.required_text("since")?;
    let until = members.text("until")?;
    let url = members.text("url")?;
    let method = members.text("method")?;
    let states = members.text("states")?;
    members.finish()?;
    let new = NewReplay {
        url,
        since: moment("since", &since)?,
        until: until.as_deref().map(|text| moment("until", text)).transpose()?,
        method: method.as_deref().map(named_method).transpose()?,
        which: states.as_deref().map_or(Ok(Replayed::Failed), named_states)?,
    };
    let started = gatepost.start_replay(&actor, &id, new).await?;
    Ok((StatusCode::CREATED, Json(view::replay(&started))))
}

/// `GET /replays`: newest first.
pub(super) async fn list(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Parameters(Listed { client, before, limit }): Parameters<Listed>,
) -> Result<Json<Value>, Problem> {
    let page = page(before, limit)?;
    let found = match &sees_as {
        Some(user) => gatepost.replays_seen_by(user, client.as_deref(), page).await?,
        None => gatepost.list_replays(client.as_deref(), page).await?,
    };
    Ok(Json(found.iter().map(view::replay).collect()))
}

/// `GET /replays/{id}`
pub(super) async fn show(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    answer(match &sees_as {
        Some(user) => gatepost.replay_seen_by(user, &id).await?,
        None => gatepost.show_replay(&id).await?,
    })
}

/// `POST /replays/{id}/pause`
pub(super) async fn pause(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    answer(gatepost.pause_replay(&actor, &id).await?)
}

/// `POST /replays/{id}/resume`
pub(super) async fn resume(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    answer(gatepost.resume_replay(&actor, &id).await?)
}

/// `POST /replays/{id}/cancel`
pub(super) async fn cancel(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    answer(gatepost.cancel_replay(&actor, &id).await?)
}

#[expect(clippy::unnecessary_wraps, reason = "it is what handlers answer")]
fn answer(shown: Shown) -> Result<Json<Value>, Problem> {
    Ok(Json(view::replay(&shown)))
}

fn named_states(name: &str) -> Result<Replayed, Problem> {
    Replayed::from_name(name).ok_or_else(|| {
        let names = Replayed::ALL.map(Replayed::as_str).join(", ");
        invalid("states", format!("\"{name}\" is not one of {names}"))
    })
}
