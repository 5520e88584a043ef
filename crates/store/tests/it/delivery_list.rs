//! Finding deliveries: filters together, pages, counts, and receivers that take nothing.

use gatepost_model::webhook::{Attempt, Outcome};
use gatepost_model::{ClientNumber, DeliveryState, Method, Timestamp, WorkspaceNumber, ids};
use gatepost_store::tables::deliveries::{self, NewDelivery, Progress};
use gatepost_store::tables::delivery_list::{self, Count, Filter, MOST_COUNTED, MOST_LOOKED_AT};
use gatepost_store::tables::{Page, Span};
use gatepost_store::{Store, StoreError, StoreOptions, Tx};

use crate::support::{Place, on_both_engines};

on_both_engines!(
    filters_hold_together,
    lists_go_on_where_they_stopped,
    counts_are_by_state_and_end_at_a_bound,
    what_no_index_answers_is_looked_for_among_the_newest,
    receivers_that_take_nothing_are_found,
);

const START: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// One delivery of a test: made so many seconds after the start.
#[derive(Clone, Copy)]
struct Made {
    second: u32,
    client: u32,
    url: &'static str,
    method: &'static str,
    state: DeliveryState,
}

const PLAIN: Made =
    Made { second: 0, client: 1, url: "whu_a", method: "task.create", state: DeliveryState::Delivered };

impl Made {
    fn id(self) -> String {
        ids::sortable_floor(ids::DELIVERY, at(self.second))
    }
}

fn at(second: u32) -> Timestamp {
    START.plus(std::time::Duration::from_secs(second.into()))
}

fn insert(tx: &Tx<'_>, made: Made) -> Result<(), StoreError> {
    let method: Method = made.method.parse().map_err(|_| StoreError::NotFound)?;
    let (id, created_at, workspace) = (made.id(), at(made.second), WorkspaceNumber(made.client.into()));
    let new = NewDelivery {
        id: &id,
        event_id: "evt_1",
        url_id: made.url,
        client: ClientNumber(made.client),
        workspace,
        method: &method,
        created_at,
        leased_until: (made.state != DeliveryState::Pending).then_some(created_at),
        replay_of: None,
    };
    deliveries::insert(tx, &new)?;
    if made.state != DeliveryState::Pending {
        let (state, ended_at) = (made.state, Some(created_at));
        let (reason, due_at) = (None, created_at);
        let progress =
            Progress { id, workspace, fence: 1, state, reason, attempts: 1, due_at, ended_at, attempt: None };
        assert!(deliveries::record(tx, &progress)?);
    }
    Ok(())
}

async fn store_with(place: &Place, all: Vec<Made>) -> Store {
    let store = place.open(StoreOptions::default());
    store.migrate().await.unwrap();
    for part in all.chunks(2_000).map(<[Made]>::to_vec) {
        store.write(move |tx| part.iter().try_for_each(|made| insert(tx, *made))).await.unwrap();
    }
    store
}

async fn found(store: &Store, filter: Filter) -> Vec<u32> {
    let page = Page::default();
    let found = store.read(move |tx| delivery_list::list(tx, &filter, None, &page)).await.unwrap();
    let second = |id: &str| ids::sortable_time(ids::DELIVERY, id).unwrap().seconds() - START.seconds();
    found.iter().map(|delivery| u32::try_from(second(&delivery.id)).unwrap()).collect()
}

