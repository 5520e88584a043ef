//! Admin tokens: what a person's programs show to call the admin API.
//!
//! A token has scopes, workspaces and an end, and never more rights than its maker has at the moment of the call. It is
//! looked up at every call, so that it is dead on every node when cutting it off returns.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gatepost_keys::{Plain, admin_token, secret};
use gatepost_model::{Timestamp, User, ids};
pub use gatepost_store::tables::admin_tokens::AdminToken;
use gatepost_store::tables::{admin_tokens, people};
use serde_json::{Value, json};

use crate::access::{Asker, no_workspace, owns_all, user};
use crate::actor::Bearer;
use crate::audit::Note;
use crate::workspaces::checked_name;
use crate::{Actor, Error, Gatepost};

/// The longest that a token may live.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long a token lives unless its maker says otherwise.
pub const USUAL_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);

/// Uses are written down no more often than this.
const USED_EVERY: Duration = Duration::from_secs(60);

/// Calls of one token to one node in a minute: a program that runs wild must not keep the database from everybody else.
pub(crate) const MOST_CALLS: u32 = 600;

/// More tokens than this are not listed.
const MOST_LISTED: u32 = 1_000;

/// More tokens of others are not looked through for those that somebody may cut off.
const MOST_SEARCHED: u32 = 10_000;

/// What wrong tokens are counted under, apart from the address.
const ATTEMPT: &str = "admin token";

/// What a token lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Look at API clients, workspaces and methods.
    ClientsRead,
    /// Make, change, stop, revoke and delete API clients, and rotate and cut off their secrets.
    ClientsWrite,
    /// See client secrets and signing keys once more, and issue access tokens.
    SecretsReveal,
    /// Look at deliveries and refused requests.
    DeliveriesRead,
    /// Replay deliveries.
    DeliveriesWrite,
    /// Look at the audit trail.
    AuditRead,
    /// List and cut off admin tokens: the maker's, and those that reach only workspaces that the maker owns.
    TokensWrite,
    /// Look at who belongs to the workspaces, and at invitations.
    PeopleRead,
    /// Invite people, change their roles, remove them, end their sessions, make links for new passwords.
    PeopleWrite,
    /// Rename workspaces.
    WorkspacesWrite,
}

impl Scope {
    /// Every scope, as they are offered.
    pub const ALL: [Self; 10] = [
        Self::ClientsRead,
        Self::ClientsWrite,
        Self::SecretsReveal,
        Self::DeliveriesRead,
        Self::DeliveriesWrite,
        Self::AuditRead,
        Self::TokensWrite,
        Self::PeopleRead,
        Self::PeopleWrite,
        Self::WorkspacesWrite,
    ];

    /// Its name in JSON and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientsRead => "clients:read",
            Self::ClientsWrite => "clients:write",
            Self::SecretsReveal => "secrets:reveal",
            Self::DeliveriesRead => "deliveries:read",
            Self::DeliveriesWrite => "deliveries:write",
            Self::AuditRead => "audit:read",
            Self::TokensWrite => "tokens:write",
            Self::PeopleRead => "people:read",
            Self::PeopleWrite => "people:write",
            Self::WorkspacesWrite => "workspaces:write",
        }
    }

    /// The scope with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// A token that is to be made.
#[derive(Clone, Debug)]
pub struct NewAdminToken {
    /// What people call it.
    pub name: String,
    /// The names of its scopes, at least one.
    pub scopes: Vec<String>,
    /// The subdomains of the workspaces that it is for, at least one.
    pub workspaces: Vec<String>,
    /// How long it lives.
    pub lifetime: Duration,
}

/// What a token that is good may do now.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// Who calls, for changes.
    pub bearer: Bearer,
    /// The token's maker with what the token leaves of their rights, for looking.
    pub user: User,
    /// The scopes.
    pub scopes: Vec<Scope>,
}

