//! What to do with a new client, and waiting for its first call.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::Gatepost;
use gatepost_core::clients::WithSecrets;
use gatepost_model::client::LastUsed;
use gatepost_model::{ApiClient, SecretPolicy, Timestamp};

use super::{Answer, framed, page};
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
    now: Timestamp,
}

/// How far the tool has come.
enum Stage<'a> {
    /// Nothing was heard of it.
    Nothing { asks: bool },
    /// It got a token.
    Token { asks: bool },
    /// A call of it passed the gate.
    Call { last: &'a LastUsed, workspace: &'a str },
}

impl<'a> Waiting<'a> {
    fn new(client: &'a ApiClient, now: Timestamp) -> Self {
        let asks = now < client.created_at.plus(ASKED_FOR);
        let stage = match &client.last_used {
            None => Stage::Nothing { asks },
            Some(last) => match &last.workspace {
                None => Stage::Token { asks },
                Some(workspace) => Stage::Call { last, workspace },
            },
        };
        Self { client, stage, now }
    }

    fn asks(&self) -> bool {
        matches!(self.stage, Stage::Nothing { asks: true } | Stage::Token { asks: true })
    }
}

/// The answer to making a client: the one page that shows its secret without asking for the password.
pub(super) fn made(gatepost: &Gatepost, visit: &Visit, made: &WithSecrets) -> Answer {
    let frame = Frame::new(visit, Section::Clients);
    let secret = made.secret.as_ref().map(|secret| secret.expose());
    let client = &made.client;
    let code = code(gatepost, client, secret);
    let waiting = Waiting::new(client, visit.now);
    framed(gatepost, &frame, &FirstCallPage { frame: &frame, client, secret, code, waiting })
}

/// `GET /clients/{id}/first-call`: the part that waits, for the script; the whole page otherwise.
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let client = gatepost.managed_client(visit.user(), &id).await?;
    let waiting = Waiting::new(&client, visit.now);
    if visit.wants_part {
        return page(&waiting);
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
