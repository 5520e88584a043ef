//! Deliveries: looking at them, replaying them, and who gets one at the moment of sending.

use std::sync::Arc;

use gatepost_model::notice::NOTICES;
use gatepost_model::webhook::{Attempt, Delivery, Event, PayloadShape};
use gatepost_model::{
    ApiClient, ApiVersion, ClientNumber, ClientStatus, DeliveryState, Method, Timestamp, UrlState,
    WebhookUrl, WorkspaceNumber, ids,
};
use gatepost_store::tables::deliveries::{self, NewDelivery};
use gatepost_store::tables::delivery_control as control;
use gatepost_store::tables::{clients, records};
use gatepost_store::{StoreError, Tx};
use serde_json::json;

use crate::access::admit_delivery;
use crate::audit::Note;
use crate::retention;
use crate::{Actor, Error, Gatepost};

/// Why a delivery that a person called off was not sent.
const CANCELLED: &str = "called off by a person";

/// Why nothing is sent to a URL that is disabled.
const DISABLED: &str = "the webhook URL is disabled";

/// A delivery with what people need beside it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The delivery.
    pub delivery: Delivery,
    /// The id of the client, if it still exists.
    pub client_id: Option<String>,
    /// The URL, if the client still has it.
    pub url: Option<String>,
}

/// A delivery whole: with its attempts and its event.
#[derive(Clone, Debug)]
pub struct Detailed {
    /// The delivery.
    pub shown: Shown,
    /// Its attempts, first to last.
    pub attempts: Vec<Attempt>,
    /// The event that it carries, while that is kept.
    pub event: Option<Event>,
}

/// Who gets a delivery: the state of client and URL at the moment of sending.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The client, whole; none for a notice.
    pub client: Option<Arc<ApiClient>>,
    /// The URL.
    pub url: WebhookUrl,
    /// The workspace's subdomain.
    pub workspace: String,
    /// The version in which the record is sent.
    pub api_version: ApiVersion,
    /// What the body looks like.
    pub payload: PayloadShape,
}

