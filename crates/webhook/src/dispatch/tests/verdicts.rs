//! What ends a delivery: answers, and consent that is gone.

use std::sync::Arc;
use std::time::Duration;

use gatepost_model::webhook::Outcome;
use gatepost_model::{
    ApiClient, ApiVersion, ClientStatus, DeliveryState, FailureClock, SecretPolicy, Timestamp, UrlState,
    WebhookUrl,
};
use gatepost_store::tables::clients;
use gatepost_store::{Change, StoreError};

use super::support::{Answer, CLIENT, HOUR, START, World, names, schedule};
use crate::dispatch::{Consent, LEASE};

/// The client to whom the webhook URL belongs.
fn client(url_id: &str) -> ApiClient {
    let url = WebhookUrl {
        id: url_id.to_owned(),
        url: String::from("https://example.com/hook"),
        state: UrlState::Active,
        reason: None,
        failing: None,
        signing_keys: Vec::new(),
        headers: Vec::new(),
        created_at: START,
    };
    ApiClient {
        id: String::from("cli_a"),
        number: CLIENT,
        name: String::from("Client"),
        client_id: String::from("gpc_a"),
        status: ClientStatus::Active,
        api_version: ApiVersion::NEWEST,
        secret_policy: SecretPolicy::Once,
        payload: gatepost_model::webhook::PayloadShape::Record,
        token_lifetime: Duration::from_secs(3600),
        rate_limit: None,
        allow_list: gatepost_model::network::Networks::default(),
        not_before: Timestamp::EPOCH,
        revision: 1,
        workspaces: Vec::new(),
        webhook_urls: vec![url],
        methods: [super::support::method()].into(),
        secrets: Vec::new(),
        revoked_tokens: Vec::new(),
        created_by: String::from("system"),
        created_at: START,
        last_used: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_ends_the_delivery_and_disables_its_url() {
    let mut world = World::paused().await;
    world.options.concurrency_per_url = 1;
    let insert = world.store.write(|tx| clients::insert(tx, &client("whu_gone")));
    assert_eq!(insert.await, Ok::<_, StoreError>(()));
    // As the directory does: what was announced is in force before the recorder goes on.
    let consents = Arc::clone(&world.consents);
    world.store.subscribe(move |changes| {
        assert_eq!(changes, [Change::Client(CLIENT)]);
        consents.set("whu_gone", Consent::Gone("the webhook URL is disabled"));
    });
    world.receivers.script("whu_gone", [Answer::Status(410)]);
    world.due("a", "whu_gone").await;
    let running = world.run();
    world.receivers.wait_for(1).await;
    running.stop().await;
    let gone = world.delivery("a").await;
    assert_eq!((gone.state, gone.attempts), (DeliveryState::Failed, 1));
    assert_eq!(gone.reason.as_deref(), Some("the receiver answered 410 Gone"));
    assert_eq!(world.attempts("a").await[0].status, Some(410));

    let client = world.store.read(|tx| clients::lookup(tx, CLIENT)).await.unwrap().unwrap();
    assert_eq!(client.webhook_urls[0].state, UrlState::Disabled);
    assert_eq!(client.webhook_urls[0].reason.as_deref(), Some("the receiver answered 410 Gone"));

    world.insert(&names("b", 3, "whu_gone"), false).await;
    assert_eq!(world.dispatcher().tick().await, Ok(3));
    for delivery in world.deliveries().await.iter().filter(|delivery| delivery.id != "dlv_a") {
        assert_eq!(delivery.state, DeliveryState::Skipped);
        assert_eq!(delivery.reason.as_deref(), Some("the webhook URL is disabled"));
        assert_eq!((delivery.attempts, delivery.ended_at), (0, Some(world.clock.now())));
    }
    assert_eq!(world.receivers.calls().len(), 1);
}

#[tokio::test]
async fn consent_is_asked_at_each_try() {
    let (world, clock) = World::manual().await;
    world.receivers.script("whu_a", [Answer::Status(500)]);
    world.due("a", "whu_a").await;
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    world.consents.set("whu_a", Consent::Gone("the method is no longer ticked"));
    clock.set(world.delivery("a").await.due_at);
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    let skipped = world.delivery("a").await;
    assert_eq!((skipped.state, skipped.attempts), (DeliveryState::Skipped, 1));
    assert_eq!(skipped.reason.as_deref(), Some("the method is no longer ticked"));
    assert_eq!(world.receivers.calls().len(), 1);
}

#[tokio::test]
async fn what_is_held_stays_pending_untried_and_says_why() {
    let (world, clock) = World::manual().await;
    world.consents.set("whu_a", Consent::Held("the webhook URL is paused"));
    world.due("a", "whu_a").await;
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    let held = world.delivery("a").await;
    assert_eq!((held.state, held.attempts), (DeliveryState::Pending, 0));
    assert_eq!(held.reason.as_deref(), Some("the webhook URL is paused"));
    assert!(held.due_at > START && world.receivers.calls().is_empty());
    world.consents.set("whu_a", Consent::Given(Arc::new(super::support::recipient("whu_a"))));
    clock.set(held.due_at);
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    let sent = world.delivery("a").await;
    assert_eq!((sent.state, sent.attempts, sent.reason), (DeliveryState::Delivered, 1, None));
}

#[tokio::test]
async fn a_consent_that_cannot_be_told_is_asked_for_again_when_the_lease_ends() {
    let (mut world, clock) = World::manual().await;
    world.options.lease = LEASE * 2;
    world.consents.set("whu_a", Consent::Unknown);
    world.due("a", "whu_a").await;
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    let delivery = world.delivery("a").await;
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Pending, 0));
    assert_eq!(delivery.due_at, START.plus(LEASE * 2));
    assert_eq!(world.dispatcher().tick().await, Ok(0));
    clock.advance(LEASE * 2);
    world.consents.set("whu_a", Consent::Gone("the client is disabled"));
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    assert_eq!(world.delivery("a").await.state, DeliveryState::Skipped);
}