/// Why a token was not admitted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// It is no token of ours, or is no longer good.
    #[error("the admin token is not valid")]
    Invalid,
    /// Too many wrong tokens came from this address, or too many calls were made with this token.
    #[error("too many calls")]
    Wait(Duration),
    /// It could not be found out.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Gatepost {
    /// Makes an admin token for the user with this id. It is shown this once.
    ///
    /// # Errors
    /// If a value cannot be what it was given as, the user does not administer one of the workspaces, or the store fails.
    pub async fn create_admin_token(
        self: &Arc<Self>,
        actor: &Actor,
        maker: &str,
        new: NewAdminToken,
    ) -> Result<(AdminToken, Plain), Error> {
        let now = self.now();
        let plain = admin_token::generate(&*self.random);
        let token = AdminToken {
            id: ids::sortable(ids::ADMIN_TOKEN, now, &*self.random),
            user_id: maker.to_owned(),
            name: checked_name("name", &new.name)?,
            hint: secret::hint(&plain),
            scopes: checked_scopes(&new.scopes)?,
            workspaces: Vec::new(),
            created_at: now,
            expires_at: now.plus(checked_lifetime(new.lifetime)?),
            ended_at: None,
            last_used: None,
        };
        if new.workspaces.is_empty() {
            return Err(Error::invalid("workspaces", "must name at least one workspace"));
        }
        let (this, actor, made) = (Arc::clone(self), actor.clone(), plain.clone());
        let token = self.store.write(move |tx| {
            let user = people::lookup(tx, &token.user_id)?;
            let user = user.ok_or_else(|| Error::not_found("user", &token.user_id))?;
            let numbers = new.workspaces.iter().map(|subdomain| {
                let found = user.administered().find(|held| held.subdomain.as_str() == subdomain);
                found.map(|workspace| workspace.number).ok_or_else(|| no_workspace(subdomain))
            });
            let token = AdminToken { workspaces: numbers.collect::<Result<_, _>>()?, ..token.clone() };
            let finder = admin_token::finder(made.expose()).unwrap_or_default();
            admin_tokens::insert(tx, &token, finder, &this.keyring.verifier(made.expose()))?;
            let after = json!({ "token": shown(&token), "workspaces": new.workspaces });
            let (action, subject_id) = ("admin-token.create", token.user_id.as_str());
            this.note(
                tx,
                now,
                &Note { actor: &actor, action, subject_id, before: None, after: Some(&after) },
            )?;
            Ok::<_, Error>(token)
        });
        Ok((token.await?, plain))
    }

    /// Admin tokens, newest first: all of them for the operator; for everybody else their own, then those of others that
    /// are good and reach nothing but workspaces that the actor owns.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_admin_tokens(&self, actor: &Actor) -> Result<Vec<AdminToken>, Error> {
        let (actor, now) = (actor.clone(), self.now());
        self.store
            .read(move |tx| {
                let user = match user(tx, &actor)? {
                    Asker::Anybody => return Ok(admin_tokens::list(tx, None, MOST_LISTED)?),
                    Asker::Nobody => return Ok(Vec::new()),
                    Asker::User(user) => user,
                };
                let mut listed = admin_tokens::list(tx, Some(&user.id), MOST_LISTED)?;
                let others = admin_tokens::list_good_of_others(tx, &user.id, now, MOST_SEARCHED)?;
                listed.extend(others.into_iter().filter(|token| reaches_only(token, &user)));
                Ok(listed)
            })
            .await
    }

    /// Cuts a token off: it is dead on every node when this returns. Its maker may, and who owns every workspace that it
    /// reaches (security.md P7).
    ///
    /// # Errors
    /// If there is no such token for the actor, or the store fails.
    pub async fn end_admin_token(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<AdminToken, Error> {
        let now = self.now();
        let (this, actor, id) = (Arc::clone(self), actor.clone(), id.to_owned());
        self.store
            .write(move |tx| {
                let asker = user(tx, &actor)?;
                let found = admin_tokens::lookup(tx, &id)?.filter(|token| match &asker {
                    Asker::Anybody => true,
                    Asker::User(user) => user.id == token.user_id || reaches_only(token, user),
                    Asker::Nobody => false,
                });
                let mut token = found.ok_or_else(|| Error::not_found("admin token", &id))?;
                if admin_tokens::end(tx, &id, now)? {
                    token.ended_at = Some(now);
                    let (before, subject_id) = (shown(&token), token.user_id.as_str());
                    let action = "admin-token.end";
                    let note = Note { actor: &actor, action, subject_id, before: Some(&before), after: None };
                    this.note(tx, now, &note)?;
                }
                Ok(token)
            })
            .await
    }

    /// What the holder of this token may do now.
    ///
    /// # Errors
    /// [`NotAdmitted`]: the same for a token that never was and for one that is no longer good.
    pub async fn admit_token(&self, from: IpAddr, token: &str) -> Result<Admitted, NotAdmitted> {
        let now = self.now();
        if let Some(wait) = self.failed_admin_calls.wait(from, ATTEMPT, now) {
            return Err(NotAdmitted::Wait(wait));
        }
        let Some((found, user)) = self.lookup_good_token(token, now).await? else {
            self.failed_admin_calls.note(from, ATTEMPT, now);
            return Err(NotAdmitted::Invalid);
        };
        self.admin_calls.take(&found.id, now).map_err(NotAdmitted::Wait)?;
        if found.last_used.as_ref().is_none_or(|(at, _)| now >= at.plus(USED_EVERY)) {
            let (id, address) = (found.id.clone(), from.to_canonical().to_string());
            let noted = self.store.write(move |tx| admin_tokens::note_use(tx, &id, now, &address));
            noted.await.map_err(Error::Store)?;
        }
        let scopes = found.scopes.split_whitespace().filter_map(Scope::from_name).collect();
        let AdminToken { id: token, user_id, workspaces, .. } = found;
        let bearer = Bearer { token, user: user_id, workspaces, address: from };
        Ok(Admitted { user: bearer.narrowed(user), bearer, scopes })
    }

    async fn lookup_good_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<(AdminToken, User)>, Error> {
        let Some(finder) = admin_token::finder(token).map(str::to_owned) else {
            return Ok(None);
        };
        let found = self.store.read_point(move |tx| {
            let Some((token, verifier)) = admin_tokens::lookup_by_finder(tx, &finder)? else {
                return Ok(None);
            };
            Ok::<_, Error>(people::lookup(tx, &token.user_id)?.map(|user| (token, verifier, user)))
        });
        Ok(found.await?.and_then(|(found, verifier, user)| {
            // Whoever was removed from every workspace acts for nobody, and neither do their programs.
            let is_good = self.keyring.recognises(&verifier, token)
                && !user.memberships.is_empty()
                && found.ended_at.is_none()
                && now < found.expires_at;
            is_good.then_some((found, user))
        }))
    }
}

