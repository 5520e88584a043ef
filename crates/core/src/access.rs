//! What a user may see and change (design.md "Objects", security.md P7). Everything else answers as if it did not exist.
//!
//! The command line and Gatepost itself may do everything. A user manages the clients in all of whose workspaces they
//! have admin rights. Changes ask here within their own transaction, so no front door can forget it; pages that only
//! look call the functions that take a [`User`].

use gatepost_model::notice::NOTICES;
use gatepost_model::webhook::Delivery;
use gatepost_model::{ApiClient, ClientNumber, Role, User, Workspace, WorkspaceNumber};
use gatepost_store::Tx;
use gatepost_store::tables::{clients, people, workspaces};

use crate::clients::load;
use crate::{Actor, Error, Gatepost};

/// So many clients are read at once where few of them may be shown.
const AT_A_TIME: u32 = 200;

/// The client with this id or client id, if the actor may manage it.
pub(crate) fn load_managed(tx: &Tx<'_>, actor: &Actor, id: &str) -> Result<ApiClient, Error> {
    let client = load(tx, id)?;
    match user(tx, actor)? {
        Asker::Anybody => Ok(client),
        Asker::User(user) if user.manages(&client) => Ok(client),
        Asker::User(_) | Asker::Nobody => Err(Error::not_found("API client", id)),
    }
}

/// Lets the actor enable a client for workspaces where they have admin rights. One where they have none is answered
/// as one that does not exist.
pub(crate) fn admit_workspaces(
    tx: &Tx<'_>,
    actor: &Actor,
    before: &[Workspace],
    after: &[Workspace],
) -> Result<(), Error> {
    let added = || after.iter().filter(|new| before.iter().all(|old| old.number != new.number));
    let foreign = match user(tx, actor)? {
        Asker::Anybody => None,
        Asker::User(user) => added().find(|workspace| !user.administers(workspace.number)),
        Asker::Nobody => added().next(),
    };
    match foreign {
        None => Ok(()),
        Some(workspace) => Err(no_workspace(workspace.subdomain.as_str())),
    }
}

/// Lets the actor do something with a delivery: of a client that they manage, from a workspace that they administer.
pub(crate) fn admit_delivery(
    tx: &Tx<'_>,
    actor: &Actor,
    delivery: &Delivery,
    client: Option<&ApiClient>,
) -> Result<(), Error> {
    let admitted = match user(tx, actor)? {
        Asker::Anybody => true,
        Asker::User(user) => sees_delivery(&user, delivery, client),
        Asker::Nobody => false,
    };
    if admitted { Ok(()) } else { Err(Error::not_found("delivery", &delivery.id)) }
}

/// Whether a user sees a delivery. It holds a record of its workspace, and the client may have been enabled for that one
/// before its other workspaces: rights in both are needed. Nobody but the command line sees what a deleted client got.
pub(crate) fn sees_delivery(user: &User, delivery: &Delivery, client: Option<&ApiClient>) -> bool {
    let is_theirs = client.is_some_and(|client| user.manages(client)) || delivery.client == NOTICES;
    is_theirs && user.administers(delivery.workspace)
}

/// Whether a user administers every workspace that there is. What belongs to no client that is there, such as requests
/// with a token that nobody knows, may be about any workspace: nobody else sees it.
pub(crate) fn administers_everything(tx: &Tx<'_>, user: &User) -> Result<bool, Error> {
    let all = workspaces::list(tx)?;
    Ok(!all.is_empty() && all.iter().all(|workspace| user.administers(workspace.number)))
}

/// The one answer about a workspace that does not exist for whoever asks.
pub(crate) fn no_workspace(subdomain: &str) -> Error {
    Error::invalid("workspaces", format!("there is no workspace with the subdomain \"{subdomain}\""))
}

