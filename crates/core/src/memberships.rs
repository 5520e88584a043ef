//! Who belongs to which workspaces, and as what.
//!
//! Admins of a workspace say who else belongs to it; only its owners make owners, and the last of them stays one.

use std::sync::Arc;

use gatepost_model::{Membership, Role, Timestamp, User, Workspace};
use gatepost_store::Tx;
use gatepost_store::tables::memberships::{self, Member};
use gatepost_store::tables::{people, sessions, workspaces};
use serde_json::json;

use crate::access::{admit_grant, no_workspace};
use crate::audit::Note;
use crate::{Actor, Error, Gatepost};

/// More memberships than this are not looked up for a page.
const MOST_MEMBERSHIPS: u32 = 5_000;

/// Somebody in the workspaces that whoever looks administers.
#[derive(Clone, Debug)]
pub struct Person {
    /// `usr_…`.
    pub id: String,
    /// What they sign in with.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// When they were last seen, give or take a minute.
    pub seen_at: Option<Timestamp>,
    /// Whether signing in asks them for a code.
    pub has_second_factor: bool,
    /// Their roles in these workspaces, by subdomain; what else they belong to is not shown.
    pub memberships: Vec<Membership>,
}

/// A change of what somebody is in a workspace.
#[derive(Clone, Copy, Debug)]
pub struct MembershipChange<'a> {
    /// The id of the member.
    pub person: &'a str,
    /// The subdomain of the workspace.
    pub subdomain: &'a str,
    /// The role that the change was made for, if for one (security.md P8).
    pub from: Option<Role>,
    /// The role from now on; none takes them out of the workspace.
    pub to: Option<Role>,
}

impl Gatepost {
    /// Everyone in the workspaces that `user` administers, by email.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn people_seen_by(&self, user: &User) -> Result<Vec<Person>, Error> {
        let id = user.id.clone();
        let mut members =
            self.store.read(move |tx| memberships::list_seen_by(tx, &id, MOST_MEMBERSHIPS)).await?;
        // Of a person's rights an admin token may leave less than the store knows of.
        members.retain(|member| user.administers(member.membership.workspace.number));
        Ok(gathered(members))
    }

    /// Everyone who belongs to a workspace, by email, for the operator.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_people(&self) -> Result<Vec<Person>, Error> {
        Ok(gathered(self.store.read(|tx| memberships::list(tx, MOST_MEMBERSHIPS)).await?))
    }

    /// One of them.
    ///
    /// # Errors
    /// If there is nobody with this id whom `user` sees, or the store fails.
    pub async fn person_seen_by(&self, user: &User, id: &str) -> Result<Person, Error> {
        let people = self.people_seen_by(user).await?;
        people.into_iter().find(|person| person.id == id).ok_or_else(|| Error::not_found("person", id))
    }

    /// Gives a member of a workspace another role there.
    ///
    /// # Errors
    /// If the actor does not administer such a workspace or may not give or take such a role, the person does not belong
    /// to it, it would be left without an owner, or the store fails.
    pub async fn change_role(
        self: &Arc<Self>,
        actor: &Actor,
        person: &str,
        subdomain: &str,
        role: Role,
    ) -> Result<(), Error> {
        let change = MembershipChange { person, subdomain, from: None, to: Some(role) };
        self.change_membership(actor, change).await
    }

    /// Takes a member out of a workspace. Whoever belongs to none any more is signed out everywhere.
    ///
    /// # Errors
    /// As [`Gatepost::change_role`].
    pub async fn remove_member(
        self: &Arc<Self>,
        actor: &Actor,
        person: &str,
        subdomain: &str,
    ) -> Result<(), Error> {
        let change = MembershipChange { person, subdomain, from: None, to: None };
        self.change_membership(actor, change).await
    }

    /// Puts another role, or none, in the place of the one that a member of a workspace has.
    ///
    /// # Errors
    /// As [`Gatepost::change_role`]; or if the role is another than the change was made for.
    pub async fn change_membership(
        self: &Arc<Self>,
        actor: &Actor,
        change: MembershipChange<'_>,
    ) -> Result<(), Error> {
        let now = self.now();
        let MembershipChange { person, subdomain, from, to: role } = change;
        let (this, asker, id, named) =
            (Arc::clone(self), actor.clone(), person.to_owned(), subdomain.to_owned());
        let outcome = self.store.write(move |tx| {
            let (workspace, before) = admitted_change(tx, &asker, &id, &named, role)?;
            if from.is_some_and(|from| from != before) {
                return Err(Error::Conflict(format!(
                    "the role was changed by someone else in the meantime (it is {} now): look at it again, then repeat \
                     your change",
                    before.as_str()
                )));
            }
            let as_noted = |role: Role| json!({ "workspaces": [&named], "role": role.as_str() });
            let (action, after) = match role {
                Some(role) => {
                    people::join(tx, &id, workspace.number, role)?;
                    ("member.change", as_noted(role))
                }
                None => {
                    memberships::leave(tx, &id, workspace.number)?;
                    let left = people::lookup(tx, &id)?.is_some_and(|user| !user.memberships.is_empty());
                    let ended = if left { 0 } else { sessions::end_all(tx, &id)? };
                    ("member.remove", json!({ "workspaces": [], "endedSessions": ended }))
                }
            };
            let note = Note {
                actor: &asker,
                action,
                subject_id: &id,
                before: Some(&as_noted(before)),
                after: Some(&after),
            };
            this.note(tx, now, &note)
        });
        let outcome = outcome.await;
        self.note_refused(actor, person, outcome).await
    }
}

/// The workspace and the role that the person has there, if the actor may put `role`, or nothing, in its place.
fn admitted_change(
    tx: &Tx<'_>,
    actor: &Actor,
    person: &str,
    subdomain: &str,
    role: Option<Role>,
) -> Result<(Workspace, Role), Error> {
    let workspace = workspaces::lookup_by_subdomain(tx, subdomain)?.ok_or_else(|| no_workspace(subdomain))?;
    admit_grant(tx, actor, &workspace, &[])?;
    // Counted before anything is read that others may be changing.
    let owners = memberships::count_owners(tx, workspace.number)?;
    let held = people::lookup(tx, person)?.and_then(|user| user.role_in(workspace.number));
    let held = held.ok_or_else(|| Error::not_found("person", person))?;
    admit_grant(tx, actor, &workspace, &[held, role.unwrap_or(Role::Member)])?;
    if held == Role::Owner && role != Some(Role::Owner) && owners < 2 {
        return Err(Error::Conflict(format!(
            "{} would be left without an owner: make somebody else an owner of it first",
            workspace.name
        )));
    }
    Ok((workspace, held))
}

/// Rows of one person stand together.
fn gathered(members: Vec<Member>) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for member in members {
        let Member { user_id, email, name, seen_at, has_second_factor, membership } = member;
        match people.last_mut().filter(|last| last.id == user_id) {
            Some(last) => last.memberships.push(membership),
            None => people.push(Person {
                id: user_id,
                email,
                name,
                seen_at,
                has_second_factor,
                memberships: vec![membership],
            }),
        }
    }
    people
}
