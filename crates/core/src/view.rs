//! Clients and workspaces as JSON: what the admin API answers, the command line prints and the audit trail keeps.
//! camelCase, times in ISO 8601, and no secret anywhere.

use std::time::Duration;

use gatepost_model::webhook::{Attempt, Delivery};
use gatepost_model::{ApiClient, Membership, Method, Secret, Timestamp, UrlState, WebhookUrl, Workspace};
use gatepost_store::tables::audit::Entry;
use serde_json::{Value, json};

use crate::account_sessions::Held;
use crate::differences::{Difference, differences};
use crate::invitations::Invitation;
use crate::memberships::Person;
use crate::replays;

/// A workspace.
#[must_use]
pub fn workspace(workspace: &Workspace) -> Value {
    json!({
        "id": workspace.id,
        "subdomain": workspace.subdomain.as_str(),
        "name": workspace.name,
        "createdAt": workspace.created_at.iso(),
    })
}

/// Somebody who belongs to workspaces.
#[must_use]
pub fn person(person: &Person) -> Value {
    let membership = |held: &Membership| json!({ "workspace": held.workspace.subdomain.as_str(), "role": held.role.as_str() });
    json!({
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "memberships": person.memberships.iter().map(membership).collect::<Vec<_>>(),
        "hasSecondFactor": person.has_second_factor,
        "lastSeenAt": person.seen_at.map(Timestamp::iso),
    })
}

/// A session, by a name that lets nobody in.
#[must_use]
pub fn session(held: &Held) -> Value {
    json!({
        "id": held.id,
        "address": held.address,
        "createdAt": held.created_at.iso(),
        "lastSeenAt": held.seen_at.iso(),
    })
}

/// An invitation, without its link.
#[must_use]
pub fn invitation(invitation: &Invitation) -> Value {
    json!({
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role.as_str(),
        "workspaces": invitation.workspaces.iter().map(|one| one.subdomain.as_str()).collect::<Vec<_>>(),
        "invitedBy": invitation.invited_by,
        "expiresAt": invitation.expires_at.iso(),
    })
}

/// A client.
#[must_use]
pub fn client(client: &ApiClient, now: Timestamp) -> Value {
    json!({
        "id": client.id,
        "name": client.name,
        "clientId": client.client_id,
        "status": client.status.as_str(),
        "workspaces": client.workspaces.iter().map(|workspace| workspace.subdomain.as_str()).collect::<Vec<_>>(),
        "webhookUrls": client.webhook_urls.iter().map(webhook_url).collect::<Vec<_>>(),
        "methods": client.methods,
        "apiVersion": client.api_version,
        "payload": client.payload.as_str(),
        "secretPolicy": client.secret_policy.as_str(),
        "secrets": client.secrets.iter().map(|one| secret(one, now)).collect::<Vec<_>>(),
        "tokenLifetime": client.token_lifetime.as_secs(),
        "rateLimit": client.rate_limit,
        "allowIps": client.allow_list.to_texts(),
        "revision": client.revision,
        "createdBy": client.created_by,
        "createdAt": client.created_at.iso(),
        "lastUsedAt": client.last_used.as_ref().map(|last| last.at.iso()),
        "lastUsedFrom": client.last_used.as_ref().map(|last| last.address.to_string()),
        "lastUsedWorkspace": client.last_used.as_ref().and_then(|last| last.workspace.clone()),
    })
}

/// A secret, by its hint.
#[must_use]
pub fn secret(secret: &Secret, now: Timestamp) -> Value {
    json!({
        "number": secret.number,
        "hint": secret.hint,
        "state": secret.state(now).as_str(),
        "createdBy": secret.created_by,
        "createdAt": secret.created_at.iso(),
        "expiresAt": secret.expires_at.map(Timestamp::iso),
        "lastUsedAt": secret.last_used.map(|(at, _)| at.iso()),
        "lastUsedFrom": secret.last_used.map(|(_, address)| address.to_string()),
    })
}

