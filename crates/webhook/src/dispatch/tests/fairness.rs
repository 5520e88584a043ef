//! A slow or dead receiver delays no other, and memory stays bounded.

use std::time::Duration;

use gatepost_model::DeliveryState;
use gatepost_model::webhook::Outcome;
use tokio::time::{Instant, sleep};

use super::support::{Answer, World, names, schedule};
use crate::dispatch::run::MOST_WAITING;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_delays_no_other() {
    let mut world = World::paused().await;
    // What hangs may take the whole wire but for one place.
    world.options.concurrency = 9;
    world.receivers.script("whu_hangs", [Answer::Hangs]);
    world.insert(&names("hangs", 50, "whu_hangs"), false).await;
    world.insert(&names("quick", 50, "whu_quick"), false).await;
    let begun = Instant::now();
    let running = world.run();
    world.receivers.wait_for(58).await;
    running.handover.give(world.insert(&names("fresh", 50, "whu_quick"), true).await);
    world.receivers.wait_for(108).await;
    let quick = world.receivers.calls_to("whu_quick");
    assert_eq!(quick.len(), 100);
    assert!(quick.iter().all(|call| call.at - begun < SECOND));
    // The transport has no deadline here, so the dispatcher's own ends the tries; then only one at a time is risked.
    world.receivers.wait_for(110).await;
    running.stop().await;
    let hung = world.receivers.calls_to("whu_hangs");
    assert_eq!(hung[7].at, begun);
    assert_eq!(hung[8].at - begun, SECOND * 16);
    assert_eq!(hung[9].at - begun, SECOND * 32);
    let tried = world.attempts("hangs00000").await;
    assert_eq!((tried[0].outcome, tried[0].duration_us), (Outcome::Timeout, 16_000_000));
}

#[tokio::test(start_paused = true)]
async fn a_backlog_for_a_dead_url_hides_nobody_behind_it() {
    let world = World::paused().await;
    world.receivers.script("whu_dead", [Answer::Hangs]);
    world.insert(&names("dead", 5_000, "whu_dead"), false).await;
    let others: Vec<String> = (0..20).map(|number| format!("whu_{number}")).collect();
    let single: Vec<_> = others.iter().map(|url| (format!("single_{url}"), url.as_str())).collect();
    world.insert(&single, false).await;
    let begun = Instant::now();
    let running = world.run();
    // Eight tries of the dead URL are on the wire, the others are through.
    world.receivers.wait_for(28).await;
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert!(others.iter().all(|url| world.receivers.calls_to(url).len() == 1));
    // What gave way is on its way to the table, and counts until it is there.
    assert!(running.held() <= 5_020);
    world.insert(&[(String::from("late"), "whu_late")], false).await;
    running.handover.look();
    world.receivers.wait_for(29).await;
    assert!(begun.elapsed() < SECOND * 2, "{:?}", begun.elapsed());
    assert!(running.held() <= MOST_WAITING + 4 * 128, "{}", running.held());
    // Moving the backlog out of the way was little work, and stays little.
    assert!(world.store.metrics().closures < 200, "{:?}", world.store.metrics());
    sleep(SECOND * 600).await;
    assert!(world.store.metrics().closures < 6_000, "{:?}", world.store.metrics());
    assert!(running.held() <= MOST_WAITING + 128 + 8, "{}", running.held());
    running.stop().await;
    let states = world.deliveries().await;
    assert_eq!(states.len(), 5_021);
    assert_eq!(states.iter().filter(|delivery| delivery.state == DeliveryState::Delivered).count(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_for_a_slow_url_goes_out_at_the_pace_of_its_receiver() {
    let mut world = World::paused().await;
    world.options.schedule = schedule(&[]);
    world.receivers.script("whu_slow", [Answer::Slow(200, Duration::from_millis(100))]);
    world.insert(&names("slow", 3_200, "whu_slow"), false).await;
    let begun = Instant::now();
    let running = world.run();
    world.receivers.wait_for(3_200).await;
    let took = begun.elapsed();
    running.stop().await;
    // 32 at a time and ten times a second make 10 s; what gave way and came back must not add as much again.
    assert!(took >= SECOND * 9 && took <= SECOND * 15, "{took:?}");
    let delivered = world.deliveries().await;
    assert!(
        delivered.iter().all(|delivery| (delivery.state, delivery.attempts) == (DeliveryState::Delivered, 1))
    );
    assert_eq!(world.receivers.calls().len(), 3_200, "each was sent once");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_fresh_deliveries_is_bounded_too() {
    let world = World::paused().await;
    world.receivers.script("whu_dead", [Answer::Hangs]);
    let running = world.run();
    running.handover.give(world.insert(&names("dead", 4_000, "whu_dead"), true).await);
    running.handover.give(world.insert(&names("quick", 1, "whu_quick"), true).await);
    world.receivers.wait_for(9).await;
    assert_eq!(world.receivers.calls_to("whu_quick").len(), 1);
    // Some seconds later all that gave way is in the table again, where it can be seen to be due within minutes.
    running.handover.give(world.insert(&names("later", 1, "whu_later"), true).await);
    world.receivers.wait_for(10).await;
    running.stop().await;
    let deliveries = world.deliveries().await;
    assert!(
        deliveries.iter().all(|delivery| delivery.due_at <= world.clock.now().plus(Duration::from_secs(300)))
    );
}
