//! Workspaces: those of whoever looks, and making one.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use gatepost_core::{Error, Gatepost};
use gatepost_model::{Membership, WorkspaceNumber};
use http::StatusCode;

use super::{Answer, changed, framed, page_with};
use crate::BASE;
use crate::failure::sentence;
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "workspaces.html")]
struct WorkspacesPage<'a> {
    frame: &'a Frame,
    memberships: &'a [Membership],
    counts: BTreeMap<WorkspaceNumber, u64>,
}

impl WorkspacesPage<'_> {
    fn clients(&self, held: &Membership) -> u64 {
        self.counts.get(&held.workspace.number).copied().unwrap_or(0)
    }
}

#[derive(Template)]
#[template(path = "workspace_new.html")]
struct NewWorkspacePage<'a> {
    frame: &'a Frame,
    name: &'a str,
    subdomain: &'a str,
    problem: Option<String>,
    wrong: &'a str,
}

/// `GET /workspaces`
pub(super) async fn show(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::Workspaces);
    let counts = gatepost.count_clients_by_workspace(visit.user()).await?;
    let memberships = &visit.user().memberships;
    framed(&gatepost, &frame, &WorkspacesPage { frame: &frame, memberships, counts })
}

/// `GET /workspaces/new`
pub(super) async fn show_new(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::Workspaces);
    let page = NewWorkspacePage { frame: &frame, name: "", subdomain: "", problem: None, wrong: "" };
    framed(&gatepost, &frame, &page)
}

/// `POST /workspaces`
pub(super) async fn send(State(gatepost): State<Arc<Gatepost>>, visit: Visit, form: Form) -> Answer {
    let (name, subdomain) = (form.text("name"), form.text("subdomain").trim());
    let (wrong, problem) = match gatepost.create_workspace(&visit.actor(), subdomain, name).await {
        Ok(_) => return changed(&gatepost, Flash::WorkspaceCreated, &format!("{BASE}/workspaces")),
        Err(Error::Invalid { field: "name", problem }) => ("name", format!("the name {problem}")),
        Err(Error::Invalid { problem, .. } | Error::Conflict(problem)) => ("subdomain", problem),
        Err(error) => return Err(error.into()),
    };
    let frame = Frame::new(&visit, Section::Workspaces);
    let problem = Some(sentence(&problem));
    let page = NewWorkspacePage { frame: &frame, name, subdomain, problem, wrong };
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
