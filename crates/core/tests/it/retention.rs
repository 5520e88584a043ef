//! What is dropped when, and what must stay.

use std::time::Duration;

use gatepost_core::journal::Refusal;
use gatepost_core::retention::Dropped;
use gatepost_core::{Actor, Error, Page};
use gatepost_model::webhook::{Attempt, Event, Outcome};
use gatepost_model::{ClientNumber, DeliveryState, SeededRandom, WorkspaceNumber, ids};
use gatepost_store::partitions::{Day, DayTable};
use gatepost_store::tables::deliveries::{self, NewDelivery, Progress};
use gatepost_store::tables::{audit, records};
use gatepost_store::{StoreError, Tx};

use crate::support::Deployment;

const DAY: Duration = Duration::from_secs(24 * 3600);
const WORKSPACE: WorkspaceNumber = WorkspaceNumber(1);

macro_rules! on_both_engines {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(crate::support::Deployment::new().await).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $case() {
                    if let Some(deployment) = crate::support::Deployment::on_postgres().await {
                        super::$case(deployment).await;
                    }
                }
            )+
        }
    };
}

on_both_engines!(
    what_was_kept_long_enough_goes_and_nothing_sooner,
    a_pending_delivery_keeps_its_event_however_old,
    an_old_event_that_is_sent_again_stays_until_that_is_over,
    an_event_that_will_soon_go_is_not_sent_again,
    rows_without_a_day_of_their_own_go_in_small_pages,
);

/// An event with a delivery of it.
#[derive(Clone)]
struct Sent {
    event: Event,
    delivery: String,
}

impl Deployment {
    /// So many events with a delivery each, made now.
    async fn send(&self, number: u64) -> Vec<Sent> {
        let now = self.gatepost.now();
        let sent: Vec<Sent> = (0..number).map(|seed| made(now, seed)).collect();
        let written = sent.clone();
        self.gatepost
            .store()
            .write(move |tx| written.iter().try_for_each(|sent| insert(tx, sent, None)))
            .await
            .unwrap();
        sent
    }

    /// Ends a delivery, after one attempt.
    async fn end(&self, sent: &Sent, fence: i64) {
        let progress = Progress {
            id: sent.delivery.clone(),
            workspace: WORKSPACE,
            fence,
            state: DeliveryState::Delivered,
            reason: None,
            attempts: 1,
            due_at: self.gatepost.now(),
            ended_at: Some(self.gatepost.now()),
            attempt: Some(attempt(sent)),
        };
        let held = self.gatepost.store().write(move |tx| deliveries::record(tx, &progress)).await;
        assert_eq!(held, Ok(true));
    }

    /// Claims everything that is due, so that it can be ended.
    async fn claim(&self) -> i64 {
        let now = self.gatepost.now();
        let claimed =
            self.gatepost.store().write(move |tx| deliveries::claim(tx, now, now.plus(DAY), 10_000));
        claimed.await.unwrap()[0].fence
    }

    /// Whether event, delivery and attempt are there.
    async fn left(&self, sent: &Sent) -> (bool, bool, bool) {
        let sent = sent.clone();
        let read = self.gatepost.store().read(move |tx| {
            Ok::<_, StoreError>((
                records::lookup_event(tx, WORKSPACE, &sent.event.id)?.is_some(),
                deliveries::lookup(tx, &sent.delivery)?.is_some(),
                !deliveries::list_attempts(tx, WORKSPACE, &sent.delivery)?.is_empty(),
            ))
        });
        read.await.unwrap()
    }

    /// A day goes by, with the upkeep that is done in it.
    async fn day(&self) -> Dropped {
        self.clock.advance(DAY);
        self.upkeep().await
    }

    async fn upkeep(&self) -> Dropped {
        self.gatepost.prepare_days().await.unwrap();
        self.gatepost.apply_retention(Duration::ZERO).await.unwrap()
    }
}

