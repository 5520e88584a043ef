//! One person: their roles, and a new password.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::Gatepost;
use gatepost_core::memberships::Person;
use gatepost_model::{Membership, Role};

use super::people::LinkPage;
use super::{Answer, changed, framed, page};
use crate::BASE;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage<'a> {
    frame: &'a Frame,
    person: &'a Person,
    roles: Vec<Held<'a>>,
    /// Whether whoever looks owns all that is shown: then a new password may be theirs to arrange.
    owns_all: bool,
}

#[derive(Template)]
#[template(path = "person_remove.html")]
struct RemovePage<'a> {
    frame: &'a Frame,
    person: &'a Person,
    held: &'a Membership,
}

/// A membership, and the roles that whoever looks may give instead.
struct Held<'a> {
    membership: &'a Membership,
    /// None if what the person is there is not theirs to change.
    choices: Vec<Role>,
}

/// `GET /people/{id}`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    let person = gatepost.person_seen_by(visit.user(), &id).await?;
    let frame = Frame::new(&visit, Section::People);
    let own = |held: &Membership| visit.user().role_in(held.workspace.number);
    let choices = |held: &Membership| {
        let own = own(held).filter(|own| own.may_grant(held.role));
        let roles = [Role::Owner, Role::Admin, Role::Member].into_iter();
        own.map(|own| roles.filter(|role| own.may_grant(*role)).collect()).unwrap_or_default()
    };
    let roles = person.memberships.iter().map(|held| Held { membership: held, choices: choices(held) });
    let roles = roles.collect();
    let owns_all = person.memberships.iter().all(|held| own(held) == Some(Role::Owner));
    framed(&gatepost, &frame, &PersonPage { frame: &frame, person: &person, roles, owns_all })
}

/// `POST /people/{id}/role`
pub(super) async fn change_role(
    State(gatepost): State<Arc<Gatepost>>,
    Path(id): Path<String>,
    visit: Visit,
    form: Form,
) -> Answer {
    let workspace = form.text("workspace");
    // Whoever does not see the person is not told more by the form's other fields.
    let person = gatepost.person_seen_by(visit.user(), &id).await?;
    membership(&person, workspace)?;
    let role = Role::from_name(form.text("role")).ok_or(Failure::Malformed)?;
    gatepost.change_role(&visit.actor(), &id, workspace, role).await?;
    changed(&gatepost, Flash::RoleChanged, &format!("{BASE}/people/{id}"))
}

/// `GET /people/{id}/remove/{subdomain}`
pub(super) async fn show_remove(
    State(gatepost): State<Arc<Gatepost>>,
    Path((id, subdomain)): Path<(String, String)>,
    visit: Visit,
) -> Answer {
    let person = gatepost.person_seen_by(visit.user(), &id).await?;
    let held = membership(&person, &subdomain)?;
    let frame = Frame::new(&visit, Section::People);
    framed(&gatepost, &frame, &RemovePage { frame: &frame, person: &person, held })
}

/// `POST /people/{id}/remove/{subdomain}`
pub(super) async fn remove(
    State(gatepost): State<Arc<Gatepost>>,
    Path((id, subdomain)): Path<(String, String)>,
    visit: Visit,
) -> Answer {
    let person = gatepost.person_seen_by(visit.user(), &id).await?;
    membership(&person, &subdomain)?;
    gatepost.remove_member(&visit.actor(), &id, &subdomain).await?;
    changed(&gatepost, Flash::MemberRemoved, &format!("{BASE}/people"))
}

/// `POST /people/{id}/password-link`: answers with the link, this once.
pub(super) async fn make_password_link(
    State(gatepost): State<Arc<Gatepost>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    let person = gatepost.person_seen_by(visit.user(), &id).await?;
    let token = gatepost.make_password_link(&visit.actor(), &id).await?;
    let frame = Frame::new(&visit, Section::People);
    let title = format!("A new password for {}", person.name);
    let text = "It works once, within 24 hours. Send it to nobody else: whoever opens it sets the password. A second factor is still asked for.";
    let link = gatepost.settings().password_link(&token);
    page(&LinkPage { frame: &frame, title: &title, text, link })
}

fn membership<'a>(person: &'a Person, subdomain: &str) -> Result<&'a Membership, Failure> {
    let found = person.memberships.iter().find(|held| held.workspace.subdomain.as_str() == subdomain);
    found.ok_or(Failure::NotFound)
}
