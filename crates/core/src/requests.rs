//! Refused requests, listed and explained to those who manage their clients.

use gatepost_model::{ApiClient, ClientNumber, Timestamp, User, Workspace, WorkspaceNumber, ids};
use gatepost_store::Tx;
use gatepost_store::tables::refusals;
pub use gatepost_store::tables::refusals::{Listed, Refusal, UNKNOWN_CLIENT, Wanted};
use gatepost_store::tables::{Page, calls, clients};

use crate::access::administers_everything;
use crate::calls::{PASSED, SHOWN, hour_of};
use crate::gate::{Check, Reason, Trace};
use crate::{Error, Gatepost, counts};

/// A refused request with all that its reader may know of it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The request.
    pub refusal: Refusal,
    /// Its client as it is now; none if the request named none, or one that is not there any more.
    pub client: Option<ApiClient>,
    /// How each check of the gate ended.
    pub trace: Trace,
    /// The true reason.
    pub reason: Reason,
    /// The workspace that was asked for, if the reader administers it. Of others it is not said whether they exist.
    pub workspace: Option<Workspace>,
    /// How many calls of the client were refused for the same reason in the last seven days: in this workspace, where that
    /// is known.
    pub alike: u64,
}

impl Gatepost {
    /// The refused requests of the clients that `user` manages, newest first; to whoever administers everything also those
    /// without a client that is there. A page looks at a bounded number of them, and may be short or empty although there are
    /// older ones.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_refusals(
        &self,
        user: &User,
        mut wanted: Wanted,
        since: Timestamp,
        page: Page,
    ) -> Result<Listed, Error> {
        let user = user.clone();
        wanted.since = ids::sortable_floor(ids::REQUEST, since);
        self.store
            .read(move |tx| {
                wanted.with_unknown_clients = administers_everything(tx, &user)?;
                Ok(refusals::list_managed(tx, &user.id, &wanted, &page)?)
            })
            .await
    }

    /// Whether `user` sees requests without a client that is there.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sees_unknown_clients(&self, user: &User) -> Result<bool, Error> {
        let user = user.clone();
        self.store.read(move |tx| administers_everything(tx, &user)).await
    }

    /// Why a request was refused: one of a client that `user` manages or, if they administer everything, one without a
    /// client that is there.
    ///
    /// # Errors
    /// If there is no such request (passed ones are not kept), it is not theirs to see, or the store fails.
    pub async fn explain_refusal(&self, user: &User, id: &str) -> Result<Explained, Error> {
        let (user, id, now) = (user.clone(), id.to_owned(), self.now());
        self.store
            .read(move |tx| {
                let refusal = refusals::lookup(tx, &id)?.ok_or_else(|| absent(&id))?;
                explained(tx, &user, refusal, now)
            })
            .await
    }

    /// Why the latest refused request of a client that `user` manages was refused, if one was.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn explain_latest_refusal(
        &self,
        user: &User,
        client: ClientNumber,
    ) -> Result<Option<Explained>, Error> {
        let (user, now) = (user.clone(), self.now());
        let found = self.store.read(move |tx| match refusals::lookup_latest(tx, client)? {
            Some(refusal) => match explained(tx, &user, refusal, now) {
                // An older release may have had other reasons.
                Err(Error::NotFound { .. }) => Ok(None),
                found => found.map(Some),
            },
            None => Ok(None),
        });
        found.await
    }

    /// How many calls of a client that `user` manages passed and how many were refused, since the hour of `since`.
    ///
    /// # Errors
    /// If there is no such client, or the store fails.
    pub async fn tally_of(
        &self,
        user: &User,
        client: &str,
        since: Timestamp,
    ) -> Result<crate::calls::Tally, Error> {
        let client = self.managed_client(user, client).await?;
        let mut tally = crate::calls::Tally::default();
        for counted in self.calls_of(client.number, since).await? {
            if counted.verdict == PASSED {
                tally.passed += counted.calls;
            } else {
                tally.refused += counted.calls;
            }
        }
        Ok(tally)
    }
}

fn absent(id: &str) -> Error {
    Error::not_found("request", id)
}

fn explained(tx: &Tx<'_>, user: &User, refusal: Refusal, now: Timestamp) -> Result<Explained, Error> {
    let client = match refusal.client {
        Some(number) => clients::lookup(tx, number)?,
        None => None,
    };
    let may_see = match &client {
        Some(client) => user.manages(client),
        None => administers_everything(tx, user)?,
    };
    let check = Check::ALL.into_iter().find(|check| check.as_str() == refusal.refused_by);
    let (true, Some(check), Some(reason)) = (may_see, check, counts::explained_as(&refusal.detail)) else {
        return Err(absent(&refusal.id));
    };
    let workspace = refusal
        .workspace
        .as_deref()
        .and_then(|named| user.administered().find(|known| known.subdomain.as_str() == named))
        .cloned();
    let place = workspace.as_ref().map(|workspace| workspace.number);
    let counted = match &client {
        Some(client) => calls::list_of_client(tx, client.number, hour_of(now.minus(SHOWN)))?,
        None => Vec::new(),
    };
    let is_alike = |counted: &&calls::Counted| {
        counted.verdict == counts::name_of(reason) && is_there(place, counted.workspace)
    };
    let alike = counted.iter().filter(is_alike).map(|counted| counted.calls).sum();
    let trace = Trace::stopped(check, reason);
    Ok(Explained { refusal, client, trace, reason, workspace, alike })
}

fn is_there(wanted: Option<WorkspaceNumber>, counted: Option<WorkspaceNumber>) -> bool {
    wanted.is_none() || wanted == counted
}
