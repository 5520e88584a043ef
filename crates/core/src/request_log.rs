//! Refused requests as somebody with an admin token or the operator sees them.

use std::collections::HashMap;

use gatepost_model::{ApiClient, ClientNumber, Timestamp, User, ids};
use gatepost_store::Tx;
use gatepost_store::tables::{clients, refusals};

use crate::access::administers_everything;
use crate::gate::{Check, Reason, Trace};
use crate::history::{Seen, seen};
use crate::requests::{Refusal, Wanted};
use crate::{Error, Gatepost, counts};

impl Gatepost {
    /// Refused requests with their clients, newest first: of clients that `user` manages; without a user all of them, for
    /// the operator.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn refusals_seen_by(
        &self,
        user: Option<&User>,
        mut wanted: Wanted,
        since: Timestamp,
        (before, limit): (Option<String>, usize),
    ) -> Result<Seen<(Refusal, Option<ApiClient>)>, Error> {
        let user = user.cloned();
        wanted.since = ids::sortable_floor(ids::REQUEST, since);
        self.store
            .read(move |tx| {
                let mut known = Known::of(tx, user.as_ref())?;
                let Seen { rows, next } = seen(
                    before,
                    limit,
                    |page| Ok(refusals::list(tx, &wanted, page)?),
                    |refusal| known.is_seen(tx, refusal),
                    |refusal| &refusal.id,
                )?;
                let clients: Vec<_> = rows.iter().map(|refusal| known.client(refusal).cloned()).collect();
                Ok(Seen { rows: rows.into_iter().zip(clients).collect(), next })
            })
            .await
    }

    /// A refused request with its client: of a client that `user` manages; without a user any, for the operator.
    ///
    /// # Errors
    /// If there is none that they may see, or the store fails.
    pub async fn refusal_seen_by(
        &self,
        user: Option<&User>,
        id: &str,
    ) -> Result<(Refusal, Option<ApiClient>), Error> {
        let (user, named) = (user.cloned(), id.to_owned());
        let found = self.store.read(move |tx| {
            let mut known = Known::of(tx, user.as_ref())?;
            let Some(refusal) = refusals::lookup(tx, &named)? else { return Ok(None) };
            let is_seen = known.is_seen(tx, &refusal)?;
            let client = known.client(&refusal).cloned();
            Ok::<_, Error>(is_seen.then_some((refusal, client)))
        });
        found.await?.ok_or_else(|| Error::not_found("refused request", id))
    }
}

/// The true reason of a refusal, and how each check of the gate ended.
#[must_use]
pub fn trace_of(refusal: &Refusal) -> Option<(Reason, Trace)> {
    let reason = counts::explained_as(&refusal.detail)?;
    let check = Check::ALL.into_iter().find(|check| check.as_str() == refusal.refused_by)?;
    Some((reason, Trace::stopped(check, reason)))
}

/// Who looks, and the clients of what they looked at.
struct Known<'u> {
    user: Option<&'u User>,
    sees_unknown_clients: bool,
    clients: HashMap<ClientNumber, Option<ApiClient>>,
}

impl<'u> Known<'u> {
    fn of(tx: &Tx<'_>, user: Option<&'u User>) -> Result<Self, Error> {
        let sees_unknown_clients = user.map_or(Ok(true), |user| administers_everything(tx, user))?;
        Ok(Self { user, sees_unknown_clients, clients: HashMap::new() })
    }

    fn is_seen(&mut self, tx: &Tx<'_>, refusal: &Refusal) -> Result<bool, Error> {
        if let Some(number) = refusal.client
            && !self.clients.contains_key(&number)
        {
            self.clients.insert(number, clients::lookup(tx, number)?);
        }
        Ok(match self.client(refusal) {
            Some(client) => self.user.is_none_or(|user| user.manages(client)),
            None => self.sees_unknown_clients,
        })
    }

    fn client(&self, refusal: &Refusal) -> Option<&ApiClient> {
        self.clients.get(&refusal.client?)?.as_ref()
    }
}
