//! One workspace: its name, its people, its clients, where its notices go.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::client_list::{Cursor, Group, Listed, Order, Wanted};
use gatepost_core::memberships::Person;
use gatepost_core::notices::NoticeUrl;
use gatepost_core::{Error, Gatepost};
use gatepost_keys::Plain;
use gatepost_model::{Membership, Role};
use http::StatusCode;

use super::{Answer, changed, framed, page_with};
use crate::BASE;
use crate::failure::{Failure, sentence};
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

/// The page shows the first ones; the lists show all.
const SHOWN: usize = 25;

#[derive(Template)]
#[template(path = "workspace.html")]
struct WorkspacePage<'a> {
    frame: &'a Frame,
    held: &'a Membership,
    people: Vec<(Person, Role)>,
    clients: Listed,
    name: &'a str,
    problem: Option<String>,
    /// Where its notices go.
    notices: Option<NoticeUrl>,
    /// What was typed as that, and why it cannot be one.
    notice_problem: Option<(String, String)>,
    /// The key of a notice URL that was set just now.
    shown: Option<Plain>,
}

impl WorkspacePage<'_> {
    fn notice_address(&self) -> &str {
        let typed = self.notice_problem.as_ref().map(|(typed, _)| typed.as_str());
        typed.or_else(|| self.notices.as_ref().map(|url| url.url.as_str())).unwrap_or_default()
    }
}

/// `GET /workspaces/{subdomain}`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    Path(subdomain): Path<String>,
    visit: Visit,
) -> Answer {
    let held = administered(&visit, &subdomain)?;
    let frame = Frame::new(&visit, Section::Workspaces);
    framed(&gatepost, &frame, &filled(&gatepost, &visit, &frame, held).await?)
}

/// `POST /workspaces/{subdomain}`: gives it another name.
pub(super) async fn rename(
    State(gatepost): State<Arc<Gatepost>>,
    Path(subdomain): Path<String>,
    visit: Visit,
    form: Form,
) -> Answer {
    let name = form.text("name");
    match gatepost.rename_workspace(&visit.actor(), &subdomain, name, None).await {
        Ok(_) => changed(&gatepost, Flash::WorkspaceRenamed, &format!("{BASE}/workspaces/{subdomain}")),
        Err(Error::Invalid { problem, .. }) => {
            let held = administered(&visit, &subdomain)?;
            let frame = Frame::new(&visit, Section::Workspaces);
            let mut again = filled(&gatepost, &visit, &frame, held).await?;
            (again.name, again.problem) = (name, Some(sentence(&format!("the name {problem}"))));
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &again)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /workspaces/{subdomain}/notices`: sets where notices go, and answers with the key that signs them.
pub(super) async fn set_notices(
    State(gatepost): State<Arc<Gatepost>>,
    Path(subdomain): Path<String>,
    visit: Visit,
    form: Form,
) -> Answer {
    let held = administered(&visit, &subdomain)?;
    let typed = form.text("url").trim();
    let outcome = gatepost.set_notice_url(&visit.actor(), &subdomain, typed).await;
    let frame = Frame::new(&visit, Section::Workspaces);
    let mut page = filled(&gatepost, &visit, &frame, held).await?;
    match outcome {
        Ok((_, key)) => {
            page.shown = Some(key);
            framed(&gatepost, &frame, &page)
        }
        Err(Error::Invalid { problem, .. }) => {
            page.notice_problem = Some((typed.to_owned(), sentence(&problem)));
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /workspaces/{subdomain}/notices/remove`
pub(super) async fn remove_notices(
    State(gatepost): State<Arc<Gatepost>>,
    Path(subdomain): Path<String>,
    visit: Visit,
) -> Answer {
    gatepost.remove_notice_url(&visit.actor(), &subdomain).await?;
    changed(&gatepost, Flash::NoticesRemoved, &format!("{BASE}/workspaces/{subdomain}"))
}

async fn filled<'a>(
    gatepost: &Arc<Gatepost>,
    visit: &Visit,
    frame: &'a Frame,
    held: &'a Membership,
) -> Result<WorkspacePage<'a>, Failure> {
    let number = held.workspace.number;
    let role = |person: &Person| {
        person.memberships.iter().find(|held| held.workspace.number == number).map(|held| held.role)
    };
    let people = gatepost.people_seen_by(visit.user()).await?;
    let people = people.into_iter().filter_map(|person| role(&person).map(|role| (person, role))).collect();
    let wanted = Wanted {
        search: String::new(),
        workspace: Some(held.workspace.subdomain.as_str().to_owned()),
        version: None,
        group: Group::All,
        order: Order::Name,
        reversed: false,
        cursor: Cursor::Start,
        limit: SHOWN,
    };
    let clients = gatepost.list_managed_clients(visit.user(), wanted).await?;
    Ok(WorkspacePage {
        frame,
        held,
        people,
        clients,
        name: &held.workspace.name,
        problem: None,
        notices: gatepost.notice_url(&visit.actor(), held.workspace.subdomain.as_str()).await?,
        notice_problem: None,
        shown: None,
    })
}

fn administered<'a>(visit: &'a Visit, subdomain: &str) -> Result<&'a Membership, Failure> {
    let held = visit.user().memberships.iter();
    let found = held.filter(|held| held.role.administers());
    let mut found = found.filter(|held| held.workspace.subdomain.as_str() == subdomain);
    found.next().ok_or(Failure::NotFound)
}
