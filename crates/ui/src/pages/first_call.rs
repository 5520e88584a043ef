//! What to do with a new client, and waiting for its first call.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::IntoResponse;
use gatepost_core::clients::WithSecrets;
use gatepost_core::requests::Explained;
use gatepost_core::{Gatepost, calls};
use gatepost_model::client::LastUsed;
use gatepost_model::{ApiClient, SecretPolicy, Timestamp};
use http::StatusCode;

use super::advice::{Advice, failure_of};
use super::{Answer, framed, page};
use crate::BASE;
use crate::failure::Failure;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::parts::FirstCall;
use crate::session::Visit;

/// The page asks by itself for so long after the client was made; after that, somebody has to.
const ASKED_FOR: Duration = Duration::from_secs(600);

#[derive(Template)]
#[template(path = "first_call.html")]
struct FirstCallPage<'a> {
    frame: &'a Frame,
    client: &'a ApiClient,
    secret: Option<&'a str>,
    code: FirstCall<'a>,
    waiting: Waiting<'a>,
}

#[derive(Template)]
#[template(path = "parts/waiting.html")]
struct Waiting<'a> {
    client: &'a ApiClient,
    stage: Stage<'a>,
    asks: bool,
    now: Timestamp,
}

/// How far the tool has come.
enum Stage<'a> {
    /// Nothing was heard of it.
    Nothing,
    /// It got a token.
    Token,
    /// A call of it was refused, and none has passed yet.
    Refused { explained: &'a Explained, stop: String, failure: String, advice: Box<Advice<'a>> },
    /// A call of it passed the gate.
    Passed { last: Option<(&'a LastUsed, &'a str)> },
}

/// What is known of a client's calls.
struct Calls {
    have_passed: bool,
    refused: Option<Explained>,
}

impl Calls {
    async fn of(gatepost: &Gatepost, visit: &Visit, client: &ApiClient) -> Result<Self, Failure> {
        let counted = gatepost.calls_of(client.number, client.created_at).await?;
        let have_passed = counted.iter().any(|counted| counted.verdict == calls::PASSED);
        let refused = match have_passed {
            true => None,
            false => gatepost.explain_latest_refusal(visit.user(), client.number).await?,
        };
        Ok(Self { have_passed, refused })
    }
}

impl<'a> Waiting<'a> {
    fn new(client: &'a ApiClient, calls: &'a Calls, visit: &'a Visit) -> Self {
        let last = client.last_used.as_ref();
        let passed = last.and_then(|last| Some((last, last.workspace.as_deref()?)));
        let stage = match (&calls.refused, last) {
            _ if passed.is_some() || calls.have_passed => Stage::Passed { last: passed },
            (Some(explained), _) => Stage::Refused {
                explained,
                stop: super::explain::stop_of(explained),
                failure: failure_of(explained, visit.user()),
                advice: Box::new(Advice::of(explained, visit.user()).back_to(address(client))),
            },
            (None, Some(_)) => Stage::Token,
            (None, None) => Stage::Nothing,
        };
        let is_over = matches!(stage, Stage::Passed { .. });
        let asks = !is_over && visit.now < client.created_at.plus(ASKED_FOR);
        Self { client, stage, asks, now: visit.now }
    }

    /// What the reader sees, as the script tells it when it asks again: only something else is sent once more, so that
    /// nothing moves under a hand or is read out twice.
    fn seen(&self) -> String {
        let stage = match &self.stage {
            Stage::Nothing => "nothing",
            Stage::Token => "token",
            Stage::Refused { explained, .. } => &explained.refusal.id,
            Stage::Passed { .. } => "passed",
        };
        format!("{stage}-{}-{}", self.client.revision, self.asks)
    }

    fn is_passed(&self) -> bool {
        matches!(self.stage, Stage::Passed { .. })
    }

    fn tone(&self) -> Option<&'static str> {
        match self.stage {
            Stage::Nothing | Stage::Token => None,
            Stage::Refused { .. } => Some("bad"),
            Stage::Passed { .. } => Some("ok"),
        }
    }
}

fn address(client: &ApiClient) -> String {
    format!("{BASE}/clients/{}/first-call", client.id)
}

/// The answer to making a client: the one page that shows its secret without asking for the password.
pub(super) fn made(gatepost: &Gatepost, visit: &Visit, made: &WithSecrets) -> Answer {
    let frame = Frame::new(visit, Section::Clients);
    let secret = made.secret.as_ref().map(|secret| secret.expose());
    let client = &made.client;
    let code = code(gatepost, client, secret);
    let calls = Calls { have_passed: false, refused: None };
    let waiting = Waiting::new(client, &calls, visit);
    framed(gatepost, &frame, &FirstCallPage { frame: &frame, client, secret, code, waiting })
}

/// `GET /clients/{id}/first-call`: the part that waits, for the script; the whole page otherwise.
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let client = gatepost.managed_client(visit.user(), &id).await?;
    let calls = Calls::of(&gatepost, &visit, &client).await?;
    let waiting = Waiting::new(&client, &calls, &visit);
    if visit.wants_part {
        let has_seen = Form::query(query.as_deref()).text("seen") == waiting.seen();
        return if has_seen { Ok(StatusCode::NO_CONTENT.into_response()) } else { page(&waiting) };
    }
    let frame = Frame::new(&visit, Section::Clients);
    let code = code(&gatepost, &client, None);
    framed(&gatepost, &frame, &FirstCallPage { frame: &frame, client: &client, secret: None, code, waiting })
}

/// Token and first call of this client.
pub(super) fn code<'a>(
    gatepost: &'a Gatepost,
    client: &'a ApiClient,
    secret: Option<&'a str>,
) -> FirstCall<'a> {
    let first = client.workspaces.first();
    FirstCall {
        public_url: &gatepost.settings().public_url,
        client_id: &client.client_id,
        secret,
        workspace: first.map_or("a-workspace", |workspace| workspace.subdomain.as_str()),
        version: client.api_version.as_str(),
        lifetime: super::lifetime_words(client.token_lifetime),
    }
}
