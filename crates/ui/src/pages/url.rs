//! The page of one webhook URL: its address, its pause, a test of it. Its keys are in [`super::url_keys`], its headers in
//! [`super::url_headers`].

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use gatepost_core::signing_keys::{self, USUAL_KEY_OVERLAP};
use gatepost_core::test_send::TestAnswer;
use gatepost_core::webhook_urls::{Broken, Resume, UrlAt};
use gatepost_core::{Error, Gatepost};
use gatepost_model::{ApiClient, ClientStatus, FailureClock, SigningScheme, Timestamp, UrlState, WebhookUrl};
use http::StatusCode;

use super::client::{ShownValue, address, changeable, url_chip};
use super::{Answer, changed, framed, url_share};
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
    /// How it has done of late.
    share: Vec<String>,
    last_delivered: Option<Timestamp>,
    broken: Option<Broken>,
    asks_password: bool,
    over: &'a Over,
}

/// What stands on the page besides the URL.
#[derive(Debug, Default)]
pub(super) struct Over {
    /// What was typed as the address, and why it cannot be one.
    pub(super) address: Option<(String, String)>,
    /// What was typed as a header's name, and why it cannot be sent.
    pub(super) header: Option<(String, String)>,
    /// What was wrong with the password.
    pub(super) password: Option<String>,
    /// What came of a test.
    pub(super) answer: Option<TestAnswer>,
    /// A key that was made just now.
    pub(super) shown: Option<ShownValue>,
}

impl Over {
    const fn status(&self) -> StatusCode {
        match (&self.address, &self.header, &self.password) {
            (None, None, None) => StatusCode::OK,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

/// How long an old key may sign beside the new one, in hours, and how that is said.
const OVERLAPS: [(u64, &str); 4] = [(0, "End it now"), (1, "1 hour"), (24, "24 hours"), (168, "7 days")];

/// Kinds of keys, and how each is said.
const SCHEMES: [(SigningScheme, &str); 2] = [
    (SigningScheme::Hmac, "HMAC-SHA-256: a shared key, which every library knows"),
    (SigningScheme::Ed25519, "Ed25519: a public key, with which nobody can sign"),
];

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

    /// The kinds that a new key may be of, and which one the newest is.
    fn schemes(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        let newest = signing_keys::scheme_of(self.url);
        SCHEMES.into_iter().map(move |(scheme, said)| (scheme.as_str(), said, scheme == newest))
    }

    /// What is public of the newest key.
    fn public_key(&self) -> Option<&str> {
        self.url.signing_keys.first()?.public_key.as_deref()
    }

    /// What was typed as a header's name.
    fn typed_header(&self) -> &str {
        self.over.header.as_ref().map_or("", |(typed, _)| typed)
    }

    fn header_problem(&self) -> Option<&str> {
        self.over.header.as_ref().map(|(_, problem)| problem.as_str())
    }

    /// What the parts of a test took.
    fn phases(&self, answer: &TestAnswer) -> impl Iterator<Item = (&'static str, Duration)> {
        let said = |name| match name {
            "dns" => "DNS",
            "connect" => "Connection",
            "tls" => "TLS",
            _ => "First byte",
        };
        answer.phases.named().map(move |(name, took)| (said(name), took))
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

pub(super) async fn page_of(
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
        share: url_share::words(&gatepost.impact(client.number).await?.attempts_to(url_id)),
        last_delivered: url_share::last_delivered(gatepost, visit, client, url_id).await?,
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
    let address = Some(typed.to_owned());
    match gatepost.change_webhook_url(&visit.actor(), at(&client, &url, &form), address, Vec::new()).await {
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

pub(super) fn at<'a>(client: &'a ApiClient, url: &'a str, form: &Form) -> UrlAt<'a> {
    UrlAt { client: &client.id, url, revision: form.revision() }
}

pub(super) fn page_address(client: &ApiClient, url: &str) -> String {
    format!("{}/urls/{url}", address(client))
}
