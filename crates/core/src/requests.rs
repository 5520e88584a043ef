//! Refused requests, listed and explained to those who manage their clients.

use gatepost_model::{ApiClient, Timestamp, User, Workspace, WorkspaceNumber, ids};
use gatepost_store::tables::refusals;
pub use gatepost_store::tables::refusals::{Refusal, Wanted};
use gatepost_store::tables::{Page, calls, clients};

use crate::calls::{PASSED, SHOWN, hour_of};
use crate::gate::{Check, Reason, Trace};
use crate::{Error, Gatepost, counts};

/// A refused request with all that its client's owner may know of it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The request.
    pub refusal: Refusal,
    /// Its client as it is now.
    pub client: ApiClient,
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
    /// The refused requests of the clients that `user` manages, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_refusals(
        &self,
        user: &User,
        mut wanted: Wanted,
        since: Timestamp,
        page: Page,
    ) -> Result<Vec<Refusal>, Error> {
        let user = user.id.clone();
        wanted.since = ids::sortable_floor(ids::REQUEST, since);
        self.store
            .read(move |tx| refusals::list_managed(tx, &user, &wanted, &page))
            .await
            .map_err(Error::Store)
    }

    /// Why a request of a client that `user` manages was refused.
    ///
    /// # Errors
    /// If there is no such request (passed ones are not kept), its client is not one that they manage, or the store fails.
    pub async fn explain_refusal(&self, user: &User, id: &str) -> Result<Explained, Error> {
        let absent = || Error::not_found("request", id);
        let refusal = self.lookup_refusal(id).await?.ok_or_else(absent)?;
        let number = refusal.client.ok_or_else(absent)?;
        let since = hour_of(self.now().minus(SHOWN));
        let (client, counted) = self
            .store
            .read(move |tx| {
                Ok::<_, Error>((clients::lookup(tx, number)?, calls::list_of_client(tx, number, since)?))
            })
            .await?;
        let client = client.filter(|client| user.manages(client)).ok_or_else(absent)?;
        let reason = counts::explained_as(&refusal.detail).ok_or_else(absent)?;
        let check = Check::ALL.into_iter().find(|check| check.as_str() == refusal.refused_by);
        let trace = Trace::stopped(check.ok_or_else(absent)?, reason);
        let workspace = refusal
            .workspace
            .as_deref()
            .and_then(|named| user.administered().find(|known| known.subdomain.as_str() == named))
            .cloned();
        let place = workspace.as_ref().map(|workspace| workspace.number);
        let is_alike = |counted: &&calls::Counted| {
            counted.verdict == counts::name_of(reason) && is_there(place, counted.workspace)
        };
        let alike = counted.iter().filter(is_alike).map(|counted| counted.calls).sum();
        Ok(Explained { refusal, client, trace, reason, workspace, alike })
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

fn is_there(wanted: Option<WorkspaceNumber>, counted: Option<WorkspaceNumber>) -> bool {
    wanted.is_none() || wanted == counted
}
