//! The change feed.

use std::sync::{Arc, Mutex};

use gatepost_model::{ClientNumber, WorkspaceNumber};
use gatepost_store::{Change, StoreError, StoreOptions, params};

use crate::support::{PUT, Place, Plug, get, on_both_engines, one_writer, put, settle};

on_both_engines!(
    all_subscribers_are_told_in_order_even_if_one_panics,
    a_change_is_told_and_kept_though_its_caller_went_away,
);

async fn all_subscribers_are_told_in_order_even_if_one_panics(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    store.subscribe(|_| std::panic::resume_unwind(Box::new(())));
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    store.subscribe(move |changes| telling.lock().unwrap().extend(changes.to_vec()));
    store
        .write(|tx| {
            tx.announce(Change::Client(ClientNumber(7)));
            tx.announce(Change::Workspace(WorkspaceNumber(3)));
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let expected = [Change::Client(ClientNumber(7)), Change::Workspace(WorkspaceNumber(3))];
    // PostgreSQL may have told it again by now.
    assert_eq!(told.lock().unwrap()[..2], expected);
    put(&store, "later", 1).await.unwrap();
}

async fn a_change_is_told_and_kept_though_its_caller_went_away(place: Place) {
    let store = place.store(one_writer()).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    store.subscribe(move |changes| tell.send(changes.len()).unwrap_or_default());
    let plug = Plug::new(&store).await;
    let writing = tokio::runtime::Handle::current().spawn({
        let store = store.clone();
        async move {
            store
                .write(|tx| {
                    tx.announce(Change::Client(ClientNumber(1)));
                    tx.exec(&PUT, params!["kept", 1])
                })
                .await
        }
    });
    settle().await;
    writing.abort();
    assert!(writing.await.unwrap_err().is_cancelled());
    plug.pull().await.unwrap();
    assert_eq!(told.recv().await, Some(1));
    assert_eq!(get(&store, "kept").await, Some(1));
}
