//! One webhook URL of a client: trying it, holding it back, its address and its signing keys.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use gatepost_core::test_send::TestAnswer;
use gatepost_core::webhook_urls::{Resume, USUAL_KEY_OVERLAP, UrlAt};
use gatepost_core::{Error, view};
use gatepost_http::Problem;
use gatepost_model::{ApiClient, Timestamp};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::Shared;
use super::access::Administrator;
use super::clients::{answer, seen_client, with_signing_key};
use super::matching::revision;
use super::members::{Members, invalid};

/// The client and the URL that a path names.
type Named = Path<(String, String)>;

/// `GET /clients/{id}/webhook-urls/{url}`
pub(super) async fn show(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Path((id, url)): Named,
) -> Result<Json<Value>, Problem> {
    let client = seen_client(&gatepost, sees_as.as_ref(), &id).await?;
    let found = client.webhook_url(&url).ok_or_else(|| Error::not_found("webhook URL", &url))?;
    let pending = gatepost.count_pending(&client, &url).await?;
    let broken = gatepost.broken_circuit(&url);
    Ok(Json(json!({
        "url": view::webhook_url(found),
        "pendingDeliveries": pending,
        "silentSince": broken.map(|broken| broken.since.iso()),
        "nextProbeAt": broken.map(|broken| broken.probe_at.iso()),
    })))
}

/// `POST …/test`: sends a sample and waits for the answer.
pub(super) async fn test(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path((id, url)): Named,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    let at = UrlAt { client: &id, url: &url, revision: None };
    Ok(Json(tested(&gatepost.test_webhook_url(&actor, at).await?)))
}

/// `POST …/pause`: holds deliveries back.
pub(super) async fn pause(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path((id, url)): Named,
    headers: HeaderMap,
    members: Members,
) -> Result<Response, Problem> {
    let revision = revision_alone(&headers, members)?;
    let at = UrlAt { client: &id, url: &url, revision };
    answer(&gatepost, gatepost.pause_webhook_url(&actor, at).await)
}

/// `POST …/resume`: `deliveries` says what becomes of those that were held back.
pub(super) async fn resume(
    State(gatepost): Shared,
    Administrator { actor, sees_as }: Administrator,
    Path((id, url)): Named,
    headers: HeaderMap,
    members: Members,
) -> Result<Json<Value>, Problem> {
    // Whoever does not see the client is not told what else is wrong.
    seen_client(&gatepost, sees_as.as_ref(), &id).await?;
    let (choice, revision) = choice(&headers, members)?;
    let at = UrlAt { client: &id, url: &url, revision };
    Ok(sent_again(gatepost.resume_webhook_url(&actor, at, choice).await?, gatepost.now()))
}

/// `POST …/enable`: has one sent to again that was disabled; `deliveries` as for one that was paused.
pub(super) async fn enable(
    State(gatepost): Shared,
    Administrator { actor, sees_as }: Administrator,
    Path((id, url)): Named,
    headers: HeaderMap,
    members: Members,
) -> Result<Json<Value>, Problem> {
    seen_client(&gatepost, sees_as.as_ref(), &id).await?;
    let (choice, revision) = choice(&headers, members)?;
    let at = UrlAt { client: &id, url: &url, revision };
    Ok(sent_again(gatepost.enable_webhook_url(&actor, at, choice).await?, gatepost.now()))
}

/// `POST …/move`: `url` is its address from now on. Keys, state and log stay.
pub(super) async fn change_address(
    State(gatepost): Shared,
    Administrator { actor, sees_as }: Administrator,
    Path((id, url)): Named,
    headers: HeaderMap,
    mut members: Members,
) -> Result<Response, Problem> {
    seen_client(&gatepost, sees_as.as_ref(), &id).await?;
    let address = members.required_text("url")?;
    let revision = revision(&headers, members.number("revision")?)?;
    members.finish()?;
    let at = UrlAt { client: &id, url: &url, revision };
    answer(&gatepost, gatepost.move_webhook_url(&actor, at, &address).await)
}

/// `POST …/signing-key/rotate`: `overlap` is how long the old key signs beside the new one: a day if it is left out. The
/// answer holds the new `signingSecret`.
pub(super) async fn rotate_key(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path((id, url)): Named,
    headers: HeaderMap,
    mut members: Members,
) -> Result<Response, Problem> {
    let overlap = members.duration("overlap")?.unwrap_or(USUAL_KEY_OVERLAP);
    let revision = revision(&headers, members.number("revision")?)?;
    members.finish()?;
    let at = UrlAt { client: &id, url: &url, revision };
    let (client, key) = gatepost.rotate_signing_key(&actor, at, overlap).await?;
    Ok(with_signing_key(&client, (url, key), gatepost.now()))
}

/// `POST …/signing-key/end-old`: ends every signing key but the newest.
pub(super) async fn end_old_keys(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path((id, url)): Named,
    headers: HeaderMap,
    members: Members,
) -> Result<Response, Problem> {
    let revision = revision_alone(&headers, members)?;
    let at = UrlAt { client: &id, url: &url, revision };
    answer(&gatepost, gatepost.end_old_signing_keys(&actor, at).await)
}

/// `POST …/signing-key/reveal`
pub(super) async fn reveal_key(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path((id, url)): Named,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    let key = gatepost.reveal_signing_key(&actor, &id, &url).await?;
    Ok(Json(json!({ "webhookUrlId": url, "signingSecret": key.expose() })))
}

fn revision_alone(headers: &HeaderMap, mut members: Members) -> Result<Option<i64>, Problem> {
    let revision = revision(headers, members.number("revision")?)?;
    members.finish()?;
    Ok(revision)
}

/// What becomes of the deliveries that were held back, and the revision that the change is made for.
fn choice(headers: &HeaderMap, mut members: Members) -> Result<(Resume, Option<i64>), Problem> {
    let choice = members.named("deliveries", "all, newest or nothing", Resume::from_name)?;
    let choice = choice.ok_or_else(|| invalid("deliveries", "is missing: all, newest or nothing"))?;
    Ok((choice, revision_alone(headers, members)?))
}

fn sent_again((client, cancelled): (ApiClient, usize), now: Timestamp) -> Json<Value> {
    Json(json!({ "client": view::client(&client, now), "cancelledDeliveries": cancelled }))
}

fn tested(answer: &TestAnswer) -> Value {
    let headers: Map<String, Value> =
        answer.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    json!({
        "outcome": answer.outcome.as_str(),
        "status": answer.status,
        "error": answer.error,
        "address": answer.address,
        "headers": headers,
        "reply": answer.reply,
        "isTruncated": answer.reply_truncated,
        "durationMs": answer.duration.as_secs_f64() * 1000.0,
    })
}
