//! Answers reach their callers whatever drives them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use gatepost_store::{Store, StoreOptions};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::support::{Place, names, put};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives a future without any runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

async fn together(store: Store, prefix: &'static str) {
    let mut writes = JoinSet::new();
    for number in 0..50 {
        let store = store.clone();
        writes.spawn(async move { put(&store, format!("{prefix}{number}"), 1).await.unwrap() });
    }
    writes.join_all().await;
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

macro_rules! on_both_engines {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[test]
                fn $case() {
                    super::$case(&crate::support::Place::sqlite().unwrap());
                }
            )+

            #[tokio::test(start_paused = true)]
            async fn a_paused_clock_waits_for_the_store() {
                super::a_paused_clock_waits_for_the_store(crate::support::Place::sqlite().unwrap()).await;
            }
        }

        mod postgres {
            $(
                #[test]
                fn $case() {
                    if let Some(place) = crate::support::Place::postgres() {
                        super::$case(&place);
                    }
                }
            )+

            #[tokio::test(start_paused = true)]
            async fn a_paused_clock_waits_for_the_store() {
                if let Some(place) = crate::support::Place::postgres() {
                    super::a_paused_clock_waits_for_the_store(place).await;
                }
            }
        }
    };
}

on_both_engines!(
    without_a_runtime,
    runtimes_that_come_and_go_and_stand_still,
    a_runtime_that_ends_with_writes_in_flight_takes_nobody_along,
);

fn without_a_runtime(place: &Place) {
    let store = block_on(place.store(StoreOptions::default()));
    std::thread::scope(|scope| {
        for number in 0..8 {
            let store = store.clone();
            scope.spawn(move || block_on(put(&store, number.to_string(), 1)).unwrap());
        }
    });
    assert_eq!(block_on(names(&store)).len(), 8);
    block_on(store.close());
}

fn runtimes_that_come_and_go_and_stand_still(place: &Place) {
    let idle = current_thread();
    let store = idle.block_on(place.store(StoreOptions::default()));
    idle.block_on(together(store.clone(), "idle"));
    let gone = current_thread();
    gone.block_on(together(store.clone(), "gone"));
    drop(gone);
    let many = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    many.block_on(together(store.clone(), "many"));
    std::thread::scope(|scope| {
        let (here, there) = (store.clone(), store.clone());
        scope.spawn(move || current_thread().block_on(together(here, "here")));
        scope.spawn(move || current_thread().block_on(together(there, "there")));
    });
    idle.block_on(together(store.clone(), "again"));
    assert_eq!(idle.block_on(names(&store)).len(), 300);
}

fn a_runtime_that_ends_with_writes_in_flight_takes_nobody_along(place: &Place) {
    let staying = current_thread();
    let store = staying.block_on(place.store(StoreOptions::default()));
    for round in 0..20 {
        let leaving = current_thread();
        for number in 0..20 {
            let store = store.clone();
            leaving.spawn(async move { put(&store, format!("{round}/{number}"), 1).await });
        }
        leaving.block_on(tokio::task::yield_now());
        drop(leaving);
        staying.block_on(put(&store, format!("{round}"), 1)).unwrap();
    }
    assert!(staying.block_on(names(&store)).len() >= 20);
}

async fn a_paused_clock_waits_for_the_store(place: Place) {
    let store = place.store(StoreOptions { hold_paused_clock: true, ..StoreOptions::default() }).await;
    let started = tokio::time::Instant::now();
    let hour = Duration::from_secs(3_600);
    for number in 0..20 {
        let written = tokio::time::timeout(hour, put(&store, number.to_string(), 1)).await;
        assert_eq!(written, Ok(Ok(1)));
        assert_eq!(tokio::time::timeout(hour, names(&store)).await.map(|names| names.len()), Ok(number + 1));
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    tokio::time::sleep(hour).await;
    assert_eq!(names(&store).await.len(), 20);
}
