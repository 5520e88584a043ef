//! The store, the transport or the directory fails: nothing is lost, and the loop goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatepost_model::webhook::Outcome;
use gatepost_model::{DeliveryState, NoCrash};
use gatepost_store::tables::deliveries::{self, Claimed, Progress};
use gatepost_store::tables::records;
use gatepost_store::{Store, StoreError, StoreOptions};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::sleep;

use super::support::{Answer, START, TokioClock, WORKSPACE, World, names};
use crate::dispatch::hold::Hold;
use crate::dispatch::{LEASE, attempt, recorder};

/// Writes records until there is no space left.
async fn fill(store: Store) {
    let mut end = Ok(());
    // The smaller ones fill what the larger ones leave.
    for (size, kind) in [(100_000, "large"), (2_000, "small"), (10, "tiny")] {
        for number in 0.. {
            end = store
                .write(move |tx| {
                    let body = format!("\"{}\"", "x".repeat(size));
                    records::insert(tx, WORKSPACE, "filler", &format!("{kind}{number:05}"), &body)
                })
                .await;
            if end.is_err() {
                break;
            }
        }
    }
    assert_eq!(end, Err(StoreError::Full));
}

async fn free(store: Store) {
    let deleted = store.write(|tx| {
        (0..5).try_for_each(|number| records::delete(tx, WORKSPACE, "filler", &format!("large{number:05}")))
    });
    assert_eq!(deleted.await, Ok::<_, StoreError>(()));
}

/// A receiver that takes a delivery after something happened to the store.
fn after<F>(store: &Store, happens: impl Fn(Store) -> F + Send + Sync + 'static) -> Answer
where
    F: Future<Output = ()> + Send + 'static,
{
    let store = store.clone();
    Answer::Meanwhile(Arc::new(move || Box::pin(happens(store.clone()))), 200)
}

async fn small() -> World {
    World::new(TokioClock::new(), StoreOptions { max_pages: Some(400), ..StoreOptions::default() }).await
}

#[tokio::test(start_paused = true)]
async fn a_result_waits_for_a_full_store_to_have_space_again() {
    let world = small().await;
    world.receivers.script("whu_a", [after(&world.store, fill)]);
    world.due("a", "whu_a").await;
    let running = world.run();
    world.receivers.wait_for(1).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(world.delivery("a").await.state, DeliveryState::Pending);
    free(world.store.clone()).await;
    running.stop().await;
    assert_eq!(
        (world.delivery("a").await.state, world.receivers.calls().len()),
        (DeliveryState::Delivered, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_delivery_whose_result_could_not_be_written_is_sent_again() {
    let world = small().await;
    world.receivers.script("whu_a", [after(&world.store, fill), after(&world.store, free)]);
    world.due("a", "whu_a").await;
    let running = world.run();
    world.receivers.wait_for(2).await;
    running.stop().await;
    assert!(world.clock.now() >= START.plus(LEASE));
    let calls = world.receivers.calls();
    assert!(calls.iter().all(|call| (call.webhook_id(), call.header("gatepost-attempt")) == ("evt_a", "1")));
    let delivery = world.delivery("a").await;
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Delivered, 1));
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_has_failed_this_try_only() {
    let mut world = World::paused().await;
    world.options.concurrency_per_url = 1;
    world.receivers.script("whu_a", [Answer::Panics, Answer::Status(200)]);
    world.insert(&names("a", 2, "whu_a"), false).await;
    let running = world.run();
    world.receivers.wait_for(3).await;
    running.stop().await;
    let attempts = world.attempts("a00000").await;
    assert_eq!((attempts[0].outcome, attempts[1].outcome), (Outcome::Protocol, Outcome::Delivered));
    assert_eq!(attempts[0].error.as_deref(), Some("Sending broke off because of an error within Gatepost."));
    assert_eq!(world.attempts("a00001").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_panics_leaves_the_delivery_to_its_lease() {
    let mut world = World::paused().await;
    world.options.concurrency_per_url = 1;
    world.consents.panic_next(1);
    world.insert(&names("a", 3, "whu_a"), false).await;
    let running = world.run();
    // The lane is free again at once, and the one whose task broke off comes back.
    world.receivers.wait_for(2).await;
    assert_eq!(world.clock.now().since(START), Duration::ZERO);
    world.receivers.wait_for(3).await;
    running.stop().await;
    assert!(world.clock.now().since(START) >= LEASE);
    let deliveries = world.deliveries().await;
    assert!(
        deliveries
            .iter()
            .all(|delivery| (delivery.state, delivery.attempts) == (DeliveryState::Delivered, 1))
    );
}

fn result(delivery: &Claimed, world: &World) -> recorder::Result {
    let progress = Progress {
        state: DeliveryState::Delivered,
        attempts: 1,
        ..attempt::unchanged(delivery, world.clock.now())
    };
    recorder::Result { progress, news: None }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_written_costs_no_other() {
    let world = World::paused().await;
    let made = world.insert(&names("a", 5, "whu_a"), true).await;
    let mut results: Vec<_> = made.iter().map(|delivery| result(delivery, &world)).collect();
    // A second attempt of the same number breaks a rule of its table.
    world.receivers.script("whu_b", [Answer::Status(500)]);
    world.due("b", "whu_b").await;
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    results[2].progress.attempt = world.attempts("b").await.pop();

    let held = Arc::new(AtomicUsize::new(0));
    let (sender, to_record) = unbounded_channel();
    for result in results {
        sender.send((result, Hold::new(&held))).unwrap();
    }
    drop(sender);
    recorder::run(world.store.clone(), to_record, Arc::new(NoCrash)).await;
    assert_eq!(held.load(Ordering::Relaxed), 0);
    for (place, delivery) in made.iter().enumerate() {
        let id = delivery.id.clone();
        let stored = world.store.read(move |tx| deliveries::lookup(tx, &id)).await;
        let state = if place == 2 { DeliveryState::Pending } else { DeliveryState::Delivered };
        assert_eq!(stored.map(|stored| stored.map(|stored| stored.state)), Ok::<_, StoreError>(Some(state)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_closes_ends_nothing_but_the_recording() {
    let world = World::paused().await;
    let closes = after(&world.store, |store| async move { store.close().await });
    world.receivers.script("whu_a", [closes]);
    world.due("a", "whu_a").await;
    let running = world.run();
    world.receivers.wait_for(1).await;
    sleep(LEASE).await;
    running.stop().await;
}
