//! Disabling, enabling, revoking and deleting a client.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::Gatepost;
use gatepost_core::impact::{Impact, Pending};
use gatepost_model::{ApiClient, ClientStatus, Timestamp};

use super::client::{Over, address, changeable, page_of};
use super::{Answer, changed};
use crate::BASE;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::Form;
use crate::session::Visit;
use crate::words::number;

#[derive(Template)]
#[template(path = "dialogs/stop.html")]
struct StopDialog<'a> {
    client: &'a ApiClient,
    way: Way,
    now: Timestamp,
    problem: Option<&'static str>,
    impact: Impact,
    pending: Pending,
}

/// What is said where another name than the client's was typed.
pub(super) const NOT_THE_NAME: &str = "This is not the name of the client.";

/// How a client is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Disable,
    Revoke,
    Delete,
}

impl Way {
    const fn verb(self) -> &'static str {
        match self {
            Self::Disable => "Disable",
            Self::Revoke => "Revoke",
            Self::Delete => "Delete",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Revoke => "revoke",
            Self::Delete => "delete",
        }
    }

    /// What cannot be undone asks for the name.
    const fn asks_name(self) -> bool {
        !matches!(self, Self::Disable)
    }
}

/// `GET /clients/{id}/disable`
pub(super) async fn show_disable(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    confirm(&gatepost, &visit, &id, Way::Disable).await
}

/// `GET /clients/{id}/revoke`
pub(super) async fn show_revoke(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    confirm(&gatepost, &visit, &id, Way::Revoke).await
}

/// `GET /clients/{id}/delete`: after revoking only.
pub(super) async fn show_delete(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    confirm(&gatepost, &visit, &id, Way::Delete).await
}

async fn confirm(gatepost: &Arc<Gatepost>, visit: &Visit, id: &str, way: Way) -> Answer {
    let client = stoppable(gatepost.managed_client(visit.user(), id).await?, way)?;
    let over = Over::dialog(&dialog(gatepost, visit, &client, way, None).await?)?;
    page_of(gatepost, visit, client, &over).await
}

/// `POST /clients/{id}/disable`
pub(super) async fn disable(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let client = gatepost.disable_client(&visit.actor(), &id).await?;
    changed(&gatepost, Flash::Disabled, &address(&client))
}

/// `POST /clients/{id}/enable`
pub(super) async fn enable(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let client = gatepost.enable_client(&visit.actor(), &id).await?;
    changed(&gatepost, Flash::Enabled, &address(&client))
}

/// `POST /clients/{id}/revoke`: with the client's name typed.
pub(super) async fn revoke(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let client = stoppable(gatepost.managed_client(visit.user(), &id).await?, Way::Revoke)?;
    if !is_typed(&client, &form) {
        return again(&gatepost, &visit, client, Way::Revoke).await;
    }
    gatepost.revoke_client(&visit.actor(), &client.id).await?;
    changed(&gatepost, Flash::Revoked, &address(&client))
}

/// `POST /clients/{id}/delete`: with the client's name typed, after revoking only.
pub(super) async fn delete(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let client = stoppable(gatepost.managed_client(visit.user(), &id).await?, Way::Delete)?;
    if !is_typed(&client, &form) {
        return again(&gatepost, &visit, client, Way::Delete).await;
    }
    gatepost.delete_client(&visit.actor(), &client.id).await?;
    changed(&gatepost, Flash::Deleted, BASE)
}

async fn again(gatepost: &Arc<Gatepost>, visit: &Visit, client: ApiClient, way: Way) -> Answer {
    let over = Over::dialog_again(&dialog(gatepost, visit, &client, way, Some(NOT_THE_NAME)).await?)?;
    page_of(gatepost, visit, client, &over).await
}

async fn dialog<'a>(
    gatepost: &Gatepost,
    visit: &Visit,
    client: &'a ApiClient,
    way: Way,
    problem: Option<&'static str>,
) -> Result<StopDialog<'a>, Failure> {
    let impact = gatepost.impact(client.number).await?;
    let pending = gatepost.pending_of(client.number, None).await?;
    Ok(StopDialog { client, way, now: visit.now, problem, impact, pending })
}

/// What becomes of pending deliveries, as far as they were counted.
pub(crate) fn skipped(pending: &Pending) -> String {
    match pending {
        Pending { found: 0, may_be_more: false } => String::from("none is pending"),
        Pending { found: 1, may_be_more: false } => String::from("1 pending one will be skipped"),
        Pending { found: 0, may_be_more: true } => String::from("pending ones will be skipped"),
        Pending { found, may_be_more } => {
            let least = if *may_be_more { "at least " } else { "" };
            format!("{least}{} pending ones will be skipped", number(found))
        }
    }
}

fn stoppable(client: ApiClient, way: Way) -> Result<ApiClient, Failure> {
    match (way, client.status) {
        (Way::Delete, ClientStatus::Revoked) => Ok(client),
        (Way::Delete, _) => Err(Failure::Conflict(String::from("Revoke the client before you delete it."))),
        (Way::Disable | Way::Revoke, _) => changeable(client),
    }
}

fn is_typed(client: &ApiClient, form: &Form) -> bool {
    form.text("confirm").trim() == client.name
}