/// Whether a token reaches nothing but workspaces that the user owns.
fn reaches_only(token: &AdminToken, user: &User) -> bool {
    !token.workspaces.is_empty() && owns_all(user, token.workspaces.iter().copied())
}

fn checked_scopes(names: &[String]) -> Result<String, Error> {
    if let Some(unknown) = names.iter().find(|name| Scope::from_name(name).is_none()) {
        let known = Scope::ALL.map(Scope::as_str).join(", ");
        return Err(Error::invalid("scopes", format!("\"{unknown}\" is no scope; the scopes are {known}")));
    }
    if names.is_empty() {
        return Err(Error::invalid("scopes", "must name at least one scope"));
    }
    let chosen = Scope::ALL.map(Scope::as_str).into_iter().filter(|name| names.iter().any(|one| one == name));
    Ok(chosen.collect::<Vec<_>>().join(" "))
}

fn checked_lifetime(lifetime: Duration) -> Result<Duration, Error> {
    if lifetime.is_zero() || lifetime > LONGEST_LIFETIME {
        return Err(Error::invalid("lifetime", "must be more than nothing and at most 365 days"));
    }
    Ok(lifetime)
}

/// A token in the audit trail.
fn shown(token: &AdminToken) -> Value {
    json!({ "id": token.id, "name": token.name, "hint": token.hint, "scopes": token.scopes, "expiresAt": token.expires_at.iso() })
}
