//! An orderly end: nothing is lost, nothing waits for its lease without need.

use std::time::Duration;

use gatepost_model::DeliveryState;
use gatepost_store::handover::handover;
use gatepost_store::tables::deliveries;
use tokio::time::Instant;

use super::support::{Answer, START, World, names};

#[tokio::test(start_paused = true)]
async fn what_is_on_the_wire_is_finished_and_what_waits_is_given_back() {
    let mut world = World::paused().await;
    world.options.concurrency_per_url = 1;
    world.receivers.script("whu_slow", [Answer::Slow(200, Duration::from_secs(3))]);
    world.insert(&names("due", 3, "whu_slow"), false).await;
    let running = world.run();
    world.receivers.wait_for(1).await;
    running.handover.give(world.insert(&names("fresh", 3, "whu_slow"), true).await);
    running.stop().await;
    assert_eq!(world.clock.now(), START.plus(Duration::from_secs(3)));
    let deliveries = world.deliveries().await;
    let delivered = deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Delivered);
    assert_eq!(delivered.count(), 1);
    // The others are free for anyone at once, untried.
    let now = world.clock.now();
    let claimed = world.store.write(move |tx| deliveries::claim(tx, now, now, 100)).await.unwrap();
    assert_eq!(claimed.len(), 5);
    assert!(claimed.iter().all(|delivery| delivery.attempts == 0));
}

#[tokio::test(start_paused = true)]
async fn fresh_deliveries_that_nobody_took_up_yet_are_given_back() {
    let world = World::paused().await;
    let (handover, handed) = handover(10);
    handover.give(world.insert(&names("fresh", 3, "whu_a"), true).await);
    let running = world.run_with(handover.clone(), handed);
    running.stop().await;
    assert!(!handover.has_room(), "nothing is taken after the end");
    assert_eq!(world.dispatcher().tick().await, Ok(3), "all are due");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_answered_in_time_is_sent_again_by_the_next() {
    let world = World::paused().await;
    world.receivers.script("whu_a", [Answer::Hangs, Answer::Status(200)]);
    world.due("a", "whu_a").await;
    let running = world.run();
    world.receivers.wait_for(1).await;
    let begun = Instant::now();
    running.stop().await;
    assert_eq!(begun.elapsed(), world.options.drain);
    let cut_off = world.delivery("a").await;
    assert_eq!((cut_off.state, cut_off.attempts), (DeliveryState::Pending, 0));
    let running = world.run();
    world.receivers.wait_for(2).await;
    running.stop().await;
    assert_eq!(world.delivery("a").await.state, DeliveryState::Delivered);
    assert!(world.receivers.calls().iter().all(|call| call.webhook_id() == "evt_a"));
}
