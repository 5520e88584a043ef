//! Deliveries: claims, and what becomes of them.

use std::collections::HashMap;

use gatepost_model::webhook::{Attempt, Event, Outcome};
use gatepost_model::{ClientNumber, DeliveryState, Method, Timestamp, WorkspaceNumber};
use gatepost_store::tables::deliveries::{self, Claimed, NewDelivery, Progress};
use gatepost_store::tables::records;
use gatepost_store::{Store, StoreError, StoreOptions};

use crate::support::{Place, on_both_engines};

on_both_engines!(
    a_claim_takes_the_oldest_and_no_more_than_it_may,
    a_claim_of_others_puts_off_what_is_named,
    a_delivery_whose_event_is_gone_is_skipped_when_it_is_claimed,
    results_are_written_down_once_and_by_the_holder_only,
);

/// Stores so many deliveries that are due, with their events, in five workspaces.
pub(crate) fn insert_due(tx: &gatepost_store::Tx<'_>, number: usize) -> Result<(), StoreError> {
    let method: Method = "contacts.create".parse().map_err(|_| StoreError::NotFound)?;
    for number in 0..number {
        let workspace = WorkspaceNumber(i64::try_from(number % 5).unwrap_or(0));
        let event = Event {
            id: format!("evt_{number:04}"),
            workspace,
            method: method.clone(),
            record_id: String::from("record"),
            record: String::from("{}"),
            caused_by: String::from("test"),
            at: Timestamp(1),
        };
        records::insert_event(tx, &event)?;
        deliveries::insert(
            tx,
            &NewDelivery {
                id: &format!("dlv_{number:04}"),
                event_id: &event.id,
                url_id: "whu_a",
                client: ClientNumber(1),
                workspace,
                method: &method,
                created_at: Timestamp(1),
                leased_until: None,
                replay_of: None,
            },
        )?;
    }
    Ok(())
}

async fn store_with(place: &Place, number: usize) -> Store {
    let store = place.open(StoreOptions::default());
    store.migrate().await.unwrap();
    store.write(move |tx| insert_due(tx, number)).await.unwrap();
    store
}

async fn claim(store: &Store, now: i64, limit: u32) -> Vec<Claimed> {
    store.write(move |tx| deliveries::claim(tx, Timestamp(now), Timestamp(now + 1_000), limit)).await.unwrap()
}

fn delivered(claimed: &Claimed) -> Progress {
    Progress {
        id: claimed.id.clone(),
        workspace: claimed.workspace,
        fence: claimed.fence,
        state: DeliveryState::Delivered,
        reason: None,
        attempts: 1,
        due_at: Timestamp(0),
        ended_at: Some(Timestamp(5)),
        attempt: Some(Attempt {
            delivery_id: claimed.id.clone(),
            number: 1,
            started_at: Timestamp(4),
            duration_us: 17,
            outcome: Outcome::Delivered,
            status: Some(200),
            error: None,
            address: None,
            request_headers: String::from("[]"),
            response_headers: Some(String::from("[]")),
            reply: None,
            client_revision: 1,
        }),
    }
}

async fn record(store: &Store, all: Vec<Progress>) -> Vec<bool> {
    let written = store.write(move |tx| deliveries::record_all(tx, &all.iter().collect::<Vec<_>>()));
    written.await.unwrap()
}

async fn a_claim_takes_the_oldest_and_no_more_than_it_may(place: Place) {
    let store = store_with(&place, 10).await;
    let first = claim(&store, 1, 4).await;
    assert_eq!(first.len(), 4);
    let rest = claim(&store, 1, 100).await;
    assert_eq!(rest.len(), 6);
    assert!(claim(&store, 1, 100).await.is_empty());
    let again = claim(&store, 2_000, 100).await;
    assert_eq!(again.len(), 10);
    assert!(again.iter().all(|delivery| delivery.fence == first[0].fence + 1));
}

fn created() -> Method {
    "contacts.create".parse().unwrap()
}

/// A delivery that is due at once, to another URL than all others.
fn to_another_url<'a>(event_id: &'a str, method: &'a Method) -> NewDelivery<'a> {
    NewDelivery {
        id: "dlv_b",
        event_id,
        url_id: "whu_b",
        client: ClientNumber(1),
        workspace: WorkspaceNumber(0),
        method,
        created_at: Timestamp(1),
        leased_until: None,
        replay_of: None,
    }
}

