//! The events of a write and the deliveries that they cause, in the transaction of that write.
//!
//! Nothing is enqueued after a commit: what a crash leaves behind is in the tables (design.md "Webhooks"). A delivery is
//! made for each webhook URL that is subscribed to the method, and none where no client has ticked it (contract A25).

use std::sync::Arc;

use gatepost_catalog::Catalog;
use gatepost_model::webhook::{Event, Verb};
use gatepost_model::{ApiClient, Method, SeededRandom, Timestamp, WorkspaceNumber, ids};
use gatepost_store::handover::Handover;
use gatepost_store::tables::deliveries::{self, Claimed, FIRST_FENCE, NewDelivery};
use gatepost_store::tables::records;
use gatepost_store::tables::webhook_urls::{self, Subscriber};
use gatepost_store::{StoreError, Tx};

use super::EventOrder;
use crate::Gatepost;

/// How many deliveries of one write are handed over in memory. Those of a larger one wait in the table, so that they do not
/// fill the memory or outlast their leases while they queue.
const MOST_HANDED_OVER: usize = 256;

/// What the events of one write have in common. It holds all time and randomness, so that a closure that is run again
/// writes the same rows, but for the place of its events in their order.
#[derive(Clone)]
pub(super) struct Cause {
    pub(super) workspace: WorkspaceNumber,
    pub(super) now: Timestamp,
    client: String,
    catalog: Arc<Catalog>,
    leased_until: Option<Timestamp>,
    handover: Arc<Handover>,
    order: Arc<EventOrder>,
    seed: u64,
}

/// The deliveries of one write, to be made known after its commit.
#[must_use = "deliveries that are leased and not handed over wait until their lease ends"]
pub(super) struct Made {
    leased: Vec<Claimed>,
    due: bool,
}

impl Gatepost {
    /// The cause of a write that `client` asks for.
    pub(super) fn cause(&self, workspace: WorkspaceNumber, client: &ApiClient) -> Cause {
        let now = self.now();
        Cause {
            workspace,
            now,
            client: client.id.clone(),
            catalog: Arc::clone(&self.catalog),
            leased_until: self.handover.has_room().then(|| now.plus(self.settings.lease)),
            handover: Arc::clone(&self.handover),
            order: Arc::clone(&self.event_order),
            seed: self.random.next_u64(),
        }
    }

    /// What makes events known to those who wait for them and deliveries to the senders. It follows the commit, not the
    /// answer: a caller that goes away in between would leave deliveries waiting until their leases end.
    pub(super) fn hand_over(&self) -> impl FnOnce(Made) + Send + use<> {
        let (handover, waiting) = (Arc::clone(&self.handover), Arc::clone(&self.waiting));
        move |made| {
            waiting.ring();
            if made.due {
                handover.look();
            }
            handover.give(made.leased);
        }
    }
}

/// The events of one run of a write's closure.
pub(super) struct Events<'a, 's> {
    tx: &'a Tx<'s>,
    cause: &'a Cause,
    random: SeededRandom,
    /// The method of the latest event: those of one write are mostly of one method.
    method: Option<Method>,
    /// Who gets that method.
    subscribers: Vec<Subscriber>,
    made: Made,
}

impl<'a, 's> Events<'a, 's> {
    pub(super) const fn new(tx: &'a Tx<'s>, cause: &'a Cause) -> Self {
        Self {
            tx,
            cause,
            random: SeededRandom::new(cause.seed),
            method: None,
            subscribers: Vec::new(),
            made: Made { leased: Vec::new(), due: false },
        }
    }

    /// When the write happens.
    pub(super) const fn now(&self) -> Timestamp {
        self.cause.now
    }

    /// Writes the event of a change, and its deliveries. Nothing, if the entity type has no events.
    pub(super) fn add(
        &mut self,
        entity_type: &str,
        verb: Verb,
        record_id: &str,
        record: &str,
    ) -> Result<(), StoreError> {
        if !self.cause.catalog.lookup_type(entity_type).is_some_and(|entity| entity.webhooks) {
            return Ok(());
        }
        let event = Event {
            id: ids::sortable(ids::EVENT, self.cause.order.next(self.cause.now), &self.random),
            workspace: self.cause.workspace,
            method: Method::new(entity_type, verb),
            record_id: record_id.to_owned(),
            record: record.to_owned(),
            caused_by: self.cause.client.clone(),
            at: self.cause.now,
        };
        records::insert_event(self.tx, &event)?;
        if self.method.as_ref() != Some(&event.method) {
            self.subscribers = webhook_urls::list_subscribers(self.tx, event.workspace, &event.method)?;
            self.method = Some(event.method.clone());
        }
        for subscriber in &self.subscribers {
            let id = ids::sortable(ids::DELIVERY, self.cause.now, &self.random);
            let has_room = self.made.leased.len() < MOST_HANDED_OVER;
            let new = NewDelivery {
                id: &id,
                event_id: &event.id,
                url_id: &subscriber.url_id,
                client: subscriber.client,
                workspace: event.workspace,
                method: &event.method,
                created_at: event.at,
                leased_until: self.cause.leased_until.filter(|_| has_room),
                replay_of: None,
            };
            if let Some(turn) = self.cause.handover.no_room().until(&subscriber.url_id, self.cause.now) {
                deliveries::insert_for_later(self.tx, &new, turn)?;
                continue;
            }
            deliveries::insert(self.tx, &new)?;
            match new.leased_until {
                Some(_) => self.made.leased.push(claimed(id, &event, subscriber)),
                None => self.made.due = true,
            }
        }
        Ok(())
    }

    /// What is to be handed over once the write is committed.
    pub(super) fn finish(self) -> Made {
        self.made
    }
}

/// A delivery that is made as leased, as the senders take it.
fn claimed(id: String, event: &Event, subscriber: &Subscriber) -> Claimed {
    Claimed {
        id,
        event_id: event.id.clone(),
        url_id: subscriber.url_id.clone(),
        client: subscriber.client,
        workspace: event.workspace,
        method: event.method.clone(),
        attempts: 0,
        fence: FIRST_FENCE,
        record_id: event.record_id.clone(),
        record: event.record.clone(),
        caused_by: event.caused_by.clone(),
        event_at: event.at,
    }
}
