//! Inviting people to workspaces, by a link that works once.
//!
//! The link is shown to whoever made it, who hands it on; Gatepost sends no mail. What the inviter may not give any more
//! when the link is used is not given.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gatepost_keys::Plain;
use gatepost_model::{Role, Timestamp, User, Workspace, ids};
pub use gatepost_store::tables::invitations::Invitation;
use gatepost_store::tables::{invitations, people, workspaces};
use gatepost_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::access::{admit_grant, no_workspace};
use crate::audit::Note;
use crate::people::{NewUser, checked_email, new_token, token_hash};
use crate::sessions::{Refusal, Visitor};
use crate::{Actor, Error, Gatepost};

/// How long an invitation may be accepted.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// More pending invitations are not shown.
const MOST_SHOWN: u32 = 200;

/// Stands for the operator where the id of who invited somebody, or made a link, is kept.
pub const OPERATOR: &str = "operator";

/// Failed tries of links are counted under this name, for each address.
pub(crate) const LINKS: &str = "/one-time-link";

/// An invitation as whoever holds its link sees it.
#[derive(Clone, Debug)]
pub struct OpenInvitation {
    /// Who is asked to join what, as far as the inviter may still give it.
    pub invitation: Invitation,
    /// What the inviter is called.
    pub inviter: String,
    /// Whether whoever is asked signs in already.
    pub has_account: bool,
}

impl Gatepost {
    /// Invites somebody to workspaces, with the same role in each. Gives what their link is to hold.
    ///
    /// # Errors
    /// If the email is none, no workspace is named, the actor does not administer one of them or may not give the role,
    /// they belong to all of them already, or the store fails.
    pub async fn invite(
        self: &Arc<Self>,
        actor: &Actor,
        email: &str,
        subdomains: &[String],
        role: Role,
    ) -> Result<(Invitation, Plain), Error> {
        let email = checked_email(email)?;
        if subdomains.is_empty() {
            return Err(Error::invalid("workspaces", "tick at least one workspace"));
        }
        let (now, token) = (self.now(), new_token(self));
        let id = ids::sortable(ids::INVITATION, now, &*self.random);
        let inviter = maker(actor)?;
        let invitation = Invitation {
            id: id.clone(),
            email,
            role,
            invited_by: inviter.to_owned(),
            expires_at: now.plus(INVITATION_LIFETIME),
            workspaces: Vec::new(),
        };
        let (this, asker, named) = (Arc::clone(self), actor.clone(), subdomains.to_owned());
        let hash = token_hash(token.expose());
        let outcome = self.store.write(move |tx| {
            invitations::end_old(tx, now)?;
            let workspaces = grantable(tx, &asker, &named, role)?;
            let user = people::lookup_by_email(tx, &invitation.email)?;
            if user.is_some_and(|user| workspaces.iter().all(|one| user.role_in(one.number).is_some())) {
                return Err(Error::Conflict(format!(
                    "{} belongs to what you ticked already: change the role on their page",
                    invitation.email
                )));
            }
            let invitation = Invitation { workspaces, ..invitation.clone() };
            invitations::insert(tx, &invitation, &hash)?;
            this.note_invitation(tx, &asker, now, ("invitation.make", &invitation))?;
            Ok(invitation)
        });
        let outcome = outcome.await;
        Ok((self.note_refused(actor, &id, outcome).await?, token))
    }