fn made(now: gatepost_model::Timestamp, seed: u64) -> Sent {
    let random = SeededRandom::new(seed);
    let event = Event {
        id: ids::sortable(ids::EVENT, now, &random),
        workspace: WORKSPACE,
        method: "task.edit".parse().unwrap(),
        record_id: String::from("r"),
        record: String::from("{}"),
        caused_by: String::from("cli_1"),
        at: now,
    };
    Sent { event, delivery: ids::sortable(ids::DELIVERY, now, &random) }
}

fn insert(tx: &Tx<'_>, sent: &Sent, replay_of: Option<&str>) -> Result<(), StoreError> {
    if replay_of.is_none() {
        records::insert_event(tx, &sent.event)?;
    }
    let created_at = ids::sortable_time(ids::DELIVERY, &sent.delivery).unwrap();
    deliveries::insert(
        tx,
        &NewDelivery {
            id: &sent.delivery,
            event_id: &sent.event.id,
            url_id: "whu_1",
            client: ClientNumber(1),
            workspace: WORKSPACE,
            method: &sent.event.method,
            created_at,
            leased_until: None,
            replay_of,
        },
    )
}

fn attempt(sent: &Sent) -> Attempt {
    Attempt {
        delivery_id: sent.delivery.clone(),
        number: 1,
        started_at: sent.event.at,
        duration_us: 1,
        outcome: Outcome::Delivered,
        status: Some(200),
        error: None,
        address: None,
        request_headers: String::from("{}"),
        response_headers: None,
        reply: None,
        client_revision: 1,
    }
}

async fn what_was_kept_long_enough_goes_and_nothing_sooner(deployment: Deployment) {
    deployment.upkeep().await;
    let start = deployment.gatepost.now();
    let mut daily = Vec::new();
    for day in 0..34u32 {
        let sent = deployment.send(1).await.remove(0);
        let fence = deployment.claim().await;
        deployment.end(&sent, fence).await;
        deployment.gatepost.note_refusal(Refusal {
            id: ids::sortable(ids::REQUEST, deployment.gatepost.now(), &SeededRandom::new(1)),
            at: deployment.gatepost.now(),
            client: None,
            workspace: None,
            verb: String::from("GET"),
            path: String::from("/"),
            status: 401,
            refused_by: String::from("token"),
            detail: String::from("none"),
            address: String::from("192.0.2.1"),
        });
        deployment.gatepost.flush_journal().await.unwrap();
        daily.push(sent);
        let dropped = deployment.day().await;
        if deployment.gatepost.store().is_shared() {
            let days = usize::from(day >= 30) * 2 + usize::from(day >= 7);
            assert_eq!((dropped.days, dropped.rows), (days, usize::from(day >= 30)), "day {day}");
        }
    }
    let now = deployment.gatepost.now();
    assert_eq!(now, start.plus(34 * DAY));
    let first_kept = Day::of(now.minus(30 * DAY)).start();
    for sent in &daily {
        let kept = sent.event.at >= first_kept;
        assert_eq!(deployment.left(sent).await, (kept, kept, kept), "{}", sent.event.at.iso());
    }
    let refused = |sent: &Sent| ids::sortable(ids::REQUEST, sent.event.at, &SeededRandom::new(1));
    let first_kept = Day::of(now.minus(7 * DAY)).start();
    for sent in &daily {
        let found = deployment.gatepost.lookup_refusal(&refused(sent)).await.unwrap();
        assert_eq!(found.is_some(), sent.event.at >= first_kept);
    }
}

async fn a_pending_delivery_keeps_its_event_however_old(deployment: Deployment) {
    deployment.upkeep().await;
    let sent = deployment.send(3).await;
    let fence = deployment.claim().await;
    deployment.end(&sent[0], fence).await;
    for _ in 0..40 {
        deployment.day().await;
    }
    let [first, second, third] = [&sent[0], &sent[1], &sent[2]];
    assert!(!deployment.left(first).await.1);
    assert_eq!(deployment.left(second).await, (true, true, false));
    assert_eq!(deployment.claim().await, fence + 1, "it can still be sent");
    for sent in [second, third] {
        deployment.end(sent, fence + 1).await;
    }
    deployment.day().await;
    for sent in &sent {
        assert_eq!(deployment.left(sent).await, (false, false, false));
    }
}

