//! One webhook URL of a client: trying it, holding it back, its address, its headers and its signing keys.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use gatepost_core::custom_headers::HeaderChange;
use gatepost_core::signing_keys::{Rotation, USUAL_KEY_OVERLAP, scheme_of};
use gatepost_core::test_send::TestAnswer;
use gatepost_core::webhook_urls::{Resume, UrlAt};
use gatepost_core::{Error, view};
use gatepost_http::Problem;
use gatepost_keys::Plain;
use gatepost_model::{ApiClient, SigningScheme, Timestamp};
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
    answer(&gatepost, gatepost.change_webhook_url(&actor, at, Some(address), Vec::new()).await)
}

/// `PATCH …`: `url` is another address; `headers` holds a value for each header to be set, and null for each to be taken away.
pub(super) async fn update(
    State(gatepost): Shared,
    Administrator { actor, sees_as }: Administrator,
    Path((id, url)): Named,
    headers: HeaderMap,
    mut members: Members,
) -> Result<Response, Problem> {
    seen_client(&gatepost, sees_as.as_ref(), &id).await?;
    let (address, changes) = (members.text("url")?, header_changes(members.object("headers")?)?);
    let revision = revision_alone(&headers, members)?;
    let at = UrlAt { client: &id, url: &url, revision };
    answer(&gatepost, gatepost.change_webhook_url(&actor, at, address, changes).await)
}

/// `POST …/signing-key/rotate`: `signing` is the kind of the new key, that of the newest one if it is left out; `overlap` is
/// how long the old key signs beside it: a day if it is left out. The answer holds the new `signingSecret`, if it is a shared
/// one.
pub(super) async fn rotate_key(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path((id, url)): Named,
    headers: HeaderMap,
    mut members: Members,
) -> Result<Response, Problem> {
    let scheme = members.named("signing", "hmac or ed25519", SigningScheme::from_name)?;
    let overlap = members.duration("overlap")?.unwrap_or(USUAL_KEY_OVERLAP);
    let revision = revision(&headers, members.number("revision")?)?;
    members.finish()?;
    let at = UrlAt { client: &id, url: &url, revision };
    let (client, key) = gatepost.rotate_signing_key(&actor, at, Rotation { scheme, overlap }).await?;
    let key = is_shared(&client, &url).then_some((url, key));
    Ok(with_signing_key(&client, key, gatepost.now()))
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

/// Whether the newest key is a secret that both sides hold.
fn is_shared(client: &ApiClient, url: &str) -> bool {
    client.webhook_url(url).is_some_and(|url| scheme_of(url) == SigningScheme::Hmac)
}

fn header_changes(headers: Option<Map<String, Value>>) -> Result<Vec<HeaderChange>, Problem> {
    let change = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok(HeaderChange { name, value: Some(Plain::new(text)) }),
        Value::Null => Ok(HeaderChange { name, value: None }),
        _ => Err(invalid("headers", "must hold a text for each header, or null to take it away")),
    };
    headers.into_iter().flatten().map(change).collect()
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
    let phases: Map<String, Value> =
        answer.phases.named().map(|(name, took)| (name.to_owned(), view::millis(took).into())).collect();
    json!({
        "outcome": answer.outcome.as_str(),
        "status": answer.status,
        "error": answer.error,
        "address": answer.address,
        "headers": headers,
        "reply": answer.reply,
        "isTruncated": answer.reply_truncated,
        "durationMs": view::millis(answer.duration),
        "phasesMs": phases,
    })
}
