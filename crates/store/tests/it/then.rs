//! What follows a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use gatepost_store::{StoreError, params};

use crate::support::{PUT, Place, Plug, on_both_engines, one_writer, put};

on_both_engines!(
    what_follows_a_commit_is_done_although_its_caller_is_gone,
    nothing_follows_what_was_not_committed,
);

async fn what_follows_a_commit_is_done_although_its_caller_is_gone(place: Place) {
    let store = place.store(one_writer()).await;
    let plug = Plug::new(&store).await;
    let done = Arc::new(AtomicUsize::new(0));
    let then = {
        let done = Arc::clone(&done);
        move |rows| done.fetch_add(rows, Ordering::Relaxed)
    };
    let mut write = Box::pin(store.write_and_then(|tx| tx.exec(&PUT, params!["gone", 1_i64]), then));
    let asked = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(asked.is_pending());
    drop(write);
    plug.pull().await.unwrap();
    // Behind the other one in the queue of the only writer.
    put(&store, "next", 1).await.unwrap();
    assert_eq!(done.load(Ordering::Relaxed), 1);
}

async fn nothing_follows_what_was_not_committed(place: Place) {
    let store = place.store(one_writer()).await;
    put(&store, "taken", 1).await.unwrap();
    let taken = store
        .write_and_then(|tx| tx.exec(&PUT, params!["taken", 2_i64]), |_| panic!("it was not committed"))
        .await;
    assert!(matches!(taken, Err::<(), _>(StoreError::Unique { .. })), "{taken:?}");
    store.close().await;
    let closed = store.write_and_then(|_| Ok(()), |()| panic!("it was never run")).await;
    assert_eq!(closed, Err::<(), _>(StoreError::Closed));
}
