//! The page of one webhook URL: its address, its pause, its signing keys.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use gatepost_core::test_send::TestAnswer;
use gatepost_core::webhook_urls::{Broken, Resume, USUAL_KEY_OVERLAP, UrlAt};
use gatepost_core::{Error, Gatepost};
use gatepost_model::{ApiClient, ClientStatus, FailureClock, Timestamp, UrlState, WebhookUrl};
use http::StatusCode;

use super::client::{ShownValue, address, changeable, url_chip};
use super::password::{self, Check};
use super::{Answer, changed, framed};
use crate::failure::{Failure, sentence};
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::parts::Chip;
use crate::session::Visit;
use crate::words;

#[derive(Template)]
#[template(path = "url.html")]
struct UrlPage<'a> {
    frame: &'a Frame,
    client: &'a ApiClient,
    url: &'a WebhookUrl,
    pending: u32,
    broken: Option<Broken>,
    asks_password: bool,
    over: &'a Over,
}

/// What stands on the page besides the URL.
#[derive(Debug, Default)]
struct Over {
    /// What was typed as the address, and why it cannot be one.
    address: Option<(String, String)>,
    /// What was wrong with the password.
    password: Option<String>,
    /// What came of a test.
    answer: Option<TestAnswer>,
    /// A key that was made just now.
    shown: Option<ShownValue>,
}