#[tokio::test]
async fn without_retries_the_first_failure_is_the_last() {
    let (mut world, _) = World::manual().await;
    world.options.schedule = schedule(&[]);
    world.receivers.script("whu_a", [Answer::Lost(Outcome::Dns)]);
    world.due("a", "whu_a").await;
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    let failed = world.delivery("a").await;
    assert_eq!(failed.state, DeliveryState::Failed);
    assert_eq!(failed.reason.as_deref(), Some("the only try failed: It ended as dns."));
}

#[tokio::test]
async fn the_clock_starts_with_a_failure_moves_on_with_others_and_ends_with_a_success() {
    let (mut world, clock) = World::manual().await;
    world.options.disable_after = HOUR * 2;
    world.options.schedule = schedule(&[60, 60]);
    let insert = world.store.write(|tx| clients::insert(tx, &client("whu_a")));
    assert_eq!(insert.await, Ok::<_, StoreError>(()));
    let failing = async || {
        let client = world.store.read(|tx| clients::lookup(tx, CLIENT)).await.unwrap().unwrap();
        client.webhook_urls[0].failing
    };
    let answers = [200, 500, 503, 204].map(Answer::Status);
    world.receivers.script("whu_a", answers);
    world.due("well", "whu_a").await;
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    assert_eq!(failing().await, None);
    world.due("a", "whu_a").await;
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    let started = FailureClock::started(START, HOUR * 2);
    assert_eq!(failing().await, Some(started));
    let again = world.delivery("a").await.due_at;
    clock.set(again);
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    assert_eq!(failing().await, Some(FailureClock { last: again, ..started }));
    clock.set(world.delivery("a").await.due_at);
    assert_eq!(world.dispatcher().tick().await, Ok(1));
    assert_eq!(failing().await, None);
}