async fn filters_hold_together(place: Place) {
    let all = vec![
        Made { second: 1, ..PLAIN },
        Made { second: 2, state: DeliveryState::Failed, ..PLAIN },
        Made { second: 3, state: DeliveryState::Failed, method: "task.edit", ..PLAIN },
        Made { second: 4, state: DeliveryState::Failed, url: "whu_b", ..PLAIN },
        Made { second: 5, state: DeliveryState::Pending, client: 2, ..PLAIN },
        Made { second: 6, state: DeliveryState::Failed, client: 2, ..PLAIN },
    ];
    let store = store_with(&place, all).await;
    let client = Some(ClientNumber(1));
    let failed = Filter { client, state: Some(DeliveryState::Failed), ..Filter::default() };
    assert_eq!(found(&store, Filter::default()).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(found(&store, Filter { client, ..Filter::default() }).await, [4, 3, 2, 1]);
    assert_eq!(found(&store, failed.clone()).await, [4, 3, 2]);
    assert_eq!(found(&store, Filter { client: None, ..failed.clone() }).await, [6, 4, 3, 2]);
    let to_a = Filter { url_id: Some(String::from("whu_a")), ..failed };
    assert_eq!(found(&store, to_a.clone()).await, [3, 2]);
    let created = Filter { method: "task.create".parse().ok(), ..to_a.clone() };
    assert_eq!(found(&store, created).await, [2]);
    let span = Span { since: Some(at(3)), until: Some(at(6)) };
    assert_eq!(found(&store, Filter { span, ..to_a }).await, [3]);
    assert_eq!(found(&store, Filter { span, ..Filter::default() }).await, [5, 4, 3]);
    let pending = Filter { state: Some(DeliveryState::Pending), ..Filter::default() };
    assert_eq!(found(&store, pending.clone()).await, [5]);
    assert_eq!(found(&store, Filter { client, ..pending }).await, [0; 0]);
}

async fn lists_go_on_where_they_stopped(place: Place) {
    let all: Vec<Made> =
        (0..25).map(|second| Made { second, state: DeliveryState::Pending, ..PLAIN }).collect();
    let store = store_with(&place, all).await;
    let mut listed = Vec::new();
    let mut page = Page { before: None, limit: 10 };
    let filters = [
        Filter { client: Some(ClientNumber(1)), state: Some(DeliveryState::Pending), ..Filter::default() },
        Filter::default(),
    ];
    loop {
        let [mine, everybodys] = filters.clone().map(|filter| {
            let here = page.clone();
            store.read(move |tx| delivery_list::list(tx, &filter, None, &here))
        });
        let found = mine.await.unwrap();
        assert_eq!(everybodys.await.unwrap(), found);
        let Some(last) = found.last() else { break };
        page.before = Some(last.id.clone());
        listed.extend(found.into_iter().map(|delivery| delivery.created_at));
    }
    assert_eq!(listed, (0..25).rev().map(at).collect::<Vec<_>>());
}

async fn counts_are_by_state_and_end_at_a_bound(place: Place) {
    let mut all: Vec<Made> = (0..MOST_COUNTED + 5).map(|second| Made { second, ..PLAIN }).collect();
    let later = MOST_COUNTED + 10;
    all.extend((later..later + 7).map(|second| Made { second, state: DeliveryState::Failed, ..PLAIN }));
    all.push(Made { second: later + 8, state: DeliveryState::Pending, ..PLAIN });
    all.push(Made { second: later + 9, client: 2, state: DeliveryState::Skipped, ..PLAIN });
    let store = store_with(&place, all).await;
    let count = |filter: Filter, foreign: u32| {
        store.read(move |tx| delivery_list::count(tx, &filter, |client, _| client.0 != foreign))
    };
    let counts = count(Filter::default(), 0).await.unwrap();
    let exactly = |found| Count { found, may_be_more: false };
    assert_eq!(counts.all, exactly(MOST_COUNTED + 1));
    let by_state = DeliveryState::ALL.map(|state| counts.of(state));
    // Pending, delivered, failed, cancelled, skipped.
    assert_eq!(by_state, [1, MOST_COUNTED + 1, 7, 0, 1].map(exactly));
    let counts = count(Filter::default(), 2).await.unwrap();
    assert_eq!(counts.of(DeliveryState::Skipped), exactly(0), "what may not be seen is not counted");
    let state = Some(DeliveryState::Failed);
    let span = Span { since: Some(at(later + 3)), until: None };
    let counts = count(Filter { state, span, ..Filter::default() }, 0).await.unwrap();
    assert_eq!(
        counts.all,
        exactly(6),
        "the state that is asked for is one of the pills, not a bound of them"
    );
    assert_eq!(counts.of(DeliveryState::Failed), exactly(4));
}

async fn what_no_index_answers_is_looked_for_among_the_newest(place: Place) {
    let mut all: Vec<Made> = (0..MOST_LOOKED_AT + 10).map(|second| Made { second, ..PLAIN }).collect();
    for old in all.iter_mut().take(5) {
        old.url = "whu_old";
    }
    let store = store_with(&place, all).await;
    let to_old =
        Filter { client: Some(ClientNumber(1)), url_id: Some(String::from("whu_old")), ..Filter::default() };
    let (filter, first) = (to_old.clone(), Page::default());
    let end = store.read(move |tx| delivery_list::lower_end(tx, &filter, &first)).await.unwrap().unwrap();
    let (filter, next) = (to_old.clone(), Page { before: Some(end.clone()), ..Page::default() });
    let after = store.read(move |tx| {
        let here = delivery_list::list(tx, &filter, Some(&end), &Page::default())?;
        let lower_end = delivery_list::lower_end(tx, &filter, &next)?;
        let there = delivery_list::list(tx, &filter, lower_end.as_deref(), &next)?;
        Ok::<_, StoreError>((here.len(), lower_end, there.len()))
    });
    assert_eq!(after.await.unwrap(), (0, None, 5), "none among the newest, all of them on the next page");
    let counted = store.read(move |tx| delivery_list::count(tx, &to_old, |_, _| true)).await.unwrap();
    assert_eq!(counted.all, Count { found: 0, may_be_more: true });
    assert_eq!(
        counted.of(DeliveryState::Failed),
        Count::default(),
        "few have failed: all of them are looked at"
    );
    // What an index answers needs no end.
    let mine = Filter { client: Some(ClientNumber(1)), ..Filter::default() };
    let end = store.read(move |tx| delivery_list::lower_end(tx, &mine, &Page::default())).await.unwrap();
    assert_eq!(end, None);
}

async fn receivers_that_take_nothing_are_found(place: Place) {
    let pending = Made { state: DeliveryState::Pending, ..PLAIN };
    let all = vec![
        Made { second: 1, ..pending },
        Made { second: 2, ..pending },
        Made { second: 3, url: "whu_untried", ..pending },
    ];
    let store = store_with(&place, all).await;
    assert_eq!(store.read(|tx| delivery_list::list_failing(tx, |_| true)).await.unwrap(), []);
    let tried = store.write(|tx| {
        let claimed = at(10);
        let workspace = WorkspaceNumber(1);
        let id = Made { second: 1, ..PLAIN }.id();
        tx.exec(&LEASE, gatepost_store::params![workspace, &id])?;
        let attempt = Attempt {
            delivery_id: id.clone(),
            number: 1,
            started_at: claimed,
            duration_us: 17,
            outcome: Outcome::Status,
            status: Some(503),
            error: None,
            address: None,
            request_headers: String::from("{}"),
            response_headers: None,
            reply: None,
            client_revision: 1,
        };
        let (state, reason, ended_at) = (DeliveryState::Pending, None, None);
        let attempt = Some(attempt);
        let progress = Progress {
            id,
            workspace,
            fence: 1,
            state,
            reason,
            attempts: 1,
            due_at: at(99),
            ended_at,
            attempt,
        };
        deliveries::record(tx, &progress)
    });
    assert!(tried.await.unwrap());
    let failing = store.read(|tx| delivery_list::list_failing(tx, |_| true)).await.unwrap();
    let [one] = failing.as_slice() else { panic!("{failing:?}") };
    assert_eq!((one.client, one.url_id.as_str(), one.pending), (ClientNumber(1), "whu_a", 2));
    assert_eq!((one.since, one.latest.status), (at(1), Some(503)));
    // A receiver that took something after that is mended.
    store.write(|tx| insert(tx, Made { second: 20, ..PLAIN })).await.unwrap();
    assert_eq!(store.read(|tx| delivery_list::list_failing(tx, |_| true)).await.unwrap(), []);
}

static LEASE: gatepost_store::Sql =
    gatepost_store::Sql::new("UPDATE delivery SET leased = TRUE WHERE workspace_number = $1 AND id = $2");