/// Lets the actor change who belongs to a workspace, as far as these roles go: admins everything but owners, owners
/// everything. Without admin rights there is no such workspace.
pub(crate) fn admit_grant(
    tx: &Tx<'_>,
    actor: &Actor,
    workspace: &Workspace,
    roles: &[Role],
) -> Result<(), Error> {
    let role = match user(tx, actor)? {
        Asker::Anybody => return Ok(()),
        Asker::User(user) => user.role_in(workspace.number),
        Asker::Nobody => None,
    };
    match role.filter(|role| role.administers()) {
        None => Err(no_workspace(workspace.subdomain.as_str())),
        Some(own) if roles.iter().all(|role| own.may_grant(*role)) => Ok(()),
        Some(_) => Err(Error::Forbidden(format!(
            "only an owner of {} can make somebody an owner there, or change what an owner may do",
            workspace.name
        ))),
    }
}

/// A person with all that their account opens, if the actor sees them, and whether the actor may act on all of it: the
/// person, the operator, and who owns every workspace that the person belongs to.
pub(crate) fn account(tx: &Tx<'_>, actor: &Actor, person: &str) -> Result<(User, bool), Error> {
    let absent = || Error::not_found("person", person);
    let found = people::lookup(tx, person)?.ok_or_else(absent)?;
    match user(tx, actor)? {
        Asker::Anybody => Ok((found, true)),
        Asker::User(asker) if asker.id == found.id => Ok((found, true)),
        Asker::User(asker) => {
            let sees = found.memberships.iter().any(|held| asker.administers(held.workspace.number));
            if !sees {
                return Err(absent());
            }
            let owns_all = owns_all(&asker, found.memberships.iter().map(|held| held.workspace.number));
            Ok((found, owns_all))
        }
        Asker::Nobody => Err(absent()),
    }
}

/// Whether a user owns each of these workspaces.
pub(crate) fn owns_all(user: &User, mut workspaces: impl Iterator<Item = WorkspaceNumber>) -> bool {
    workspaces.all(|number| user.role_in(number) == Some(Role::Owner))
}

/// Whose rights count.
pub(crate) enum Asker {
    /// The machine's own user, or Gatepost: there are no bounds.
    Anybody,
    /// This user's.
    User(Box<User>),
    /// Somebody who has no rights: an API client, a stranger, a user who was removed.
    Nobody,
}

/// The rights of an actor as they are now.
pub(crate) fn user(tx: &Tx<'_>, actor: &Actor) -> Result<Asker, Error> {
    Ok(match actor {
        Actor::Cli | Actor::System => Asker::Anybody,
        Actor::Client(..) | Actor::Unknown(_) => Asker::Nobody,
        Actor::Token(bearer) => people::lookup(tx, &bearer.user)?
            .map_or(Asker::Nobody, |user| Asker::User(Box::new(bearer.narrowed(user)))),
        Actor::User(id, _) => {
            people::lookup(tx, id)?.map_or(Asker::Nobody, |user| Asker::User(Box::new(user)))
        }
    })
}

impl Gatepost {
    /// The client with this id or client id as it is stored now, if `user` manages it.
    ///
    /// # Errors
    /// If there is none that they manage, or the store fails.
    pub async fn managed_client(&self, user: &User, id: &str) -> Result<ApiClient, Error> {
        let client = self.show_client(id).await?;
        if user.manages(&client) { Ok(client) } else { Err(Error::not_found("API client", id)) }
    }

    /// Up to `limit` clients that `user` manages after the one with number `after`, in the order in which they were made.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn clients_managed_by(
        &self,
        user: &User,
        mut after: ClientNumber,
        limit: u32,
    ) -> Result<Vec<ApiClient>, Error> {
        let user = user.clone();
        let found = self.store.read(move |tx| {
            let mut managed = Vec::new();
            loop {
                let batch = clients::list(tx, after, AT_A_TIME)?;
                let Some(last) = batch.last() else { break };
                after = last.number;
                managed.extend(batch.into_iter().filter(|client| user.manages(client)));
                if managed.len() >= limit as usize {
                    break;
                }
            }
            managed.truncate(limit as usize);
            Ok::<_, Error>(managed)
        });
        found.await
    }
}
