//! People: who belongs to which workspaces, their sessions, links for new passwords.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use gatepost_core::memberships::{MembershipChange, Person};
use gatepost_core::password_links::PASSWORD_LINK_LIFETIME;
use gatepost_core::{Error, Gatepost, view};
use gatepost_http::Problem;
use gatepost_model::{Role, User};
use http::HeaderMap;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::matching::{if_match, tagged};
use super::members::{Members, invalid};

/// `GET /people`: by email; with a token those in the workspaces that it reaches.
pub(super) async fn list(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
) -> Result<Json<Value>, Problem> {
    let people = seen_people(&gatepost, sees_as.as_ref()).await?;
    Ok(Json(people.iter().map(view::person).collect()))
}

/// `GET /people/{id}`
pub(super) async fn show(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(view::person(&seen_person(&gatepost, sees_as.as_ref(), &id).await?)))
}

/// `PUT /people/{id}/memberships/{subdomain}`: `role`. The role that is to be changed can be sent as `If-Match`.
pub(super) async fn change_role(
    State(gatepost): Shared,
    Administrator { actor, sees_as }: Administrator,
    Path((id, subdomain)): Path<(String, String)>,
    headers: HeaderMap,
    mut members: Members,
) -> Result<Response, Problem> {
    seen_membership(&gatepost, sees_as.as_ref(), &id, &subdomain).await?;
    let role = role(&mut members)?.ok_or_else(|| invalid("role", "is missing"))?;
    members.finish()?;
    let change =
        MembershipChange { person: &id, subdomain: &subdomain, from: from(&headers)?, to: Some(role) };
    gatepost.change_membership(&actor, change).await?;
    Ok(tagged(role.as_str(), json!({ "person": id, "workspace": subdomain, "role": role.as_str() })))
}

/// `DELETE /people/{id}/memberships/{subdomain}`: takes them out of the workspace.
pub(super) async fn remove(
    State(gatepost): Shared,
    Administrator { actor, sees_as }: Administrator,
    Path((id, subdomain)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    seen_membership(&gatepost, sees_as.as_ref(), &id, &subdomain).await?;
    let change = MembershipChange { person: &id, subdomain: &subdomain, from: from(&headers)?, to: None };
    gatepost.change_membership(&actor, change).await?;
    Ok(Json(json!({ "person": id, "workspace": subdomain, "removed": true })))
}

/// `POST /people/{id}/password-link`: the answer holds `link`, this once.
pub(super) async fn make_password_link(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    let token = gatepost.make_password_link(&actor, &id).await?;
    let expires_at = gatepost.now().plus(PASSWORD_LINK_LIFETIME);
    let link = gatepost.settings().password_link(&token);
    Ok(Json(json!({ "person": id, "link": link, "expiresAt": expires_at.iso() })))
}

/// `GET /people/{id}/sessions`: the one used last first.
pub(super) async fn list_sessions(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let sessions = gatepost.list_sessions(&actor, &id).await?;
    Ok(Json(sessions.iter().map(view::session).collect()))
}

/// `POST /people/{id}/sessions/end`: ends all of them.
pub(super) async fn end_sessions(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    let ended = gatepost.sign_out_everywhere(&actor, &id).await?;
    Ok(Json(json!({ "person": id, "endedSessions": ended })))
}

/// `POST /people/{id}/sessions/{session}/end`
pub(super) async fn end_session(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path((id, session)): Path<(String, String)>,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    gatepost.end_session(&actor, &id, &session).await?;
    Ok(Json(json!({ "person": id, "endedSessions": 1 })))
}

/// The role that a body names.
pub(super) fn role(members: &mut Members) -> Result<Option<Role>, Problem> {
    members.named("role", "owner, admin or member", Role::from_name)
}

/// The role that a change was made for: all that can change of a membership, so that is its tag.
fn from(headers: &HeaderMap) -> Result<Option<Role>, Problem> {
    let Some(tag) = if_match(headers) else { return Ok(None) };
    Role::from_name(&tag).map(Some).ok_or_else(|| invalid("If-Match", "must be a role"))
}

/// Whoever does not see a membership is not told what else is wrong.
async fn seen_membership(
    gatepost: &Gatepost,
    sees_as: Option<&User>,
    person: &str,
    subdomain: &str,
) -> Result<(), Error> {
    let found = seen_person(gatepost, sees_as, person).await?;
    let is_there = found.memberships.iter().any(|held| held.workspace.subdomain.as_str() == subdomain);
    if is_there { Ok(()) } else { Err(Error::not_found("membership", subdomain)) }
}

async fn seen_people(gatepost: &Gatepost, sees_as: Option<&User>) -> Result<Vec<Person>, Error> {
    match sees_as {
        Some(user) => gatepost.people_seen_by(user).await,
        None => gatepost.list_people().await,
    }
}

/// Somebody, if whoever calls sees them.
async fn seen_person(gatepost: &Gatepost, sees_as: Option<&User>, id: &str) -> Result<Person, Error> {
    let people = seen_people(gatepost, sees_as).await?;
    let found = people.into_iter().find(|person| person.id == id);
    found.ok_or_else(|| Error::not_found("person", id))
}
