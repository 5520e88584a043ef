//! The clocks of webhook URLs whose attempts all fail: one for all nodes.

use std::time::Duration;

use gatepost_model::network::Networks;
use gatepost_model::webhook::PayloadShape;
use gatepost_model::{
    ApiClient, ApiVersion, ClientNumber, ClientStatus, FailureClock, SecretPolicy, Timestamp, UrlState,
    WebhookUrl,
};
use gatepost_store::tables::url_clocks::{self, DueClock};
use gatepost_store::tables::{clients, webhook_urls};
use gatepost_store::{Store, StoreError, StoreOptions};

use crate::support::{Place, on_both_engines};

on_both_engines!(
    a_clock_is_looked_at_by_one_node_each_time,
    a_clock_that_has_ended_disables_nothing,
    a_url_that_takes_what_it_gets_costs_no_row,
);

const START: Timestamp = Timestamp::from_seconds(1_000_000);
const HOUR: Duration = Duration::from_secs(3600);
const CLIENT: ClientNumber = ClientNumber(7);

fn client() -> ApiClient {
    let url = WebhookUrl {
        id: String::from("whu_a"),
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
        payload: PayloadShape::Record,
        token_lifetime: HOUR,
        rate_limit: None,
        allow_list: Networks::default(),
        not_before: Timestamp::EPOCH,
        revision: 1,
        workspaces: Vec::new(),
        webhook_urls: vec![url],
        methods: ["task.edit".parse().unwrap()].into(),
        secrets: Vec::new(),
        revoked_tokens: Vec::new(),
        created_by: String::from("system"),
        created_at: START,
        last_used: None,
    }
}

async fn store(place: &Place) -> Store {
    let store = place.open(StoreOptions::default());
    store.migrate().await.unwrap();
    store.write(|tx| clients::insert(tx, &client())).await.unwrap();
    store
}

/// Notes an attempt that failed so many hours after the start.
async fn fail(store: &Store, hours: u32) {
    let clock = FailureClock::started(START.plus(HOUR * hours), HOUR * 100);
    store.write(move |tx| url_clocks::move_on(tx, "whu_a", &clock)).await.unwrap();
}

async fn due(store: &Store, hours: u32) -> Option<DueClock> {
    let now = START.plus(HOUR * hours);
    store.read(move |tx| url_clocks::list_due(tx, now, 9)).await.unwrap().pop()
}

async fn url(store: &Store) -> WebhookUrl {
    let read = store.read(|tx| clients::lookup(tx, CLIENT)).await;
    read.unwrap().unwrap().webhook_urls.remove(0)
}

async fn a_clock_is_looked_at_by_one_node_each_time(place: Place) {
    let (store, other) = (store(&place).await, place.open(StoreOptions::default()));
    fail(&store, 0).await;
    fail(&other, 2).await;
    assert_eq!(due(&store, 49).await, None);
    let seen = due(&store, 50).await.unwrap();
    let clock = seen.clock.unwrap();
    assert_eq!((clock.since, clock.last), (START, START.plus(HOUR * 2)));
    for (node, first) in [(&store, true), (&other, false)] {
        let (seen, next) = (seen.clone(), clock.next_look(START.plus(HOUR * 50)));
        let noted = node.write(move |tx| url_clocks::looked_at(tx, &seen, next)).await;
        assert_eq!(noted, Ok::<_, StoreError>(first));
    }
    assert_eq!(due(&store, 89).await, None);
    let seen = due(&store, 90).await.unwrap();
    // The time is over, and nothing was tried of late: the next failure decides.
    assert!(!seen.clock.unwrap().has_run_out(START.plus(HOUR * 200)));
    store.write(move |tx| url_clocks::looked_at(tx, &seen, None)).await.unwrap();
    assert_eq!(due(&store, 300).await, None);
    fail(&other, 201).await;
    let seen = due(&store, 201).await.unwrap();
    assert!(seen.clock.unwrap().has_run_out(START.plus(HOUR * 201)));
    for (node, first) in [(&other, true), (&store, false)] {
        let seen = seen.clone();
        let disabled = node.write(move |tx| url_clocks::disable(tx, &seen, "it took nothing")).await;
        assert_eq!(disabled, Ok::<_, StoreError>(first));
    }
    fail(&store, 203).await;
    let url = url(&store).await;
    assert_eq!((url.state, url.reason.as_deref()), (UrlState::Disabled, Some("it took nothing")));
    assert_eq!(url.failing.map(|clock| clock.last), Some(START.plus(HOUR * 201)));
}

async fn a_clock_that_has_ended_disables_nothing(place: Place) {
    let store = store(&place).await;
    fail(&store, 0).await;
    fail(&store, 99).await;
    let seen = due(&store, 100).await.unwrap();
    store.write(|tx| url_clocks::succeed(tx, "whu_a")).await.unwrap();
    let disabled = store.write(move |tx| url_clocks::disable(tx, &seen, "it took nothing")).await;
    assert_eq!(disabled, Ok::<_, StoreError>(false));
    assert_eq!((url(&store).await.state, url(&store).await.failing), (UrlState::Active, None));
    // A receiver that is gone ends it as well: nothing is held for it.
    fail(&store, 101).await;
    store.write(|tx| webhook_urls::disable(tx, CLIENT, "whu_a", "gone")).await.unwrap();
    assert_eq!((url(&store).await.state, url(&store).await.failing), (UrlState::Disabled, None));
    let told = due(&store, 0).await.unwrap();
    assert_eq!((told.clock, told.reason.as_deref()), (None, Some("gone")));
    let noted = store.write(move |tx| url_clocks::looked_at(tx, &told, None)).await;
    assert_eq!((noted, due(&store, 0).await), (Ok::<_, StoreError>(true), None));
}

async fn a_url_that_takes_what_it_gets_costs_no_row(place: Place) {
    let store = store(&place).await;
    let before = url(&store).await;
    store.write(|tx| url_clocks::succeed(tx, "whu_a")).await.unwrap();
    assert_eq!(url(&store).await, before);
}
