//! The account of what became of events.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use gatepost_core::reconciliation::Standing;
use gatepost_http::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::query::{Parameters, time};

/// From when on, unless the caller says.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    since: Option<String>,
}

/// `GET /reconciliation`: how many events happened, and what became of them.
pub(super) async fn show(
    State(gatepost): Shared,
    Parameters(span): Parameters<Span>,
) -> Result<Json<Value>, Problem> {
    let since = time("since", span.since)?.unwrap_or_else(|| gatepost.now().minus(DAY));
    let account = gatepost.reconcile(since).await?;
    Ok(Json(json!({
        "since": account.since.iso(),
        "until": account.until.iso(),
        "events": account.events,
        "matched": account.matched,
        "unmatched": account.unmatched(),
        "deliveries": standing(&account.deliveries),
        "sentAgain": standing(&account.sent_again),
    })))
}

fn standing(standing: &Standing) -> Value {
    json!({
        "made": standing.made(),
        "delivered": standing.delivered,
        "failed": standing.failed,
        "skipped": standing.skipped,
        "cancelled": standing.cancelled,
        "pending": standing.pending,
    })
}