    /// The invitations that have not been accepted yet, into workspaces that `user` all administers, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn invitations_seen_by(&self, user: &User) -> Result<Vec<Invitation>, Error> {
        let (id, now) = (user.id.clone(), self.now());
        let mut pending =
            self.store.read(move |tx| invitations::list_pending(tx, &id, now, MOST_SHOWN)).await?;
        pending.retain(|pending| pending.workspaces.iter().all(|one| user.administers(one.number)));
        Ok(pending)
    }

    /// Every invitation that has not been accepted yet, newest first, for the operator.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_invitations(&self) -> Result<Vec<Invitation>, Error> {
        let now = self.now();
        let pending = self.store.read(move |tx| invitations::list_all_pending(tx, now, MOST_SHOWN));
        pending.await.map_err(Error::Store)
    }

    /// Takes an invitation back: its link ends.
    ///
    /// # Errors
    /// If there is none that the actor sees, they may not give its role, or the store fails.
    pub async fn withdraw_invitation(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<(), Error> {
        let now = self.now();
        let (this, asker, named) = (Arc::clone(self), actor.clone(), id.to_owned());
        let outcome = self.store.write(move |tx| {
            let absent = || Error::not_found("invitation", &named);
            let invitation = invitations::lookup(tx, &named)?.ok_or_else(absent)?;
            for workspace in &invitation.workspaces {
                match admit_grant(tx, &asker, workspace, &[invitation.role]) {
                    Err(Error::Invalid { .. }) => return Err(absent()),
                    outcome => outcome?,
                }
            }
            invitations::take(tx, &named)?;
            this.note_invitation(tx, &asker, now, ("invitation.withdraw", &invitation))
        });
        let outcome = outcome.await;
        self.note_refused(actor, id, outcome).await
    }

    /// What a link invites to. Wrong links are counted: after a few of them an address has to wait.
    ///
    /// # Errors
    /// [`Refusal::Wait`]; or if the link is wrong, was used, withdrawn or has ended, or the store fails.
    pub async fn open_invitation(&self, from: IpAddr, token: &str) -> Result<OpenInvitation, Refusal> {
        let (hash, now) = (token_hash(token), self.now());
        self.open_link(
            from,
            self.store.read(move |tx| {
                let Some(invitation) = open(tx, &hash, now)? else { return Ok(None) };
                let inviter = people::lookup(tx, &invitation.invited_by)?;
                let has_account = people::lookup_by_email(tx, &invitation.email)?.is_some();
                let inviter = inviter.map_or_else(|| String::from("The operator"), |inviter| inviter.name);
                Ok(Some(OpenInvitation { invitation, inviter, has_account }))
            }),
        )
        .await
    }

    /// Accepts an invitation as somebody new. The email is the one that was invited.
    ///
    /// # Errors
    /// As [`Gatepost::open_invitation`]; or if name or password cannot be one, or somebody signs in with this email
    /// already.
    pub async fn accept_as_new(
        self: &Arc<Self>,
        from: IpAddr,
        token: &str,
        name: &str,
        password: Plain,
    ) -> Result<User, Refusal> {
        let email = self.open_invitation(from, token).await?.invitation.email;
        let new = NewUser { name: name.to_owned(), email, password };
        let (user, password) = self.checked_user(new).await?;
        let (this, hash, now) = (Arc::clone(self), token_hash(token), self.now());
        let made = self.store.write(move |tx| {
            people::insert(tx, &user, &password)?;
            let actor = Actor::User(user.id.clone(), from);
            this.join_invited(tx, &actor, &user, &hash, now)?;
            Ok(user.clone())
        });
        Ok(made.await.map_err(|error| match error {
            Error::Store(StoreError::Unique { .. }) => Error::Conflict(String::from(
                "somebody signs in with this email already: sign in, then open the link again",
            )),
            other => other,
        })?)
    }

    /// Accepts an invitation as whoever is signed in. Nobody loses rights that they have.
    ///
    /// # Errors
    /// As [`Gatepost::open_invitation`]; or if somebody else was invited.
    pub async fn accept_as(self: &Arc<Self>, visitor: &Visitor, token: &str) -> Result<(), Refusal> {
        let invited = self.open_invitation(visitor.address, token).await?.invitation.email;
        if invited != visitor.user.email {
            let own = &visitor.user.email;
            return Err(Refusal::Failed(Error::Forbidden(format!(
                "this invitation is for {invited}, and you are signed in as {own}: sign out first"
            ))));
        }
        let (this, hash, now) = (Arc::clone(self), token_hash(token), self.now());
        let (user, actor) = (visitor.user.clone(), visitor.actor());
        Ok(self.store.write(move |tx| this.join_invited(tx, &actor, &user, &hash, now)).await?)
    }

    /// Looks at a one-time link, and counts it as a failure if there is none.
    pub(crate) async fn open_link<T>(
        &self,
        from: IpAddr,
        found: impl Future<Output = Result<Option<T>, Error>>,
    ) -> Result<T, Refusal> {
        let now = self.now();
        if let Some(wait) = self.failed_links.wait(from, LINKS, now) {
            return Err(Refusal::Wait(wait));
        }
        match found.await? {
            Some(found) => Ok(found),
            None => {
                self.failed_links.note(from, LINKS, now);
                Err(Refusal::Failed(Error::not_found("link", "")))
            }
        }
    }

    fn join_invited(
        &self,
        tx: &Tx<'_>,
        actor: &Actor,
        user: &User,
        hash: &[u8],
        now: Timestamp,
    ) -> Result<(), Error> {
        let absent = || Error::not_found("link", "");
        let invitation = open(tx, hash, now)?.ok_or_else(absent)?;
        if !invitations::take(tx, &invitation.id)? {
            return Err(absent());
        }
        for workspace in &invitation.workspaces {
            let held = people::lookup(tx, &user.id)?.and_then(|user| user.role_in(workspace.number));
            // Who may give a role has at least as many rights.
            if !held.is_some_and(|held| held.may_grant(invitation.role)) {
                people::join(tx, &user.id, workspace.number, invitation.role)?;
            }
        }
        self.note_invitation(tx, actor, now, ("invitation.accept", &invitation))
    }

    fn note_invitation(
        &self,
        tx: &Tx<'_>,
        actor: &Actor,
        now: Timestamp,
        (action, invitation): (&'static str, &Invitation),
    ) -> Result<(), Error> {
        let (subject_id, after) = (invitation.id.as_str(), shown(invitation));
        self.note(tx, now, &Note { actor, action, subject_id, before: None, after: Some(&after) })
    }
}

/// Who is kept as the maker of a link.
pub(crate) fn maker(actor: &Actor) -> Result<&str, Error> {
    match actor {
        Actor::Cli => Ok(OPERATOR),
        other => other
            .user()
            .ok_or_else(|| Error::Forbidden(String::from("only somebody who is signed in can do this"))),
    }
}

/// The workspaces with these subdomains, if the actor may give the role in all of them.
fn grantable(tx: &Tx<'_>, actor: &Actor, subdomains: &[String], role: Role) -> Result<Vec<Workspace>, Error> {
    let mut found: Vec<Workspace> = Vec::new();
    for subdomain in subdomains {
        let workspace =
            workspaces::lookup_by_subdomain(tx, subdomain)?.ok_or_else(|| no_workspace(subdomain))?;
        admit_grant(tx, actor, &workspace, &[role])?;
        if found.iter().all(|known| known.number != workspace.number) {
            found.push(workspace);
        }
    }
    Ok(found)
}

/// The invitation of a link that has not ended, without the workspaces where the inviter may not give its role any more.
fn open(tx: &Tx<'_>, hash: &[u8], now: Timestamp) -> Result<Option<Invitation>, Error> {
    let Some(mut invitation) = invitations::lookup_by_hash(tx, hash)? else {
        return Ok(None);
    };
    if invitation.invited_by != OPERATOR {
        let Some(inviter) = people::lookup(tx, &invitation.invited_by)? else {
            return Ok(None);
        };
        let role = invitation.role;
        let may_give = |one: &Workspace| inviter.role_in(one.number).is_some_and(|held| held.may_grant(role));
        invitation.workspaces.retain(may_give);
    }
    let is_open = now < invitation.expires_at && !invitation.workspaces.is_empty();
    Ok(is_open.then_some(invitation))
}

/// An invitation in the audit trail.
fn shown(invitation: &Invitation) -> Value {
    let workspaces: Vec<_> = invitation.workspaces.iter().map(|one| one.subdomain.as_str()).collect();
    json!({ "email": invitation.email, "role": invitation.role.as_str(), "workspaces": workspaces })
}
