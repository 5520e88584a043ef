//! API tokens: those that the reader made for programs and those of others that they may cut off, making one, and
//! cutting one off.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::admin_tokens::{AdminToken, NewAdminToken, Scope};
use gatepost_core::{Error, Gatepost};
use gatepost_keys::Plain;
use gatepost_model::Workspace;
use http::StatusCode;

use super::password::{self, Check};
use super::{Answer, changed, framed, page_with};
use crate::BASE;
use crate::failure::sentence;
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "api_tokens.html")]
struct TokensPage<'a> {
    frame: &'a Frame,
    tokens: Vec<AdminToken>,
    own: &'a str,
    names: HashMap<String, String>,
    made: Option<Plain>,
}

impl TokensPage<'_> {
    /// Whose a token is, if not the reader's.
    fn other(&self, token: &AdminToken) -> Option<&str> {
        let name = self.names.get(&token.user_id).map_or("a former user", String::as_str);
        (token.user_id != self.own).then_some(name)
    }

    /// Why a token is no longer good.
    fn over(&self, token: &AdminToken) -> Option<&'static str> {
        match token.ended_at {
            Some(_) => Some("Cut off"),
            None => (self.frame.now >= token.expires_at).then_some("Expired"),
        }
    }
}

#[derive(Template)]
#[template(path = "api_token_new.html")]
struct NewTokenPage<'a> {
    frame: &'a Frame,
    name: &'a str,
    scopes: Vec<(&'static str, &'static str, bool)>,
    workspaces: Vec<(&'a Workspace, bool)>,
    lifetimes: [(u64, bool); 4],
    asks_password: bool,
    problem: Option<String>,
}

/// How many days a token may be made for.
const LIFETIMES: [u64; 4] = [7, 30, 90, 365];
const USUAL_LIFETIME: u64 = 90;
const A_DAY: u64 = 24 * 3600;

/// `GET /tokens`
pub(super) async fn show(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    listed(&gatepost, &visit, None).await
}

/// `GET /tokens/new`
pub(super) async fn show_new(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::Tokens);
    let form = Form::default();
    framed(&gatepost, &frame, &filled(&frame, &visit, &form, None))
}

/// `POST /tokens`: answers with the token, this once.
pub(super) async fn send(State(gatepost): State<Arc<Gatepost>>, visit: Visit, form: Form) -> Answer {
    let problem = match password::check(&gatepost, &visit, &form).await? {
        Check::Asks(problem) => problem.unwrap_or_else(|| String::from("Enter your password.")),
        Check::Passed => {
            let new = NewAdminToken {
                name: form.text("name").to_owned(),
                scopes: form.all("scope"),
                workspaces: form.all("workspace"),
                lifetime: Duration::from_secs(lifetime(&form).saturating_mul(A_DAY)),
            };
            match gatepost.create_admin_token(&visit.actor(), &visit.user().id, new).await {
                Ok((_, plain)) => return listed(&gatepost, &visit, Some(plain)).await,
                Err(Error::Invalid { field, problem }) => sentence(&format!("{field}: {problem}")),
                Err(error) => return Err(error.into()),
            }
        }
    };
    let frame = Frame::new(&visit, Section::Tokens);
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &filled(&frame, &visit, &form, Some(problem)))
}

/// `POST /tokens/{id}/end`
pub(super) async fn end(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    gatepost.end_admin_token(&visit.actor(), &id).await?;
    changed(&gatepost, Flash::TokenEnded, &format!("{BASE}/tokens"))
}

async fn listed(gatepost: &Gatepost, visit: &Visit, made: Option<Plain>) -> Answer {
    let frame = Frame::new(visit, Section::Tokens);
    let tokens = gatepost.list_admin_tokens(&visit.actor()).await?;
    let names = gatepost.user_names().await?;
    framed(gatepost, &frame, &TokensPage { frame: &frame, tokens, own: &visit.user().id, names, made })
}

fn filled<'a>(
    frame: &'a Frame,
    visit: &'a Visit,
    form: &'a Form,
    problem: Option<String>,
) -> NewTokenPage<'a> {
    let (scopes, workspaces, days) = (form.all("scope"), form.all("workspace"), lifetime(form));
    let ticked = |all: &[String], name: &str| all.iter().any(|one| one == name);
    NewTokenPage {
        frame,
        name: form.text("name"),
        scopes: Scope::ALL
            .map(|scope| (scope.as_str(), meaning(scope), ticked(&scopes, scope.as_str())))
            .into(),
        workspaces: visit
            .user()
            .administered()
            .map(|workspace| (workspace, ticked(&workspaces, workspace.subdomain.as_str())))
            .collect(),
        lifetimes: LIFETIMES.map(|offered| (offered, offered == days)),
        asks_password: !visit.visitor.is_fresh,
        problem,
    }
}

fn lifetime(form: &Form) -> u64 {
    form.text("days").parse().unwrap_or(USUAL_LIFETIME)
}

const fn meaning(scope: Scope) -> &'static str {
    match scope {
        Scope::ClientsRead => "Look at clients, their calls and workspaces",
        Scope::ClientsWrite => "Create, change, stop and delete clients, rotate their secrets",
        Scope::SecretsReveal => "See client secrets and signing keys, issue access tokens",
        Scope::DeliveriesRead => "Look at deliveries and refused requests",
        Scope::DeliveriesWrite => "Send deliveries again or at once, and cancel them",
        Scope::AuditRead => "Look at the audit log",
        Scope::TokensWrite => "List and cut off API tokens: yours, and those into workspaces that you own",
        Scope::PeopleRead => "Look at people and invitations",
        Scope::PeopleWrite => {
            "Invite and remove people, change roles, end sessions, make links for new passwords"
        }
        Scope::WorkspacesWrite => "Rename workspaces",
    }
}
