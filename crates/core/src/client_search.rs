//! Clients searched, filtered and sorted as in the list of the pages, but whole and as somebody with an admin token or the
//! operator sees them.

use std::collections::BTreeSet;

use gatepost_model::{ApiClient, User};
use gatepost_store::Tx;
use gatepost_store::tables::client_list::{self, Summary};
use gatepost_store::tables::{clients, people};

use crate::client_list::{Wanted, matching, ordered, page};
use crate::standing::Signals;
use crate::{Error, Gatepost};

impl Gatepost {
    /// A page of the clients that `user` manages; without a user, of all, for the operator.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn search_clients(&self, user: Option<&User>, wanted: Wanted) -> Result<Vec<ApiClient>, Error> {
        let (user, now) = (user.cloned(), self.now());
        self.store
            .read(move |tx| {
                let signals = Signals::of_all(tx, now)?;
                let all = seen_clients(tx, user.as_ref())?;
                let all = all.into_iter().map(|client| (signals.standing(&client, now), client)).collect();
                let mut matching = matching(tx, user.as_ref(), &wanted, all)?;
                matching.sort_by(|one, other| ordered(&wanted, one, other));
                let mut found = Vec::new();
                for (_, client) in page(&matching, &wanted).1 {
                    found.extend(clients::lookup(tx, client.number)?);
                }
                Ok(found)
            })
            .await
    }
}

/// Of what a person manages, an admin token leaves what lies within its own workspaces.
pub(crate) fn seen_clients(tx: &Tx<'_>, user: Option<&User>) -> Result<Vec<Summary>, Error> {
    let Some(user) = user else { return Ok(client_list::list_all(tx)?) };
    let mut managed = client_list::list_managed(tx, &user.id)?;
    let whole = people::lookup(tx, &user.id)?;
    let mut beyond = BTreeSet::new();
    for workspace in whole.iter().flat_map(User::administered) {
        if !user.administers(workspace.number) {
            beyond.extend(client_list::list_enabled(tx, workspace.number)?);
        }
    }
    managed.retain(|client| !beyond.contains(&client.number));
    Ok(managed)
}
