//! People: everyone in the workspaces of whoever looks, and inviting more.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::invitations::{Invitation, OPERATOR};
use gatepost_core::memberships::Person;
use gatepost_core::{Error, Gatepost};
use gatepost_model::{Role, Workspace};
use http::StatusCode;

use super::{Answer, changed, framed, page, page_with};
use crate::BASE;
use crate::failure::sentence;
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage<'a> {
    frame: &'a Frame,
    people: Vec<Person>,
    invitations: Vec<Invitation>,
    names: HashMap<String, String>,
    administers: bool,
}

impl PeoplePage<'_> {
    fn inviter(&self, invitation: &Invitation) -> &str {
        match invitation.invited_by.as_str() {
            OPERATOR => "the operator",
            id => self.names.get(id).map_or("a former user", String::as_str),
        }
    }
}

#[derive(Template)]
#[template(path = "invite.html")]
struct InvitePage<'a> {
    frame: &'a Frame,
    email: &'a str,
    workspaces: Vec<(&'a Workspace, bool)>,
    role: Role,
    problem: Option<String>,
    wrong: &'a str,
}

/// A link that is shown this once.
#[derive(Template)]
#[template(path = "link.html")]
pub(super) struct LinkPage<'a> {
    pub(super) frame: &'a Frame,
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    pub(super) link: String,
}

/// `GET /people`
pub(super) async fn show(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::People);
    let people = gatepost.people_seen_by(visit.user()).await?;
    let invitations = gatepost.invitations_seen_by(visit.user()).await?;
    let names = people.iter().map(|person| (person.id.clone(), person.name.clone())).collect();
    let administers = visit.user().administered().next().is_some();
    framed(&gatepost, &frame, &PeoplePage { frame: &frame, people, invitations, names, administers })
}

/// `GET /people/invite`
pub(super) async fn show_invite(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::People);
    framed(&gatepost, &frame, &filled(&frame, &visit, &Form::default()))
}

/// `POST /people/invite`: answers with the link, this once.
pub(super) async fn invite(State(gatepost): State<Arc<Gatepost>>, visit: Visit, form: Form) -> Answer {
    let frame = Frame::new(&visit, Section::People);
    let mut again = filled(&frame, &visit, &form);
    let (email, workspaces) = (form.text("email"), form.all("workspace"));
    let (wrong, problem) = match gatepost.invite(&visit.actor(), email, &workspaces, again.role).await {
        Ok((invitation, token)) => {
            let title = format!("{} is invited", invitation.email);
            let text = "It works once, within 7 days, for this email alone. Gatepost sends no mail: send the link yourself.";
            let link = gatepost.settings().invitation_link(&token);
            return page(&LinkPage { frame: &frame, title: &title, text, link });
        }
        Err(Error::Invalid { field, problem }) => (field, format!("{field}: {problem}")),
        Err(Error::Conflict(problem)) => ("email", problem),
        Err(Error::Forbidden(problem)) => ("role", problem),
        Err(error) => return Err(error.into()),
    };
    (again.wrong, again.problem) = (wrong, Some(sentence(&problem)));
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &again)
}

/// `POST /people/invitations/{id}/withdraw`
pub(super) async fn withdraw(
    State(gatepost): State<Arc<Gatepost>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    gatepost.withdraw_invitation(&visit.actor(), &id).await?;
    changed(&gatepost, Flash::InvitationWithdrawn, &format!("{BASE}/people"))
}

fn filled<'a>(frame: &'a Frame, visit: &'a Visit, form: &'a Form) -> InvitePage<'a> {
    let ticked = form.all("workspace");
    let choices = visit.user().administered();
    let workspaces: Vec<_> =
        choices.map(|one| (one, ticked.iter().any(|name| name == one.subdomain.as_str()))).collect();
    let role = Role::from_name(form.text("role")).unwrap_or(Role::Member);
    InvitePage { frame, email: form.text("email"), workspaces, role, problem: None, wrong: "" }
}
