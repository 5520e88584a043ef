//! The page of one client. Each card saves itself; confirmations open over it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use gatepost_core::Gatepost;
use gatepost_core::attempts::Ends;
use gatepost_core::calls::{self, Tally};
use gatepost_model::{
    ApiClient, ClientStatus, FailureClock, Secret, SecretPolicy, SecretState, Timestamp, UrlState,
    WebhookUrl, Workspace, WorkspaceNumber,
};
use http::StatusCode;

use super::activity::{self, Activity, Span};
use super::methods::Area;
use super::standing::{Remedy, chip_of, reason_of, remedy_of, who};
use super::{Answer, first_call, framed, methods, url_share};
use crate::BASE;
use crate::failure::Failure;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::parts::{Chip, FirstCall, Tone, plain_chip};
use crate::session::Visit;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Template)]
#[template(path = "client.html")]
struct ClientPage<'a> {
    frame: &'a Frame,
    client: &'a ApiClient,
    chip: Chip,
    reason: Option<String>,
    remedy: Option<Remedy>,
    names: &'a HashMap<String, String>,
    administered: Vec<&'a Workspace>,
    areas: Vec<Area>,
    code: FirstCall<'a>,
    token_endpoint: String,
    default_limit: u32,
    activity: Activity<'a>,
    /// Calls of the time that pages look back, by workspace.
    calls: BTreeMap<Option<WorkspaceNumber>, Tally>,
    /// Calls of the last 24 hours that passed, by the number of the secret.
    calls_by_secret: BTreeMap<u16, u64>,
    /// How attempts of the time that pages look back ended, by webhook URL.
    attempts: BTreeMap<String, Ends>,
    over: &'a Over,
}

/// What stands on a client's page besides the client.
#[derive(Debug, Default)]
pub(super) struct Over {
    /// A confirmation, as HTML of its own template.
    pub(super) dialog: Option<String>,
    /// A secret or key that was asked for.
    pub(super) shown: Option<ShownValue>,
    /// What could not be done.
    pub(super) problem: Option<String>,
    /// How far back the charts look.
    pub(super) span: Span,
    /// With which status the page answers.
    pub(super) status: StatusCode,
}

/// A value that goes out of sight again.
#[derive(Debug)]
pub(super) struct ShownValue {
    pub(super) label: String,
    pub(super) value: gatepost_keys::Plain,
    pub(super) hint: &'static str,
    pub(super) copied: &'static str,
}

impl Over {
    pub(super) fn dialog(template: &impl Template) -> Result<Self, Failure> {
        Ok(Self { dialog: Some(template.render()?), ..Self::default() })
    }

    /// A confirmation once more, because what was typed into it was wrong.
    pub(super) fn dialog_again(template: &impl Template) -> Result<Self, Failure> {
        Ok(Self { status: StatusCode::UNPROCESSABLE_ENTITY, ..Self::dialog(template)? })
    }

    pub(super) fn shown(shown: ShownValue) -> Self {
        Self { shown: Some(shown), ..Self::default() }
    }

    pub(super) fn problem(problem: String) -> Self {
        Self { problem: Some(problem), status: StatusCode::UNPROCESSABLE_ENTITY, ..Self::default() }
    }
}

/// `GET /clients/{id}`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let client = gatepost.managed_client(visit.user(), &id).await?;
    let span = Span::from_name(Form::query(query.as_deref()).text("span"));
    page_of(&gatepost, &visit, client, &Over { span, ..Over::default() }).await
}

