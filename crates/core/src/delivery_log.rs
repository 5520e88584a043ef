//! Looking for deliveries: the list and its counts, and the receivers that take nothing.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use gatepost_model::{ApiClient, ClientNumber, DeliveryState, Method, Timestamp, User, WorkspaceNumber};
use gatepost_store::tables::delivery_list::{self, Filter};
pub use gatepost_store::tables::delivery_list::{
    Count, Counts, Failing, LatestAttempt, MOST_COUNTED, MOST_FAILING,
};
use gatepost_store::tables::{Page, Span, client_list, clients};
use gatepost_store::{StoreError, Tx};

use crate::access::sees_delivery;
use crate::deliveries::{Detailed, Shown};
use crate::history::{Seen, seen};
use crate::{Error, Gatepost};

/// Which deliveries are looked for: those for which all holds that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of the client with this id.
    pub client: Option<String>,
    /// In this state.
    pub state: Option<DeliveryState>,
    /// Of events of this method.
    pub method: Option<Method>,
    /// For the webhook URL with this id.
    pub url_id: Option<String>,
    /// Of this event.
    pub event_id: Option<String>,
    /// Made by the replay with this id.
    pub replay_id: Option<String>,
    /// Made at this moment or later.
    pub since: Option<Timestamp>,
    /// Made before this moment.
    pub until: Option<Timestamp>,
}

/// A receiver that takes nothing.
#[derive(Clone, Debug)]
pub struct FailingUrl {
    /// Whose webhook URL it is.
    pub client: ApiClient,
    /// The URL.
    pub url: String,
    /// What is known of it.
    pub failing: Failing,
}

impl Wanted {
    fn filter(&self, client: Option<ClientNumber>) -> Filter {
        Filter {
            client,
            state: self.state,
            method: self.method.clone(),
            url_id: self.url_id.clone(),
            event_id: self.event_id.clone(),
            replay_id: self.replay_id.clone(),
            span: Span { since: self.since, until: self.until },
        }
    }
}

impl Gatepost {
    /// Deliveries that are wanted, newest first. Looks through all that there are, however long that takes.
    ///
    /// # Errors
    /// If the client does not exist, or the store fails.
    pub async fn list_deliveries(&self, wanted: Wanted, page: Page) -> Result<Vec<Shown>, Error> {
        let number = match &wanted.client {
            Some(id) => Some(self.get_client(id).await?.number),
            None => None,
        };
        let filter = wanted.filter(number);
        let found = self.store.read(move |tx| delivery_list::list(tx, &filter, None, &page)).await?;
        self.all_shown(found).await
    }

    /// Deliveries that are wanted and that `user` may see, newest first. Where no index tells which match, a page looks at a
    /// bounded number of them, and may be short or empty although there is a next one.
    ///
    /// # Errors
    /// If the client does not exist for them, or the store fails.
    pub async fn deliveries_seen_by(
        &self,
        user: &User,
        wanted: &Wanted,
        (before, limit): (Option<String>, usize),
    ) -> Result<Seen<Shown>, Error> {
        let filter = wanted.filter(self.managed_number(user, wanted).await?);
        let user = user.clone();
        let found = self.store.read(move |tx| {
            let first = Page { before: before.clone(), ..Page::default() };
            let lower_end = delivery_list::lower_end(tx, &filter, &first)?;
            let known = RefCell::new(HashMap::new());
            let found = seen(
                before,
                limit,
                |page| Ok(delivery_list::list(tx, &filter, lower_end.as_deref(), page)?),
                |delivery| {
                    let mut known = known.borrow_mut();
                    let client = match known.get(&delivery.client) {
                        Some(client) => client,
                        None => {
                            let client = clients::lookup(tx, delivery.client)?;
                            known.entry(delivery.client).or_insert(client)
                        }
                    };
                    Ok(sees_delivery(&user, delivery, client.as_ref()))
                },
                |delivery| &delivery.id,
            )?;
            Ok::<_, Error>(Seen { next: found.next.or(lower_end), rows: found.rows })
        });
        let Seen { rows, next } = found.await?;
        Ok(Seen { rows: self.all_shown(rows).await?, next })
    }

