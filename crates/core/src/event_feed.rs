//! The feed of events: what a client's webhooks tell, for the client to fetch itself. It closes gaps: a receiver that was
//! away, or doubts that it has seen everything, asks for what came after the last event that it knows.
//!
//! It has the events of the methods that the client has ticked, in the workspace that the gate let it into, in an order in
//! which nothing comes late (docs/adr/0009-event-feed.md).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatepost_model::webhook::Event;
use gatepost_model::{ApiClient, Timestamp, WorkspaceNumber, ids};
use gatepost_store::Tx;
use gatepost_store::tables::event_feed::{self, Place};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Error, Gatepost};

/// The most events of one page.
pub const MOST_EVENTS: u32 = 1_000;

/// The longest that a reader may wait for an event.
pub const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// So many may wait at once on this node; others get their answer at once.
const MOST_WAITING: usize = 1_000;

/// What other nodes write is found by looking again so often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Events come in bursts: who waits looks at most so often.
const PACE: Duration = Duration::from_millis(50);

/// Where to go on in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// After this event: the latest that the reader knows.
    Event(String),
    /// From this moment on.
    Time(Timestamp),
    /// After what there is now: gives no event, but the place.
    Latest,
}

/// A page of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// The events, in their order.
    pub events: Vec<Event>,
    /// The event after which to go on; none if there was none since the moment that was asked for.
    pub next: Option<String>,
    /// Whether there is more right now.
    pub has_more: bool,
}

/// Those who wait for an event on this node.
#[derive(Debug)]
pub(crate) struct Waiting {
    written: Notify,
    room: Semaphore,
    is_over: AtomicBool,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { written: Notify::new(), room: Semaphore::new(MOST_WAITING), is_over: AtomicBool::new(false) }
    }
}

impl Waiting {
    /// Something was written.
    pub(crate) fn ring(&self) {
        self.written.notify_waiters();
    }
}

impl Gatepost {
    /// Answers all who wait for an event, and lets nobody wait any more: this node is about to stop.
    pub fn end_waiting(&self) {
        self.waiting.is_over.store(true, Ordering::Relaxed);
        self.waiting.ring();
    }

    /// Lets this process's events come after those that are stored, even if the clock was put back meanwhile. Where other
    /// processes write too, ids are not the order, and there is nothing to go on from.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn go_on_with_events(&self) -> Result<(), Error> {
        if !self.store.is_shared() {
            let latest = self.store.read(event_feed::latest_id).await?;
            if let Some(made) = latest.and_then(|id| ids::sortable_time(ids::EVENT, &id)) {
                self.event_order.go_on_after(made);
            }
        }
        Ok(())
    }

    /// The events after `after` that `client` gets webhooks of, from at most `limit` of the workspace's events. Waits for
    /// one as long as `wait` if there is none, but not while this node stops.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the event that was named is not known here, or is not kept any more; or if the store fails.
    pub async fn event_feed(
        &self,
        client: &ApiClient,
        workspace: WorkspaceNumber,
        after: After,
        limit: u32,
        wait: Duration,
    ) -> Result<EventPage, Error> {
        let deadline = Instant::now() + wait.min(LONGEST_WAIT);
        let room = self.waiting.room.try_acquire().ok();
        let mut after = after;
        loop {
            // Before the table is looked at, so that what is written meanwhile is not missed.
            let written = self.waiting.written.notified();
            let mut page = self.read_feed(client, workspace, after.clone(), limit).await?;
            if after == After::Latest {
                return Ok(page);
            }
            after = match page.next.take() {
                Some(next) => After::Event(next),
                None => after,
            };
            let may_wait = room.is_some() && !self.waiting.is_over.load(Ordering::Relaxed);
            if !page.events.is_empty() || page.has_more || !may_wait || Instant::now() >= deadline {
                if let After::Event(next) = after {
                    page.next = Some(next);
                }
                return Ok(page);
            }
            // However the wait ends, the table is the truth.
            let _ = timeout_at(deadline.min(Instant::now() + LOOK_AGAIN), written).await;
            sleep(PACE).await;
        }
    }

    async fn read_feed(
        &self,
        client: &ApiClient,
        workspace: WorkspaceNumber,
        after: After,
        limit: u32,
    ) -> Result<EventPage, Error> {
        let limit = limit.clamp(1, MOST_EVENTS);
        let oldest = self.now().minus(self.settings.retention.events);
        let read = move |tx: &Tx<'_>| {
            let place = match &after {
                After::Latest => return Ok(Ok((Vec::new(), event_feed::last_id(tx, workspace)?))),
                After::Time(since) => Place::since(*since),
                After::Event(id) => match Place::after(tx, workspace, id)? {
                    Some(place) => place,
                    None => return Ok::<_, Error>(Err(unknown(id, oldest))),
                },
            };
            let events = event_feed::list(tx, workspace, &place, limit)?;
            let next = events.last().map(|event| event.id.clone());
            Ok(Ok((events, next)))
        };
        let (mut events, next) = self.store.read(read).await??;
        let has_more = events.len() == usize::try_from(limit).unwrap_or(usize::MAX);
        events.retain(|event| client.methods.contains(&event.method));
        Ok(EventPage { events, next, has_more })
    }
}

fn unknown(id: &str, oldest: Timestamp) -> Error {
    let problem = match ids::sortable_time(ids::EVENT, id) {
        Some(made) if made < oldest => format!(
            "this event is not kept any more, and some that came after it may not be either; fetch the records that \
             you need, and go on with since={}",
            oldest.iso()
        ),
        _ => String::from(
            "there is no such event in this workspace; name the webhook-id of a webhook, or the \"next\" of an answer",
        ),
    };
    Error::invalid("after", problem)
}
