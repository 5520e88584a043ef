//! When a delivery is tried, from the first try to its end.

use std::time::Duration;

use gatepost_model::DeliveryState;
use gatepost_model::webhook::Outcome;
use gatepost_store::StoreError;
use gatepost_store::tables::deliveries::{self, NewDelivery};
use proptest::prelude::*;
use tokio::time::sleep;

use super::support::{Answer, HOUR, MINUTE, START, World, new_delivery, schedule};

/// The pauses of contract.md H, in minutes.
const PAUSES: [u32; 10] = [5, 10, 20, 40, 80, 160, 320, 640, 1280, 48 * 60];

/// Pauses are stretched by up to a tenth.
fn assert_pause(pause: Duration, planned: Duration) {
    assert!(pause >= planned && pause <= planned.mul_f64(1.1), "{pause:?} instead of {planned:?}");
}

#[tokio::test]
async fn a_delivery_fails_after_eleven_tries_and_is_delivered_when_it_is_replayed() {
    let (world, clock) = World::manual().await;
    world.receivers.script("whu_a", [Answer::Status(500), Answer::Lost(Outcome::Timeout)]);
    let made = world.insert(&[(String::from("a"), "whu_a")], false).await;
    let dispatcher = world.dispatcher();
    for (number, minutes) in (1..).zip(PAUSES) {
        assert_eq!(dispatcher.tick().await, Ok(1), "try {number}");
        let delivery = world.delivery("a").await;
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Pending, number));
        assert_pause(delivery.due_at.since(world.clock.now()), MINUTE * minutes);
        clock.set(delivery.due_at.minus(Duration::from_micros(1)));
        assert_eq!(dispatcher.tick().await, Ok(0), "too early for try {}", number + 1);
        clock.set(delivery.due_at);
    }
    let last_try = world.clock.now();
    assert_eq!(dispatcher.tick().await, Ok(1));
    let failed = world.delivery("a").await;
    assert_eq!((failed.state, failed.attempts), (DeliveryState::Failed, 11));
    assert_eq!(failed.reason.as_deref(), Some("all 11 tries failed; the last: It ended as timeout."));
    assert_eq!(failed.ended_at, Some(last_try));

    let attempts = world.attempts("a").await;
    assert_eq!(
        attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(),
        (1..=11).collect::<Vec<_>>()
    );
    assert_eq!((attempts[0].outcome, attempts[0].status), (Outcome::Status, Some(500)));
    assert_eq!(attempts[0].reply.as_deref(), Some("noted"));
    assert_eq!(attempts[0].response_headers.as_deref(), Some(r#"{"x-receiver":"1"}"#));
    assert!(
        attempts[1..].iter().all(|attempt| attempt.outcome == Outcome::Timeout && attempt.status.is_none())
    );
    assert!(
        attempts[1..].iter().all(|attempt| attempt.reply.is_none() && attempt.response_headers.is_none())
    );
    assert!(attempts.iter().all(|attempt| attempt.client_revision == 4));

    // Nothing more comes of it, however long one waits.
    clock.advance(HOUR * 24 * 365);
    assert_eq!(dispatcher.tick().await, Ok(0));
    world.receivers.script("whu_a", [Answer::Status(204)]);
    let (now, old) = (world.clock.now(), made[0].clone());
    let insert = world.store.write(move |tx| {
        let replay =
            NewDelivery { id: "dlv_replay", created_at: now, replay_of: Some(&old.id), ..new_delivery(&old) };
        deliveries::insert(tx, &replay)
    });
    assert_eq!(insert.await, Ok::<_, StoreError>(()));
    assert_eq!(dispatcher.tick().await, Ok(1));
    let replay = world.delivery("replay").await;
    assert_eq!((replay.state, replay.attempts), (DeliveryState::Delivered, 1));
    assert_eq!(replay.replay_of.as_deref(), Some("dlv_a"));
    assert_eq!(world.delivery("a").await, failed, "history is not edited");
    let calls = world.receivers.calls();
    assert_eq!(calls.len(), 12);
    assert!(calls.iter().all(|call| call.webhook_id() == "evt_a" && call.body == r#"{"_id":"a"}"#));
    assert_eq!(
        (calls[11].header("gatepost-delivery"), calls[11].header("gatepost-attempt")),
        ("dlv_replay", "1")
    );
}

#[tokio::test(start_paused = true)]
async fn the_loop_tries_eleven_times_when_each_is_due() {
    let mut world = World::paused().await;
    world.options.poll = HOUR;
    world.receivers.script("whu_a", [Answer::Status(500)]);
    world.due("a", "whu_a").await;
    let running = world.run();
    world.receivers.wait_for(11).await;
    running.stop().await;
    assert_eq!(world.delivery("a").await.state, DeliveryState::Failed);
    let calls = world.receivers.calls();
    for (pair, minutes) in calls.windows(2).zip(PAUSES) {
        // A timer is good to a millisecond.
        assert_pause(
            pair[1].at - pair[0].at - Duration::from_millis(1),
            MINUTE * minutes - Duration::from_millis(1),
        );
    }
    assert!(calls.iter().all(|call| call.webhook_id() == "evt_a"));
    let numbers: Vec<_> = calls.iter().map(|call| call.header("gatepost-attempt").to_owned()).collect();
    assert_eq!(numbers, (1..=11).map(|number: u32| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_receivers_wish_delays_a_try_and_never_advances_it() {
    let world = World::paused().await;
    world
        .receivers
        .script("whu_a", [Answer::Later(503, HOUR * 2), Answer::Later(429, MINUTE), Answer::Status(200)]);
    world.due("a", "whu_a").await;
    let running = world.run();
    world.receivers.wait_for(3).await;
    running.stop().await;
    let calls = world.receivers.calls();
    // The loop looks each second at the latest.
    let lateness = Duration::from_secs(1);
    let first = calls[1].at - calls[0].at;
    assert!(first >= HOUR * 2 && first <= HOUR * 2 + lateness, "{first:?}");
    let second = calls[2].at - calls[1].at;
    assert!(second >= MINUTE * 10 && second <= MINUTE * 11 + lateness, "{second:?}");
    assert_eq!(world.delivery("a").await.state, DeliveryState::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_ring_wakes_the_loop_before_its_time() {
    let mut world = World::paused().await;
    world.options.poll = HOUR;
    let running = world.run();
    // Once this one is under way, the loop has had its first look at the table.
    running.handover.give(world.insert(&[(String::from("fresh"), "whu_a")], true).await);
    world.receivers.wait_for(1).await;
    world.due("later", "whu_a").await;
    running.handover.look();
    world.receivers.wait_for(2).await;
    assert_eq!(world.clock.now(), START);
    running.stop().await;
    assert_eq!(world.delivery("later").await.state, DeliveryState::Delivered);
}

#[tokio::test(start_paused = true)]
async fn without_a_ring_the_table_is_looked_at_often_enough() {
    let world = World::paused().await;
    let running = world.run();
    running.handover.give(world.insert(&[(String::from("fresh"), "whu_a")], true).await);
    world.receivers.wait_for(1).await;
    world.due("later", "whu_a").await;
    world.receivers.wait_for(2).await;
    assert!(world.clock.now() <= START.plus(world.options.poll));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn with_nothing_to_do_the_loop_writes_nothing() {
    let world = World::paused().await;
    let before = world.store.metrics();
    let running = world.run();
    sleep(HOUR).await;
    running.stop().await;
    let after = world.store.metrics();
    assert_eq!(after.closures, before.closures);
    assert!(after.reads - before.reads <= 3_601, "it looks once a second");
}

/// Answers with what they mean: whether a try that is answered so ends the delivery, and how.
fn answers() -> impl Strategy<Value = (u16, Option<DeliveryState>)> {
    prop_oneof![
        5 => Just((500, None)),
        2 => Just((301, None)),
        2 => Just((0, None)),
        1 => Just((200, Some(DeliveryState::Delivered))),
        1 => Just((410, Some(DeliveryState::Failed))),
    ]
}

#[test]
fn any_course_of_answers_ends_as_the_schedule_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut world, clock) = runtime.block_on(World::manual());
    world.options.schedule = schedule(&[1, 2, 4]);
    let number = std::cell::Cell::new(0);
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(course in proptest::collection::vec(answers(), 4))| {
        number.set(number.get() + 1);
        let name = number.get().to_string();
        let script = course.iter().map(|(status, _)| match status {
            0 => Answer::Lost(Outcome::Connect),
            status => Answer::Status(*status),
        });
        world.receivers.script("whu_a", script);
        let tries = course.iter().position(|(_, end)| end.is_some()).map_or(4, |place| place + 1);
        let end = course.iter().find_map(|(_, end)| *end).unwrap_or(DeliveryState::Failed);
        runtime.block_on(async {
            world.due(&name, "whu_a").await;
            for number in 1..=tries {
                assert_eq!(world.dispatcher().tick().await, Ok(1));
                let delivery = world.delivery(&name).await;
                assert_eq!(delivery.state == DeliveryState::Pending, number < tries);
                clock.set(delivery.due_at);
            }
            clock.advance(HOUR);
            assert_eq!(world.dispatcher().tick().await, Ok(0));
            let delivery = world.delivery(&name).await;
            assert_eq!((delivery.state, usize::try_from(delivery.attempts)), (end, Ok(tries)));
            assert_eq!(world.attempts(&name).await.len(), tries);
        });
    });
}