/// The page of a client, with something over it.
pub(super) async fn page_of(
    gatepost: &Arc<Gatepost>,
    visit: &Visit,
    client: ApiClient,
    over: &Over,
) -> Result<Response, Failure> {
    let frame = Frame::new(visit, Section::Clients);
    let names = gatepost.user_names().await?;
    let (standing, stopped) = gatepost.client_standing(&client).await?;
    let client = &client;
    let calls = gatepost.calls_of(client.number, visit.now.minus(calls::SHOWN)).await?;
    let page = ClientPage {
        frame: &frame,
        client,
        chip: chip_of(standing),
        reason: reason_of(standing, client.created_at, stopped.as_ref(), &names, visit),
        remedy: remedy_of(standing, &client.id),
        names: &names,
        administered: visit.user().administered().collect(),
        areas: methods::areas(gatepost, client),
        code: first_call::code(gatepost, client, None),
        token_endpoint: format!("{}/oauth/token", gatepost.settings().public_url),
        default_limit: gatepost.settings().requests_per_hour,
        activity: activity::drawn(gatepost, client, &calls, over.span, visit.now).await?,
        calls: calls::by_workspace(&calls),
        calls_by_secret: gatepost
            .calls_by_secret(client.number, visit.now.minus(DAY))
            .await?
            .into_iter()
            .collect(),
        attempts: gatepost.attempts_by_url(client.number).await?,
        over,
    };
    Ok((over.status, framed(gatepost, &frame, &page)?).into_response())
}

/// The address of a client's page.
pub(super) fn address(client: &ApiClient) -> String {
    format!("{BASE}/clients/{}", client.id)
}

/// Changes are for clients that are not revoked: whoever revoked one meanwhile has the last word.
pub(super) fn changeable(client: ApiClient) -> Result<ApiClient, Failure> {
    if client.status == ClientStatus::Revoked {
        return Err(Failure::Conflict(String::from("Revoked meanwhile. Your changes were not saved.")));
    }
    Ok(client)
}

impl ClientPage<'_> {
    fn is_revoked(&self) -> bool {
        self.client.status == ClientStatus::Revoked
    }

    fn is_disabled(&self) -> bool {
        self.client.status == ClientStatus::Disabled
    }

    fn who(&self, actor: &str) -> String {
        who(actor, self.names)
    }

    /// Newest first.
    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.client.secrets.iter().rev()
    }

    fn state(&self, secret: &Secret) -> Chip {
        match secret.state(self.frame.now) {
            SecretState::Active => plain_chip(Tone::Ok, "Current"),
            SecretState::Expiring => plain_chip(Tone::Warn, "Ends soon"),
            SecretState::Expired => plain_chip(Tone::Off, "Ended"),
            SecretState::Killed => plain_chip(Tone::Revoked, "Cut off"),
        }
    }

    fn is_live(&self, secret: &Secret) -> bool {
        secret.is_live(self.frame.now)
    }

    fn end(&self, secret: &Secret) -> Option<Timestamp> {
        secret.killed_at.or(secret.expires_at)
    }

    fn is_last(&self, secret: &Secret) -> bool {
        self.client.live_secrets(self.frame.now).all(|live| live.number == secret.number)
    }

    fn is_ticked(&self, workspace: &Workspace) -> bool {
        self.client.workspaces.iter().any(|enabled| enabled.number == workspace.number)
    }

    fn calls_in(&self, workspace: &Workspace) -> Tally {
        self.calls.get(&Some(workspace.number)).copied().unwrap_or_default()
    }

    /// Calls of the last 24 hours that passed by a secret.
    fn calls_by(&self, secret: &Secret) -> u64 {
        self.calls_by_secret.get(&secret.number).copied().unwrap_or_default()
    }

    fn url_chip(&self, url: &WebhookUrl) -> Chip {
        url_chip(url)
    }

    /// How a URL has done of late.
    fn share(&self, url: &WebhookUrl) -> Vec<String> {
        self.attempts.get(&url.id).map(url_share::words).unwrap_or_default()
    }

    /// The clock of a URL, while it decides something.
    fn failing(&self, url: &WebhookUrl) -> Option<FailureClock> {
        url.failing.filter(|_| url.state == UrlState::Active)
    }

    fn ticked(&self) -> usize {
        self.client.methods.len()
    }

    fn tickable(&self) -> usize {
        self.areas.iter().map(Area::len).sum()
    }
}

/// How a webhook URL stands.
pub(super) const fn url_chip(url: &WebhookUrl) -> Chip {
    match url.state {
        UrlState::Active if url.failing.is_some() => plain_chip(Tone::Warn, "Failing"),
        UrlState::Active => plain_chip(Tone::Ok, "Active"),
        UrlState::Paused => plain_chip(Tone::Warn, "Paused"),
        UrlState::Disabled => plain_chip(Tone::Bad, "Disabled"),
    }
}
