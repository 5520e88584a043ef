//! Making a client: a name, workspaces, and done.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use gatepost_core::clients::NewClient;
use gatepost_core::{Error, Gatepost};
use gatepost_model::{ApiVersion, SecretPolicy, Workspace, WorkspaceNumber};
use http::StatusCode;

use super::{Answer, first_call, framed, page_with};
use crate::failure::{Failure, sentence};
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "client_new.html")]
struct NewClientPage<'a> {
    frame: &'a Frame,
    workspaces: Vec<Choice<'a>>,
    name: &'a str,
    version: ApiVersion,
    policy: SecretPolicy,
    errors: &'a Errors,
}

/// A workspace that may be ticked.
struct Choice<'a> {
    workspace: &'a Workspace,
    clients: u64,
    ticked: bool,
}

/// What is wrong with which field.
#[derive(Debug, Default)]
struct Errors {
    name: Option<String>,
    workspaces: Option<String>,
}

impl Errors {
    const fn is_empty(&self) -> bool {
        self.name.is_none() && self.workspaces.is_none()
    }
}

/// `GET /clients/new`
pub(super) async fn show(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::Clients);
    let counts = gatepost.count_clients_by_workspace(visit.user()).await?;
    let (form, errors) = (Form::default(), Errors::default());
    let page = filled(&frame, &visit, &form, &counts, &errors);
    framed(&gatepost, &frame, &page)
}

/// `POST /clients`: answers with the client's secret, this once for the *once* policy.
pub(super) async fn send(State(gatepost): State<Arc<Gatepost>>, mut visit: Visit, form: Form) -> Answer {
    let errors = check(&gatepost, &visit, &form).await?;
    if !errors.is_empty() {
        return again(&gatepost, &visit, &form, &errors).await;
    }
    let new = NewClient {
        workspaces: form.all("workspace"),
        api_version: form.text("version").parse().ok(),
        secret_policy: policy(&form),
        ..NewClient::named(form.text("name"))
    };
    match gatepost.create_client(&visit.actor(), new).await {
        Ok(made) => {
            visit.clients += 1;
            first_call::made(&gatepost, &visit, &made)
        }
        Err(Error::Invalid { field: "workspaces", problem }) => {
            again(&gatepost, &visit, &form, &Errors { workspaces: Some(sentence(&problem)), name: None })
                .await
        }
        Err(Error::Invalid { problem, .. }) => {
            let name = Some(sentence(&format!("it {problem}")));
            again(&gatepost, &visit, &form, &Errors { name, workspaces: None }).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn check(gatepost: &Gatepost, visit: &Visit, form: &Form) -> Result<Errors, Failure> {
    let name = form.text("name").trim();
    let mut errors = Errors::default();
    if name.is_empty() {
        errors.name = Some(String::from("Give it a name."));
    } else if gatepost.has_managed_client_named(visit.user(), name).await? {
        errors.name =
            Some(format!("There is already a client named “{name}”. Choose a name that tells them apart."));
    }
    if form.all("workspace").is_empty() {
        errors.workspaces =
            Some(String::from("Tick at least one workspace, or the client cannot call anything."));
    }
    Ok(errors)
}

async fn again(
    gatepost: &Gatepost,
    visit: &Visit,
    form: &Form,
    errors: &Errors,
) -> Result<Response, Failure> {
    let frame = Frame::new(visit, Section::Clients);
    let counts = gatepost.count_clients_by_workspace(visit.user()).await?;
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &filled(&frame, visit, form, &counts, errors))
}

fn filled<'a>(
    frame: &'a Frame,
    visit: &'a Visit,
    form: &'a Form,
    counts: &BTreeMap<WorkspaceNumber, u64>,
    errors: &'a Errors,
) -> NewClientPage<'a> {
    let ticked = form.all("workspace");
    let only = visit.user().administered().count() == 1;
    let choice = |workspace: &'a Workspace| Choice {
        workspace,
        clients: counts.get(&workspace.number).copied().unwrap_or(0),
        ticked: only || ticked.iter().any(|name| name == workspace.subdomain.as_str()),
    };
    NewClientPage {
        frame,
        workspaces: visit.user().administered().map(choice).collect(),
        name: form.text("name"),
        version: form.text("version").parse().unwrap_or(ApiVersion::NEWEST),
        policy: policy(form),
        errors,
    }
}

fn policy(form: &Form) -> SecretPolicy {
    SecretPolicy::from_name(form.text("policy")).unwrap_or(SecretPolicy::Revealable)
}
