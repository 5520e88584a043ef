//! A slow or dead receiver delays no other, and memory stays bounded.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use gatepost_model::DeliveryState;
use gatepost_model::webhook::Outcome;
use tokio::time::{Instant, sleep};

use super::support::{Answer, World, names, recipient, schedule};
use crate::dispatch::run::MOST_WAITING;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_delays_no_other() {
    let mut world = World::paused().await;
    world.options.concurrency = 64;
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
    // The transport has no deadline here, so the dispatcher's own ends the tries; then only probes are risked.
    world.receivers.wait_for(110).await;
    running.stop().await;
    let hung = world.receivers.calls_to("whu_hangs");
    assert_eq!(hung[7].at, begun);
    let probes = [hung[8].at - begun, hung[9].at - begun].map(|after| after.as_secs());
    assert_eq!(probes, [16 + 10, 16 + 10 + 16 + 20]);
    let tried = world.attempts("hangs00000").await;
    assert_eq!((tried[0].outcome, tried[0].duration_us), (Outcome::Timeout, 16_000_000));
}

/// How long it takes until a fresh delivery for a URL that answers within 20 ms is through, 99 of 100 times, while
/// as many others hang. Each URL gets one a second, for so many seconds.
async fn p99_beside(hanging: usize, seconds: u64) -> Duration {
    let takes = Duration::from_millis(20);
    let world = World::paused().await;
    let urls: Vec<String> = (0..1_000).map(|number| format!("whu_{number:04}")).collect();
    for (number, url) in urls.iter().enumerate() {
        let hangs = number < hanging;
        world.receivers.script(url, [if hangs { Answer::Hangs } else { Answer::Slow(200, takes) }]);
    }
    let running = world.run();
    let mut given = HashMap::new();
    for (round, some) in (0..seconds).flat_map(|round| urls.chunks(100).map(move |some| (round, some))) {
        let fresh: Vec<_> = some.iter().map(|url| (format!("{round:02}{url}"), url.as_str())).collect();
        let made = world.insert(&fresh, true).await;
        given.extend(made.iter().map(|delivery| (delivery.event_id.clone(), Instant::now())));
        running.handover.give(made);
        sleep(SECOND / 10).await;
    }
    running.stop().await;
    let healthy: HashSet<String> = urls[hanging..].iter().map(|url| recipient(url).url).collect();
    let calls = world.receivers.calls().into_iter().filter(|call| healthy.contains(&call.url));
    let mut took: Vec<Duration> = calls.map(|call| call.at - given[call.webhook_id()] + takes).collect();
    assert_eq!(took.len(), given.len() / urls.len() * healthy.len(), "each was sent once");
    took.sort();
    took[took.len() * 99 / 100]
}

#[tokio::test(start_paused = true)]
async fn a_hundred_of_a_thousand_receivers_hang_and_the_others_do_not_notice() {
    let (alone, beside) = (p99_beside(0, 2).await, p99_beside(100, 20).await);
    assert!(beside <= alone.mul_f64(1.2), "{beside:?} beside receivers that hang, {alone:?} without");
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