/// A webhook URL.
#[must_use]
pub fn webhook_url(url: &WebhookUrl) -> Value {
    json!({
        "id": url.id,
        "url": url.url,
        "state": url.state.as_str(),
        "reason": url.reason,
        "failing": url.failing.filter(|_| url.state != UrlState::Disabled).map(|clock| json!({
            "since": clock.since.iso(),
            "lastAt": clock.last.iso(),
            "disablesAt": clock.disables_at.iso(),
        })),
        "signingKeys": url
            .signing_keys
            .iter()
            .map(|key| json!({
                "scheme": key.scheme().as_str(),
                "publicKey": key.public_key,
                "expiresAt": key.expires_at.map(Timestamp::iso),
            }))
            .collect::<Vec<_>>(),
        "headers": url.headers.iter().map(|header| header.name.as_str()).collect::<Vec<_>>(),
        "createdAt": url.created_at.iso(),
    })
}

/// A delivery, with the client's id and the URL where they are still known.
#[must_use]
pub fn delivery(delivery: &Delivery, client_id: Option<&str>, url: Option<&str>) -> Value {
    let pending = delivery.ended_at.is_none();
    json!({
        "id": delivery.id,
        "eventId": delivery.event_id,
        "client": client_id,
        "webhookUrlId": delivery.url_id,
        "url": url,
        "method": delivery.method.as_str(),
        "state": delivery.state.as_str(),
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "nextAttemptAt": pending.then(|| delivery.due_at.iso()),
        "createdAt": delivery.created_at.iso(),
        "endedAt": delivery.ended_at.map(Timestamp::iso),
        "replayOf": delivery.replay_of,
        "replay": delivery.replay_id,
    })
}

/// A replay, with the client's id and the URL where they are still known.
#[must_use]
pub fn replay(shown: &replays::Shown) -> Value {
    let (replay, progress) = (&shown.replay, &shown.replay.progress);
    json!({
        "id": replay.id,
        "client": shown.client.as_ref().map(|client| client.id.as_str()),
        "webhookUrlId": replay.scope.url_id,
        "url": shown.url,
        "since": replay.scope.since.iso(),
        "until": replay.scope.until.iso(),
        "method": replay.scope.method.as_ref().map(Method::as_str),
        "states": replay.scope.which.as_str(),
        "state": replay.state.as_str(),
        "reason": replay.reason,
        "counted": progress.counted,
        "isCounted": progress.is_counted,
        "made": progress.made,
        "skipped": { "sentAgain": progress.again, "eventGone": progress.gone },
        "pending": shown.pending,
        "createdBy": replay.created_by,
        "createdAt": replay.created_at.iso(),
        "endedAt": replay.ended_at.map(Timestamp::iso),
    })
}

/// An attempt.
#[must_use]
pub fn attempt(attempt: &Attempt) -> Value {
    let object = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    json!({
        "number": attempt.number,
        "startedAt": attempt.started_at.iso(),
        "durationMs": micros_to_millis(attempt.duration_us),
        "outcome": attempt.outcome.as_str(),
        "status": attempt.status,
        "error": attempt.error,
        "address": attempt.address,
        "requestHeaders": object(&attempt.request_headers),
        "responseHeaders": attempt.response_headers.as_deref().map(object),
        "reply": attempt.reply,
        "clientRevision": attempt.client_revision,
    })
}

/// An audit entry.
#[must_use]
pub fn audit(entry: &Entry) -> Value {
    let object = |text: &String| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    json!({
        "id": entry.id,
        "at": entry.at.iso(),
        "actor": entry.actor,
        "address": entry.address,
        "action": entry.action,
        "subject": entry.subject_id,
        "before": entry.before.as_ref().map(object),
        "after": entry.after.as_ref().map(object),
        "changes": differences(entry).iter().map(difference).collect::<Vec<_>>(),
    })
}

/// A field that an entry changed.
fn difference(Difference { field, old, new }: &Difference) -> Value {
    json!({ "field": field, "old": old, "new": new })
}

/// A time in milliseconds with three decimals.
#[must_use]
pub fn millis(time: Duration) -> f64 {
    micros_to_millis(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}

/// Milliseconds with three decimals.
fn micros_to_millis(micros: i64) -> f64 {
    // Attempts last seconds at most: far below where a double loses whole microseconds.
    micros as f64 / 1000.0
}