impl Over {
    const fn status(&self) -> StatusCode {
        match (&self.address, &self.password) {
            (None, None) => StatusCode::OK,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

/// How long an old key may sign beside the new one, in hours, and how that is said.
const OVERLAPS: [(u64, &str); 4] = [(0, "End it now"), (1, "1 hour"), (24, "24 hours"), (168, "7 days")];

/// What may become of the deliveries that were held back.
const RESUMES: [(Resume, &str); 3] = [
    (Resume::All, "Send all of them"),
    (Resume::NewestPerRecord, "Send the newest of each record"),
    (Resume::Nothing, "Send none of them"),
];

impl UrlPage<'_> {
    fn chip(&self) -> Chip {
        url_chip(self.url)
    }

    fn here(&self) -> String {
        page_address(self.client, &self.url.id)
    }

    fn pending_words(&self) -> String {
        match self.pending {
            1 => String::from("1 delivery is pending"),
            more => format!("{} deliveries are pending", words::number(more)),
        }
    }

    fn is_changeable(&self) -> bool {
        self.client.status != ClientStatus::Revoked
    }

    fn is_active(&self) -> bool {
        self.url.state == UrlState::Active
    }

    fn is_paused(&self) -> bool {
        self.url.state == UrlState::Paused
    }

    /// The clock, while it decides something.
    fn failing(&self) -> Option<FailureClock> {
        self.url.failing.filter(|_| self.is_active())
    }

    /// Since when the receiver does not answer, and when it gets a probe. What this node knows counts for nothing once an
    /// attempt has succeeded, on whatever node.
    fn broken(&self) -> Option<Broken> {
        self.broken.filter(|_| self.failing().is_some())
    }

    fn typed(&self) -> &str {
        self.over.address.as_ref().map_or(&self.url.url, |(typed, _)| typed)
    }

    fn problem(&self) -> Option<&str> {
        self.over.address.as_ref().map(|(_, problem)| problem.as_str())
    }

    fn overlaps(&self) -> impl Iterator<Item = (u64, &'static str, bool)> {
        let usual = USUAL_KEY_OVERLAP.as_secs() / 3600;
        OVERLAPS.into_iter().map(move |(hours, said)| (hours, said, hours == usual))
    }

    fn resumes(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        RESUMES.into_iter().map(|(choice, said)| (choice.as_str(), said, choice == Resume::All))
    }

    /// When the keys beside the newest one end.
    fn ends(&self) -> impl Iterator<Item = Timestamp> {
        let now = self.frame.now;
        let old = self.url.signing_keys.iter().filter_map(|key| key.expires_at);
        old.filter(move |end| now < *end)
    }
}

/// `GET /clients/{id}/urls/{url}`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
) -> Answer {
    let client = gatepost.managed_client(visit.user(), &id).await?;
    page_of(&gatepost, &visit, &client, &url, &Over::default()).await
}

async fn page_of(
    gatepost: &Arc<Gatepost>,
    visit: &Visit,
    client: &ApiClient,
    url_id: &str,
    over: &Over,
) -> Answer {
    let url = client.webhook_url(url_id).ok_or(Failure::NotFound)?;
    let frame = Frame::new(visit, Section::Clients);
    let page = UrlPage {
        frame: &frame,
        client,
        url,
        pending: gatepost.count_pending(client, url_id).await?,
        broken: gatepost.broken_circuit(url_id),
        asks_password: !visit.visitor.is_fresh,
        over,
    };
    Ok((over.status(), framed(gatepost, &frame, &page)?).into_response())
}

/// `POST /clients/{id}/urls/{url}/address`
pub(super) async fn save_address(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let typed = form.text("url").trim();
    match gatepost.move_webhook_url(&visit.actor(), at(&client, &url, &form), typed).await {
        Ok(client) => changed(&gatepost, Flash::saved(&gatepost, visit.now), &page_address(&client, &url)),
        Err(Error::Invalid { problem, .. }) => {
            let over = Over { address: Some((typed.to_owned(), sentence(&problem))), ..Over::default() };
            page_of(&gatepost, &visit, &client, &url, &over).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /clients/{id}/urls/{url}/test`: answers with what the receiver answered.
pub(super) async fn test(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let at = UrlAt { client: &client.id, url: &url, revision: None };
    let answer = gatepost.test_webhook_url(&visit.actor(), at).await?;
    let over = Over { answer: Some(answer), ..Over::default() };
    page_of(&gatepost, &visit, &client, &url, &over).await
}

/// `POST /clients/{id}/urls/{url}/pause`
pub(super) async fn pause(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    gatepost.pause_webhook_url(&visit.actor(), at(&client, &url, &form)).await?;
    changed(&gatepost, Flash::UrlPaused, &page_address(&client, &url))
}

/// `POST /clients/{id}/urls/{url}/resume`
pub(super) async fn resume(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let choice = Resume::from_name(form.text("held")).ok_or(Failure::Malformed)?;
    gatepost.resume_webhook_url(&visit.actor(), at(&client, &url, &form), choice).await?;
    changed(&gatepost, Flash::UrlResumed, &page_address(&client, &url))
}

/// `POST /clients/{id}/urls/{url}/enable`
pub(super) async fn enable(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let choice = Resume::from_name(form.text("held")).ok_or(Failure::Malformed)?;
    gatepost.enable_webhook_url(&visit.actor(), at(&client, &url, &form), choice).await?;
    changed(&gatepost, Flash::UrlEnabled, &page_address(&client, &url))
}

/// `POST /clients/{id}/urls/{url}/key/rotate`: answers with the new key.
pub(super) async fn rotate_key(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    if let Check::Asks(problem) = password::check(&gatepost, &visit, &form).await? {
        let problem = problem.unwrap_or_else(|| String::from("Enter your password."));
        let over = Over { password: Some(problem), ..Over::default() };
        return page_of(&gatepost, &visit, &client, &url, &over).await;
    }
    let hours: u64 = form.text("overlap").parse().map_err(|_| Failure::Malformed)?;
    let overlap = Duration::from_secs(hours.saturating_mul(3600));
    let (client, value) =
        gatepost.rotate_signing_key(&visit.actor(), at(&client, &url, &form), overlap).await?;
    let shown = ShownValue {
        label: String::from("New signing key"),
        value,
        hint: "Put it into the receiver before the old one ends. Until then each webhook carries both signatures.",
        copied: "signing key",
    };
    let over = Over { shown: Some(shown), ..Over::default() };
    page_of(&gatepost, &visit, &client, &url, &over).await
}

/// `POST /clients/{id}/urls/{url}/key/end`
pub(super) async fn end_keys(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    gatepost.end_old_signing_keys(&visit.actor(), at(&client, &url, &form)).await?;
    changed(&gatepost, Flash::OldKeysEnded, &page_address(&client, &url))
}

fn at<'a>(client: &'a ApiClient, url: &'a str, form: &Form) -> UrlAt<'a> {
    UrlAt { client: &client.id, url, revision: form.revision() }
}

fn page_address(client: &ApiClient, url: &str) -> String {
    format!("{}/urls/{url}", address(client))
}
