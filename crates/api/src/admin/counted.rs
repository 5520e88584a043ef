//! A client's calls as they were counted.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use gatepost_core::Gatepost;
use gatepost_core::calls::{self, Tally};
use gatepost_http::Problem;
use gatepost_model::{Timestamp, User, WorkspaceNumber};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::clients::seen_client;
use super::query::{Parameters, time};

/// How far back calls are told of unless the caller says otherwise.
const USUAL_SPAN: Duration = Duration::from_secs(7 * 24 * 3600);

/// From when on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    since: Option<String>,
}

/// `GET /clients/{id}/calls`
pub(super) async fn show(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Path(id): Path<String>,
    Parameters(Since { since }): Parameters<Since>,
) -> Result<Json<Value>, Problem> {
    let client = seen_client(&gatepost, sees_as.as_ref(), &id).await?;
    let since = time("since", since)?.unwrap_or_else(|| gatepost.now().minus(USUAL_SPAN));
    let counted = gatepost.calls_of(client.number, since).await?;
    let by_address = gatepost.calls_by_address(client.number, since).await?;
    let by_secret = gatepost.calls_by_secret(client.number, since).await?;
    let names = workspace_names(&gatepost, sees_as.as_ref()).await?;
    let days = calls::by_day(&counted);
    let passed: u64 = days.values().map(|tally| tally.passed).sum();
    let refused: u64 = days.values().map(|tally| tally.refused).sum();
    let of_reason = |(reason, calls)| json!({ "reason": reason, "calls": calls });
    Ok(Json(json!({
        "since": calls::hour_of(since).iso(),
        "passed": passed,
        "refused": refused,
        "byHour": by_time(&calls::by_hour(&counted)),
        "byDay": by_time(&days),
        "byWorkspace": by_workspace(calls::by_workspace(&counted), &names),
        "byReason": calls::by_reason(&counted).into_iter().map(of_reason).collect::<Vec<_>>(),
        "byAddress": by_address.iter().map(|(address, calls)| json!({ "address": address, "calls": calls })).collect::<Vec<_>>(),
        "bySecret": by_secret.iter().map(|(number, calls)| json!({ "number": number, "calls": calls })).collect::<Vec<_>>(),
    })))
}

fn by_time(tallies: &BTreeMap<Timestamp, Tally>) -> Value {
    let row = |(at, tally): (&Timestamp, &Tally)| json!({ "at": at.iso(), "passed": tally.passed, "refused": tally.refused });
    tallies.iter().map(row).collect()
}

/// Workspaces of others stand together under none, with the calls that named none: whether they exist is not told.
fn by_workspace(
    tallies: BTreeMap<Option<WorkspaceNumber>, Tally>,
    names: &BTreeMap<WorkspaceNumber, String>,
) -> Value {
    let mut named: BTreeMap<Option<&String>, Tally> = BTreeMap::new();
    for (number, tally) in tallies {
        let sum = named.entry(number.and_then(|number| names.get(&number))).or_default();
        sum.passed += tally.passed;
        sum.refused += tally.refused;
    }
    let row = |(workspace, tally): (Option<&String>, Tally)| json!({ "workspace": workspace, "passed": tally.passed, "refused": tally.refused });
    named.into_iter().map(row).collect()
}

async fn workspace_names(
    gatepost: &Gatepost,
    sees_as: Option<&User>,
) -> Result<BTreeMap<WorkspaceNumber, String>, Problem> {
    let workspaces = match sees_as {
        Some(user) => user.administered().cloned().collect(),
        None => gatepost.list_workspaces().await?,
    };
    let named = workspaces.into_iter();
    Ok(named.map(|workspace| (workspace.number, workspace.subdomain.as_str().to_owned())).collect())
}
