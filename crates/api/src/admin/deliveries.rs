//! Deliveries: the log, one of them whole, and replaying.

use axum::Json;
use axum::extract::{Path, State};
use gatepost_core::deliveries::Shown;
use gatepost_core::delivery_log::Wanted;
use gatepost_core::view;
use gatepost_http::Problem;
use gatepost_model::webhook::{Event, InvalidMethod};
use gatepost_model::{DeliveryState, Method, Timestamp};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::members::{Members, invalid};
use super::query::{Parameters, page};

/// Which deliveries: `before` is the id of the last one of the page before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    client: Option<String>,
    state: Option<String>,
    method: Option<String>,
    url: Option<String>,
    replay: Option<String>,
    since: Option<String>,
    until: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

/// `GET /deliveries`: newest first.
pub(super) async fn list(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Parameters(Listed { client, state, method, url, replay, since, until, before, limit }): Parameters<
        Listed,
    >,
) -> Result<Json<Value>, Problem> {
    let wanted = Wanted {
        client,
        state: state.as_deref().map(named_state).transpose()?,
        method: method.as_deref().map(named_method).transpose()?,
        url_id: url,
        event_id: None,
        replay_id: replay,
        since: since.as_deref().map(|text| moment("since", text)).transpose()?,
        until: until.as_deref().map(|text| moment("until", text)).transpose()?,
    };
    let page = page(before, limit)?;
    let found = match &sees_as {
        Some(user) => {
            let place = (page.before, page.limit as usize);
            gatepost.deliveries_seen_by(user, &wanted, place).await?.rows
        }
        None => gatepost.list_deliveries(wanted, page).await?,
    };
    Ok(Json(found.iter().map(shown).collect()))
}

/// `GET /deliveries/{id}`: with its `attemptLog` and, while that is kept, its `event`.
pub(super) async fn show(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let detailed = match &sees_as {
        Some(user) => gatepost.delivery_seen_by(user, &id).await?.0,
        None => gatepost.show_delivery(&id).await?,
    };
    let mut body = shown(&detailed.shown);
    body["attemptLog"] = detailed.attempts.iter().map(view::attempt).collect();
    body["event"] = detailed.event.as_ref().map_or(Value::Null, event);
    Ok(Json(body))
}

/// `POST /deliveries/{id}/replay`: answers the new delivery.
pub(super) async fn replay(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<(StatusCode, Json<Value>), Problem> {
    members.finish()?;
    let replayed = gatepost.replay_delivery(&actor, &id).await?;
    Ok((StatusCode::CREATED, Json(shown(&replayed))))
}

/// `POST /deliveries/{id}/send-now`: a pending one is tried at once.
pub(super) async fn send_now(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    Ok(Json(shown(&gatepost.send_delivery_now(&actor, &id).await?)))
}

/// `POST /deliveries/{id}/cancel`: a pending one is called off.
pub(super) async fn cancel(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    Ok(Json(shown(&gatepost.cancel_delivery(&actor, &id).await?)))
}

fn named_state(name: &str) -> Result<DeliveryState, Problem> {
    DeliveryState::from_name(name).ok_or_else(|| {
        let names = DeliveryState::ALL.map(DeliveryState::as_str).join(", ");
        invalid("state", format!("\"{name}\" is no state; the states are {names}"))
    })
}

pub(super) fn named_method(name: &str) -> Result<Method, Problem> {
    name.parse().map_err(|error: InvalidMethod| invalid("method", error.to_string()))
}

/// A time, as the API writes it or as a date.
pub(super) fn moment(member: &'static str, text: &str) -> Result<Timestamp, Problem> {
    Timestamp::parse_iso(text).ok_or_else(|| {
        invalid(member, format!("\"{text}\" is no time; times look like 2026-11-24T14:30:00Z or 2026-11-24"))
    })
}

fn shown(Shown { delivery, client_id, url }: &Shown) -> Value {
    view::delivery(delivery, client_id.as_deref(), url.as_deref())
}

fn event(event: &Event) -> Value {
    json!({
        "id": event.id,
        "method": event.method.as_str(),
        "recordId": event.record_id,
        "record": serde_json::from_str::<Value>(&event.record).unwrap_or(Value::Null),
        "causedBy": event.caused_by,
        "at": event.at.iso(),
    })
}
