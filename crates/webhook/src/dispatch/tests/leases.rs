//! Crashes and rivals: leases end, fences hold.

use std::collections::HashSet;
use std::sync::Arc;

use gatepost_model::webhook::Outcome;
use gatepost_model::{Clock, DeliveryState};
use tokio::time::{Instant, sleep};

use super::support::{Answer, START, World, names};
use crate::dispatch::LEASE;

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_behind_is_found_when_its_lease_ends() {
    let world = World::paused().await;
    // Written as leased by a node that went down before it could hand them over.
    world.insert(&names("lost", 3, "whu_a"), true).await;
    let begun = Instant::now();
    let running = world.run();
    world.receivers.wait_for(3).await;
    running.stop().await;
    assert_eq!(begun.elapsed(), LEASE);
    let deliveries = world.deliveries().await;
    assert!(
        deliveries
            .iter()
            .all(|delivery| (delivery.state, delivery.attempts) == (DeliveryState::Delivered, 1))
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_answer_costs_a_repetition_with_the_same_id() {
    let world = World::paused().await;
    world.receivers.script("whu_a", [Answer::Hangs, Answer::Status(200)]);
    world.due("a", "whu_a").await;
    let running = world.run();
    world.receivers.wait_for(1).await;
    running.crash().await;
    let running = world.run();
    world.receivers.wait_for(2).await;
    running.stop().await;
    let calls = world.receivers.calls();
    assert!(calls.iter().all(|call| call.webhook_id() == "evt_a" && call.header("gatepost-attempt") == "1"));
    assert!(calls[1].at - calls[0].at >= LEASE);
    assert_eq!(world.delivery("a").await.attempts, 1);
}

#[tokio::test]
async fn a_claim_that_was_lost_records_nothing() {
    let (world, clock) = World::manual().await;
    let rival = Arc::new(world.dispatcher());
    let moved = Arc::clone(&clock);
    let overtaken = Answer::Meanwhile(
        Arc::new(move || {
            let (rival, clock) = (Arc::clone(&rival), Arc::clone(&moved));
            Box::pin(async move {
                clock.advance(LEASE * 2);
                assert_eq!(rival.tick().await, Ok(1));
            })
        }),
        410,
    );
    // The first to claim is told that the URL is gone, but only after another has claimed and delivered.
    world.receivers.script("whu_a", [overtaken, Answer::Status(200)]);
    world.due("a", "whu_a").await;
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    let delivery = world.delivery("a").await;
    assert_eq!((delivery.state, delivery.reason), (DeliveryState::Delivered, None));
    let attempts = world.attempts("a").await;
    assert_eq!(attempts.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [Outcome::Delivered]);
    assert_eq!(attempts[0].started_at, clock.now());
}

#[tokio::test(start_paused = true)]
async fn two_dispatchers_on_one_store_share_the_work() {
    let world = World::paused().await;
    world.receivers.script("whu_a", [Answer::Slow(200, LEASE / 30)]);
    world.insert(&names("a", 500, "whu_a"), false).await;
    let (one, other) = (world.run(), world.run());
    world.receivers.wait_for(500).await;
    one.stop().await;
    other.stop().await;
    let calls = world.receivers.calls();
    assert_eq!(calls.len(), 500);
    assert_eq!(calls.iter().map(|call| call.webhook_id().to_owned()).collect::<HashSet<_>>().len(), 500);
    let deliveries = world.deliveries().await;
    assert!(
        deliveries
            .iter()
            .all(|delivery| (delivery.state, delivery.attempts) == (DeliveryState::Delivered, 1))
    );
}

#[tokio::test(start_paused = true)]
async fn what_waited_for_most_of_its_lease_is_claimed_anew_before_it_is_sent() {
    let mut world = World::paused().await;
    world.options.concurrency_per_url = 1;
    world
        .receivers
        .script("whu_a", [Answer::Slow(200, LEASE / 3), Answer::Slow(200, LEASE / 3), Answer::Status(200)]);
    let running = world.run();
    running.handover.give(world.insert(&names("a", 6, "whu_a"), true).await);
    world.receivers.wait_for(6).await;
    running.stop().await;
    assert!(world.clock.now() < START.plus(LEASE * 3));
    assert_eq!(world.receivers.calls().len(), 6, "none was sent twice");
    let deliveries = world.deliveries().await;
    assert!(
        deliveries
            .iter()
            .all(|delivery| (delivery.state, delivery.attempts) == (DeliveryState::Delivered, 1))
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_over_late_is_claimed_anew_before_it_is_sent() {
    let world = World::paused().await;
    let running = world.run();
    let late = world.insert(&names("a", 1, "whu_a"), true).await;
    sleep(LEASE * 2 / 3).await;
    // Its lease would end in the middle of this try, and somebody else would find it.
    world.receivers.script("whu_a", [Answer::Slow(200, LEASE * 2 / 5)]);
    running.handover.give(late);
    world.receivers.wait_for(1).await;
    sleep(LEASE).await;
    running.stop().await;
    assert_eq!(world.receivers.calls().len(), 1);
    assert_eq!(world.deliveries().await[0].state, DeliveryState::Delivered);
}