/// Why nobody gets a delivery now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Consent is gone: the delivery ends as skipped, for this reason.
    Gone(&'static str),
    /// A person holds it back for this reason: it stays pending until they let it go.
    Held(&'static str),
}

impl Gatepost {
    /// A delivery whole.
    ///
    /// # Errors
    /// If it does not exist, or the store fails.
    pub async fn show_delivery(&self, id: &str) -> Result<Detailed, Error> {
        let asked = id.to_owned();
        let found = self.store.read(move |tx| {
            let Some(delivery) = deliveries::lookup(tx, &asked)? else {
                return Ok(None);
            };
            let attempts = deliveries::list_attempts(tx, delivery.workspace, &asked)?;
            let event = records::lookup_event(tx, delivery.workspace, &delivery.event_id)?;
            Ok::<_, Error>(Some((delivery, attempts, event)))
        });
        let (delivery, attempts, event) = found.await?.ok_or_else(|| Error::not_found("delivery", id))?;
        Ok(Detailed { shown: self.shown(delivery).await?, attempts, event })
    }

    /// Sends a delivery's event once more, as a new delivery that points at the old one. History is never edited.
    ///
    /// # Errors
    /// If the delivery does not exist or is still pending, its client or event is gone, or the store fails.
    pub async fn replay_delivery(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Shown, Error> {
        let now = self.now();
        let new_id = ids::sortable(ids::DELIVERY, now, &*self.random);
        let oldest = now.minus(self.settings.retention.events);
        let (this, actor, old_id, made) = (Arc::clone(self), actor.clone(), id.to_owned(), new_id.clone());
        self.store
            .write(move |tx| {
                let old =
                    deliveries::lookup(tx, &old_id)?.ok_or_else(|| Error::not_found("delivery", &old_id))?;
                let client = clients::lookup(tx, old.client)?;
                admit_delivery(tx, &actor, &old, client.as_ref())?;
                if old.state == DeliveryState::Pending {
                    return Err(Error::Conflict(String::from(
                        "the delivery is still pending: it will be tried by itself",
                    )));
                }
                let client = client.ok_or_else(|| {
                    Error::Conflict(String::from("the client of this delivery was deleted"))
                })?;
                if !retention::is_kept(tx, old.workspace, &old.event_id, oldest)? {
                    return Err(Error::Conflict(String::from(
                        "the event of this delivery is no longer kept (retention.events)",
                    )));
                }
                deliveries::insert(
                    tx,
                    &NewDelivery {
                        id: &made,
                        event_id: &old.event_id,
                        url_id: &old.url_id,
                        client: old.client,
                        workspace: old.workspace,
                        method: &old.method,
                        created_at: now,
                        leased_until: None,
                        replay_of: Some(&old.id),
                    },
                )?;
                let what = json!({ "delivery": made, "replayOf": old.id });
                this.note(
                    tx,
                    now,
                    &Note {
                        actor: &actor,
                        action: "delivery.replay",
                        subject_id: &client.id,
                        before: None,
                        after: Some(&what),
                    },
                )
            })
            .await?;
        self.handover.look();
        Ok(self.show_delivery(&new_id).await?.shown)
    }

    /// Who gets a delivery now. Consent is asked at the moment of sending: client active, workspace still enabled,
    /// method still ticked, URL still there and active.
    ///
    /// # Errors
    /// The inner error is the reason for which the delivery is not sent now; the outer one is the store's.
    pub async fn recipient(
        &self,
        client: ClientNumber,
        url_id: &str,
        workspace: WorkspaceNumber,
        method: &Method,
    ) -> Result<Result<Recipient, Withheld>, Error> {
        if client == NOTICES {
            return self.notice_recipient(url_id, workspace).await;
        }
        let Some(client) = self.lookup_client(client).await? else {
            return Ok(Err(Withheld::Gone("the client was deleted")));
        };
        match client.status {
            ClientStatus::Active => {}
            ClientStatus::Disabled => return Ok(Err(Withheld::Gone("the client is disabled"))),
            ClientStatus::Revoked => return Ok(Err(Withheld::Gone("the client was revoked"))),
        }
        let Some(enabled) = client.workspaces.iter().find(|enabled| enabled.number == workspace) else {
            return Ok(Err(Withheld::Gone("the client is no longer enabled for the workspace")));
        };
        if !client.methods.contains(method) {
            return Ok(Err(Withheld::Gone("the method is no longer ticked")));
        }
        let Some(url) = client.webhook_url(url_id) else {
            return Ok(Err(Withheld::Gone("the webhook URL was removed")));
        };
        match url.state {
            UrlState::Active => {}
            UrlState::Paused => return Ok(Err(Withheld::Held("the webhook URL is paused"))),
            UrlState::Disabled => return Ok(Err(self.withheld_by_disabled(url))),
        }
        Ok(Ok(Recipient {
            url: url.clone(),
            workspace: enabled.subdomain.as_str().to_owned(),
            api_version: client.api_version,
            payload: client.payload,
            client: Some(client),
        }))
    }

    /// What was pending when the clock disabled a URL waits for whoever enables it, as long as deliveries are kept. What a
    /// receiver that is gone would have got does not.
    fn withheld_by_disabled(&self, url: &WebhookUrl) -> Withheld {
        let kept = self.settings.retention.deliveries;
        match url.failing {
            Some(clock) if self.now().since(clock.last) < kept => Withheld::Held(DISABLED),
            _ => Withheld::Gone(DISABLED),
        }
    }

    /// Calls a pending delivery off.
    ///
    /// # Errors
    /// If the delivery does not exist for the actor, is no longer pending or on its way right now, or the store fails.
    pub async fn cancel_delivery(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Shown, Error> {
        self.change_pending(actor, id, "delivery.cancel", |tx, delivery, now| {
            control::cancel(tx, delivery.workspace, &delivery.id, CANCELLED, now)
        })
        .await
    }

    /// Has a pending delivery tried at once, rather than at its time.
    ///
    /// # Errors
    /// If the delivery does not exist for the actor, is no longer pending or on its way right now, or the store fails.
    pub async fn send_delivery_now(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Shown, Error> {
        let no_room = Arc::clone(self.handover.no_room());
        self.change_pending(actor, id, "delivery.send-now", move |tx, delivery, now| {
            // Before the commit, after which the senders would put it off as they do with all that is for this URL.
            no_room.mend_circuit(&delivery.url_id);
            control::advance(tx, delivery.workspace, &delivery.id, now)
        })
        .await
    }

    async fn change_pending<F>(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        action: &'static str,
        change: F,
    ) -> Result<Shown, Error>
    where
        F: Fn(&Tx<'_>, &Delivery, Timestamp) -> Result<bool, StoreError> + Send + 'static,
    {
        let now = self.now();
        let (this, actor, asked) = (Arc::clone(self), actor.clone(), id.to_owned());
        self.store
            .write(move |tx| {
                let delivery =
                    deliveries::lookup(tx, &asked)?.ok_or_else(|| Error::not_found("delivery", &asked))?;
                let client = clients::lookup(tx, delivery.client)?;
                admit_delivery(tx, &actor, &delivery, client.as_ref())?;
                if delivery.state != DeliveryState::Pending {
                    return Err(Error::Conflict(format!(
                        "the delivery is {} already",
                        delivery.state.as_str()
                    )));
                }
                if !change(tx, &delivery, now)? {
                    return Err(Error::Conflict(String::from(
                        "the delivery is on its way right now: look at it again in a moment",
                    )));
                }
                let subject_id = client.as_ref().map_or(delivery.id.as_str(), |client| client.id.as_str());
                let what = json!({ "delivery": delivery.id });
                this.note(
                    tx,
                    now,
                    &Note { actor: &actor, action, subject_id, before: None, after: Some(&what) },
                )
            })
            .await?;
        self.handover.look();
        Ok(self.show_delivery(id).await?.shown)
    }

    pub(crate) async fn shown(&self, delivery: Delivery) -> Result<Shown, Error> {
        let client = self.directory.lookup(&self.store, delivery.client).await?;
        let url = client.as_ref().and_then(|client| client.webhook_url(&delivery.url_id));
        Ok(Shown {
            client_id: client.as_ref().map(|client| client.id.clone()),
            url: url.map(|url| url.url.clone()),
            delivery,
        })
    }
}