async fn an_old_event_that_is_sent_again_stays_until_that_is_over(deployment: Deployment) {
    deployment.upkeep().await;
    let old = deployment.send(1).await.remove(0);
    let fence = deployment.claim().await;
    deployment.end(&old, fence).await;
    deployment.clock.advance(29 * DAY);
    let replay = Sent { event: old.event.clone(), ..made(deployment.gatepost.now(), 9) };
    let (written, replay_of) = (replay.clone(), old.delivery.clone());
    let stored = deployment.gatepost.store().write(move |tx| insert(tx, &written, Some(&replay_of)));
    stored.await.unwrap();
    for _ in 0..5 {
        deployment.day().await;
    }
    assert_eq!(deployment.left(&old).await, (true, false, false));
    let fence = deployment.claim().await;
    deployment.end(&replay, fence).await;
    deployment.day().await;
    assert_eq!(deployment.left(&replay).await, (false, true, true));
}

async fn an_event_that_will_soon_go_is_not_sent_again(deployment: Deployment) {
    let workspace = deployment.workspace("shop").await;
    let client = deployment.client(&workspace, &["task.edit"], 1).await;
    let now = deployment.gatepost.now();
    let sent = made(now, 1);
    let written = sent.clone();
    let stored = deployment.gatepost.store().write(move |tx| {
        records::insert_event(tx, &written.event)?;
        deliveries::insert(
            tx,
            &NewDelivery {
                id: &written.delivery,
                event_id: &written.event.id,
                url_id: &client.webhook_urls[0].id,
                client: client.number,
                workspace: WORKSPACE,
                method: &written.event.method,
                created_at: now,
                leased_until: None,
                replay_of: None,
            },
        )
    });
    stored.await.unwrap();
    let fence = deployment.claim().await;
    deployment.end(&sent, fence).await;
    deployment.clock.advance(30 * DAY);
    deployment.gatepost.replay_delivery(&Actor::Cli, &sent.delivery).await.unwrap();
    deployment.clock.advance(Duration::from_millis(1));
    let refused = deployment.gatepost.replay_delivery(&Actor::Cli, &sent.delivery).await;
    assert!(matches!(refused, Err(Error::Conflict(reason)) if reason.contains("no longer kept")));
}

async fn rows_without_a_day_of_their_own_go_in_small_pages(deployment: Deployment) {
    // Nothing has made the partition of this day yet.
    let sent = deployment.send(1_000).await;
    let fence = deployment.claim().await;
    for sent in &sent {
        deployment.end(sent, fence).await;
    }
    deployment.clock.advance(40 * DAY);
    let dropped = deployment.upkeep().await;
    assert_eq!(dropped, Dropped { rows: 3_000, pages: 15, days: 0 });
    assert_eq!(deployment.upkeep().await.rows, 0);
}

#[tokio::test]
async fn rows_that_came_before_their_day_move_into_it() {
    let Some(deployment) = Deployment::on_postgres().await else { return };
    let sent = deployment.send(10).await;
    deployment.upkeep().await;
    let fence = deployment.claim().await;
    deployment.end(&sent[0], fence).await;
    let now = deployment.gatepost.now();
    assert_eq!(deployment.gatepost.store().create_days(now, now).await, Ok(0));
    // Only a partition goes as a whole.
    let next = Day::of(now).next();
    assert_eq!(deployment.gatepost.store().drop_days(DayTable::Events, next).await, Ok(1));
    assert_eq!(deployment.left(&sent[0]).await, (false, true, true));
}

#[tokio::test]
async fn audit_entries_are_kept() {
    let deployment = Deployment::new().await;
    deployment.workspace("shop").await;
    deployment.clock.advance(4_000 * DAY);
    deployment.upkeep().await;
    let page = Page::default();
    let entries = deployment.gatepost.store().read(move |tx| audit::list(tx, None, &page)).await.unwrap();
    assert!(!entries.is_empty());
}
