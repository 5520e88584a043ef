//! A client's secrets: showing one, making a new one, ending one.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::Gatepost;
use gatepost_core::impact::Impact;
use gatepost_model::{ApiClient, Secret, Timestamp};

use super::client::{Over, ShownValue, address, changeable, page_of};
use super::password::{self, Check};
use super::{Answer, changed};
use crate::BASE;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::Form;
use crate::session::Visit;

#[derive(Template)]
#[template(path = "dialogs/rotate.html")]
struct RotateDialog<'a> {
    client: &'a ApiClient,
    now: Timestamp,
    asks_password: bool,
    problem: Option<String>,
    overlap: u64,
    impact: &'a Impact,
}

#[derive(Template)]
#[template(path = "dialogs/secret_end.html")]
struct EndDialog<'a> {
    client: &'a ApiClient,
    secret: &'a Secret,
    now: Timestamp,
    /// Calls that passed by it in the time that pages look back, and in the last 24 hours.
    calls: (u64, u64),
}

impl EndDialog<'_> {
    /// Whether a token that was asked for with the secret may still be good.
    fn may_live(&self) -> bool {
        self.secret.last_used.is_some_and(|(at, _)| at.plus(self.client.token_lifetime) > self.now)
    }
}

/// How long the old secret may live, in seconds, and how that is said. Ninety days is the longest there is.
const OVERLAPS: [(u64, &str); 5] =
    [(0, "End it now"), (3_600, "1 hour"), (86_400, "24 hours"), (604_800, "7 days"), (7_776_000, "90 days")];

const USUAL_OVERLAP: u64 = 86_400;

impl RotateDialog<'_> {
    fn overlaps(&self) -> [(u64, &'static str, Timestamp); 5] {
        OVERLAPS.map(|(seconds, said)| (seconds, said, self.now.plus(Duration::from_secs(seconds))))
    }

    fn newest(&self) -> Option<&Secret> {
        self.client.live_secrets(self.now).next_back()
    }

    /// Calls of the last 24 hours that passed by a secret.
    fn calls_by(&self, secret: &Secret) -> u64 {
        self.impact.calls_by(secret.number).1
    }

    /// Calls of the last 24 hours that passed by the secrets that live now.
    fn calls(&self) -> u64 {
        self.client.live_secrets(self.now).map(|secret| self.calls_by(secret)).sum()
    }
}

/// `POST /clients/{id}/secrets/{number}/show`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, number)): Path<(String, u16)>,
    form: Form,
) -> Answer {
    let client = gatepost.managed_client(visit.user(), &id).await?;
    let hint = client.secret(number).ok_or(Failure::NotFound)?.hint.clone();
    let action = format!("{BASE}/clients/{}/secrets/{number}/show", client.id);
    if let Check::Asks(problem) = password::check(&gatepost, &visit, &form).await? {
        let over = password::ask(&client, &format!("Show gps_…{hint}"), &action, problem)?;
        return page_of(&gatepost, &visit, client, &over).await;
    }
    let value = gatepost.reveal_secret(&visit.actor(), &client.id, number).await?;
    let shown = ShownValue {
        label: format!("Client secret gps_…{hint}"),
        value,
        hint: "It is as sensitive as a password.",
        copied: "client secret",
    };
    page_of(&gatepost, &visit, client, &Over::shown(shown)).await
}

/// `GET /clients/{id}/rotate`
pub(super) async fn show_rotate(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let impact = gatepost.impact(client.number).await?;
    let over = Over::dialog(&rotate_dialog(&client, &visit, None, USUAL_OVERLAP, &impact))?;
    page_of(&gatepost, &visit, client, &over).await
}

/// `POST /clients/{id}/rotate`: answers with the new secret.
pub(super) async fn rotate(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let overlap = form.text("overlap").parse().unwrap_or(USUAL_OVERLAP);
    if let Check::Asks(problem) = password::check(&gatepost, &visit, &form).await? {
        let problem = problem.unwrap_or_else(|| String::from("Enter your password."));
        let impact = gatepost.impact(client.number).await?;
        let over = Over::dialog_again(&rotate_dialog(&client, &visit, Some(problem), overlap, &impact))?;
        return page_of(&gatepost, &visit, client, &over).await;
    }
    let made = gatepost.rotate_secret(&visit.actor(), &client.id, Duration::from_secs(overlap)).await?;
    let over = match made.secret {
        Some(value) => Over::shown(ShownValue {
            label: String::from("New client secret"),
            value,
            hint: "Put it into the tool before the old one ends.",
            copied: "client secret",
        }),
        None => Over::default(),
    };
    page_of(&gatepost, &visit, made.client, &over).await
}

/// `GET /clients/{id}/secrets/{number}/end`
pub(super) async fn show_end(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, number)): Path<(String, u16)>,
) -> Answer {
    let client = gatepost.managed_client(visit.user(), &id).await?;
    let secret = client.secret(number).ok_or(Failure::NotFound)?;
    let calls = gatepost.impact(client.number).await?.calls_by(number);
    let over = Over::dialog(&EndDialog { client: &client, secret, now: visit.now, calls })?;
    page_of(&gatepost, &visit, client, &over).await
}

/// `POST /clients/{id}/secrets/{number}/end`
pub(super) async fn end(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, number)): Path<(String, u16)>,
) -> Answer {
    let client = gatepost.kill_secret(&visit.actor(), &id, number).await?;
    changed(&gatepost, Flash::SecretEnded, &address(&client))
}

fn rotate_dialog<'a>(
    client: &'a ApiClient,
    visit: &Visit,
    problem: Option<String>,
    overlap: u64,
    impact: &'a Impact,
) -> RotateDialog<'a> {
    RotateDialog { client, now: visit.now, asks_password: !visit.visitor.is_fresh, problem, overlap, impact }
}
