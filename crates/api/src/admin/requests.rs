//! Refused requests, so that they can be explained.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use gatepost_core::gate::{Check, Finding};
use gatepost_core::request_log::trace_of;
use gatepost_core::requests::{Refusal, Wanted};
use gatepost_core::{Gatepost, counts};
use gatepost_http::Problem;
use gatepost_model::{ApiClient, Timestamp, User};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::clients::seen_client;
use super::members::invalid;
use super::query::{Parameters, checked_limit, continued, time};

/// Which requests: `before` is the id of the last one of the page before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    client: Option<String>,
    check: Option<String>,
    workspace: Option<String>,
    since: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

/// `GET /requests`: newest first.
pub(super) async fn list(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Parameters(Listed { client, check, workspace, since, before, limit }): Parameters<Listed>,
) -> Result<Response, Problem> {
    let wanted = Wanted {
        client: client_id(&gatepost, sees_as.as_ref(), client).await?,
        refused_by: check.as_deref().map(named_check).transpose()?.unwrap_or_default().to_owned(),
        workspace: workspace.unwrap_or_default(),
        ..Wanted::default()
    };
    let since = time("since", since)?.unwrap_or(Timestamp::from_seconds(0));
    let place = (before, checked_limit(limit)? as usize);
    let seen = gatepost.refusals_seen_by(sees_as.as_ref(), wanted, since, place).await?;
    let rows = seen.rows.iter().map(|(refusal, client)| shown(refusal, client.as_ref())).collect();
    Ok(continued(rows, seen.next.as_deref()))
}

/// `GET /requests/{id}`: a refused request by its `X-Request-Id`, with the true reason, each check and what to change.
///
/// With a token: only those of clients that it may see.
pub(super) async fn show(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let (refusal, client) = gatepost.refusal_seen_by(sees_as.as_ref(), &id).await?;
    let mut body = shown(&refusal, client.as_ref());
    if let Some((reason, trace)) = trace_of(&refusal) {
        body["reason"] = counts::name_of(reason).into();
        body["help"] = reason.help().into();
        body["checks"] = trace
            .iter()
            .map(|(check, finding)| json!({ "check": check.as_str(), "result": result(finding) }))
            .collect();
    }
    if let Some(client) = client {
        body["enabledWorkspaces"] =
            client.workspaces.iter().map(|workspace| workspace.subdomain.as_str()).collect();
    }
    Ok(Json(body))
}

const fn result(finding: Finding) -> &'static str {
    match finding {
        Finding::Passed => "passed",
        Finding::Failed(_) => "failed",
        Finding::NotReached => "not reached",
    }
}

fn named_check(name: &str) -> Result<&'static str, Problem> {
    let mut names = Check::ALL.map(Check::as_str).into_iter();
    names.find(|known| *known == name).ok_or_else(|| {
        let names = Check::ALL.map(Check::as_str).join(", ");
        invalid("check", format!("\"{name}\" is no check; the checks are {names}"))
    })
}

/// Refusals name a client by its id; people may name it by its client id as well.
async fn client_id(
    gatepost: &Gatepost,
    sees_as: Option<&User>,
    named: Option<String>,
) -> Result<String, Problem> {
    match named {
        Some(named) => Ok(seen_client(gatepost, sees_as, &named).await?.id),
        None => Ok(String::new()),
    }
}

fn shown(refusal: &Refusal, client: Option<&ApiClient>) -> Value {
    json!({
        "id": refusal.id,
        "at": refusal.at.iso(),
        "client": client.map(|client| client.id.as_str()),
        "workspace": refusal.workspace,
        "verb": refusal.verb,
        "path": refusal.path,
        "status": refusal.status,
        "refusedBy": refusal.refused_by,
        "detail": refusal.detail,
        "address": refusal.address,
    })
}