async fn a_claim_of_others_puts_off_what_is_named(place: Place) {
    let (store, method) = (store_with(&place, 10).await, created());
    let stored = store.write(move |tx| {
        let for_another = to_another_url("evt_0000", &method);
        deliveries::insert(tx, &for_another)?;
        deliveries::insert_for_later(tx, &NewDelivery { id: "dlv_later", ..for_another }, Timestamp(5))
    });
    stored.await.unwrap();
    let claim_others = |now, url: &str| {
        let put_off = HashMap::from([(url.to_owned(), Timestamp(now + 50))]);
        let (now, lease) = (Timestamp(now), Timestamp(now + 1_000));
        store.write(move |tx| deliveries::claim_others(tx, now, lease, 4, &put_off))
    };
    let (claimed, put_off) = claim_others(1, "whu_a").await.unwrap();
    assert_eq!(claimed.iter().map(|delivery| delivery.id.as_str()).collect::<Vec<_>>(), ["dlv_b"]);
    assert_eq!(put_off, HashMap::from([(String::from("whu_a"), 10)]));
    assert_eq!(record(&store, vec![delivered(&claimed[0])]).await, [true], "the fence is that of the claim");
    let (claimed, put_off) = claim_others(6, "whu_a").await.unwrap();
    assert_eq!(claimed.iter().map(|delivery| delivery.id.as_str()).collect::<Vec<_>>(), ["dlv_later"]);
    assert!(put_off.is_empty());
    // What was put off is due again at its moment, and the limit holds for what is claimed.
    let (claimed, put_off) = claim_others(51, "whu_other").await.unwrap();
    assert_eq!((claimed.len(), put_off.len()), (4, 0));
    assert_eq!(claim(&store, 51, 100).await.len(), 6);
}

async fn a_delivery_whose_event_is_gone_is_skipped_when_it_is_claimed(place: Place) {
    let (store, method) = (store_with(&place, 1).await, created());
    let stored = store.write(move |tx| {
        let without_event = to_another_url("evt_gone", &method);
        deliveries::insert(tx, &without_event)
    });
    stored.await.unwrap();
    assert_eq!(claim(&store, 1, 10).await.len(), 1);
    let found = store.read(|tx| deliveries::lookup(tx, "dlv_b")).await.unwrap().unwrap();
    assert_eq!((found.state, found.ended_at), (DeliveryState::Skipped, Some(Timestamp(1))));
    assert_eq!(found.reason.as_deref(), Some(deliveries::EVENT_GONE));
}

async fn results_are_written_down_once_and_by_the_holder_only(place: Place) {
    let store = store_with(&place, 40).await;
    let claimed = claim(&store, 1, 40).await;
    let mut results: Vec<Progress> = claimed.iter().map(delivered).collect();
    for stale in results.iter_mut().step_by(2) {
        stale.fence -= 1;
    }
    let expected: Vec<bool> = (0..40).map(|number| number % 2 == 1).collect();
    assert_eq!(record(&store, results.clone()).await, expected);
    assert_eq!(record(&store, results.clone()).await, [false; 40]);
    assert!(record(&store, Vec::new()).await.is_empty());
    for (result, held) in results.iter().zip(expected) {
        let (workspace, id) = (result.workspace, result.id.clone());
        let (delivery, attempts) = store
            .read(move |tx| {
                let attempts = deliveries::list_attempts(tx, workspace, &id)?;
                Ok::<_, StoreError>((deliveries::lookup(tx, &id)?, attempts))
            })
            .await
            .unwrap();
        let state = if held { DeliveryState::Delivered } else { DeliveryState::Pending };
        assert_eq!((delivery.unwrap().state, attempts.len()), (state, usize::from(held)));
    }
    // A result that leaves the delivery pending is written down once too.
    let mut later = delivered(&claimed[0]);
    (later.state, later.ended_at, later.due_at) = (DeliveryState::Pending, None, Timestamp(9));
    assert_eq!(record(&store, vec![later.clone()]).await, [true]);
    assert_eq!(record(&store, vec![later]).await, [false]);
}
