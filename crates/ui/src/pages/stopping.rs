//! Disabling, enabling, revoking and deleting a client.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::Gatepost;
use gatepost_core::calls;
use gatepost_model::{ApiClient, ClientStatus, Timestamp};

use super::client::{Over, address, changeable, page_of};
use super::{Answer, changed};
use crate::BASE;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::Form;
use crate::session::Visit;

#[derive(Template)]
#[template(path = "dialogs/stop.html")]
struct StopDialog<'a> {
    client: &'a ApiClient,
    way: Way,
    now: Timestamp,
    problem: Option<&'static str>,
    /// Calls that passed in the time that pages look back, and the addresses they came from.
    calls: (u64, usize),
}

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
    let calls = recent_calls(gatepost, visit, &client).await?;
    let over = Over::dialog(&StopDialog { client: &client, way, now: visit.now, problem: None, calls })?;
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
    let problem = Some("This is not the name of the client.");
    let calls = recent_calls(gatepost, visit, &client).await?;
    let over = Over::dialog_again(&StopDialog { client: &client, way, now: visit.now, problem, calls })?;
    page_of(gatepost, visit, client, &over).await
}

async fn recent_calls(
    gatepost: &Gatepost,
    visit: &Visit,
    client: &ApiClient,
) -> Result<(u64, usize), Failure> {
    let since = visit.now.minus(calls::SHOWN);
    let counted = gatepost.calls_of(client.number, since).await?;
    let passed = calls::by_workspace(&counted).values().map(|tally| tally.passed).sum();
    Ok((passed, gatepost.calls_by_address(client.number, since).await?.len()))
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