    /// How many deliveries that are wanted, and that `user` may see, there are in each state, whatever state is wanted. Counted
    /// up to [`MOST_COUNTED`] and among a bounded number of them.
    ///
    /// # Errors
    /// If the client does not exist for them, or the store fails.
    pub async fn count_deliveries_seen_by(&self, user: &User, wanted: &Wanted) -> Result<Counts, Error> {
        let number = self.managed_number(user, wanted).await?;
        let (filter, user) = (wanted.filter(number), user.clone());
        let counted = self.store.read(move |tx| {
            let managed = match number {
                Some(number) => BTreeSet::from([number]),
                None => managed(tx, &user)?,
            };
            let administered: BTreeSet<WorkspaceNumber> =
                user.administered().map(|workspace| workspace.number).collect();
            delivery_list::count(tx, &filter, |client, workspace| {
                administered.contains(&workspace) && managed.contains(&client)
            })
        });
        counted.await.map_err(Error::Store)
    }

    /// The webhook URLs of clients that `user` manages whose receivers take nothing, those with most pending first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn failing_urls_seen_by(&self, user: &User) -> Result<Vec<FailingUrl>, Error> {
        let looker = user.clone();
        let failing = self.store.read(move |tx| {
            let managed = managed(tx, &looker)?;
            delivery_list::list_failing(tx, |client| managed.contains(&client))
        });
        let failing = failing.await?;
        let mut seen = Vec::new();
        for failing in failing {
            let Some(client) = self.directory.lookup(&self.store, failing.client).await? else { continue };
            let Some(url) = client.webhook_url(&failing.url_id).filter(|_| user.manages(&client)) else {
                continue;
            };
            seen.push(FailingUrl { url: url.url.clone(), client: (*client).clone(), failing });
        }
        Ok(seen)
    }

    /// How the latest attempt of each of these deliveries ended; none where there was no attempt.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn latest_attempts(&self, deliveries: &[Shown]) -> Result<Vec<Option<LatestAttempt>>, Error> {
        let tried: Vec<_> = deliveries
            .iter()
            .map(|shown| {
                let delivery = &shown.delivery;
                (delivery.attempts > 0).then(|| (delivery.workspace, delivery.id.clone()))
            })
            .collect();
        let found = self.store.read(move |tx| {
            let look_up = |(workspace, id): &(WorkspaceNumber, String)| {
                delivery_list::lookup_latest_attempt(tx, *workspace, id)
            };
            tried.iter().map(|tried| Ok(tried.as_ref().map(look_up).transpose()?.flatten())).collect()
        });
        found.await.map_err(|error: StoreError| Error::Store(error))
    }

    /// A delivery whole, if `user` may see it.
    ///
    /// # Errors
    /// If there is none that they may see, or the store fails.
    pub async fn delivery_seen_by(&self, user: &User, id: &str) -> Result<(Detailed, ApiClient), Error> {
        let detailed = self.show_delivery(id).await?;
        let number = detailed.shown.delivery.client;
        let client = self.store.read(move |tx| clients::lookup(tx, number)).await?;
        match client {
            Some(client) if sees_delivery(user, &detailed.shown.delivery, Some(&client)) => {
                Ok((detailed, client))
            }
            _ => Err(Error::not_found("delivery", id)),
        }
    }

    async fn managed_number(&self, user: &User, wanted: &Wanted) -> Result<Option<ClientNumber>, Error> {
        match &wanted.client {
            Some(id) => Ok(Some(self.managed_client(user, id).await?.number)),
            None => Ok(None),
        }
    }

    async fn all_shown(&self, found: Vec<gatepost_model::webhook::Delivery>) -> Result<Vec<Shown>, Error> {
        let mut shown = Vec::with_capacity(found.len());
        for delivery in found {
            shown.push(self.shown(delivery).await?);
        }
        Ok(shown)
    }
}

fn managed(tx: &Tx<'_>, user: &User) -> Result<BTreeSet<ClientNumber>, StoreError> {
    Ok(client_list::list_managed_numbers(tx, &user.id)?.into_iter().collect())
}
