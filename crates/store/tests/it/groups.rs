//! Group commit: what is stored is what was answered, however closures fail.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatepost_store::{Change, Sql, Store, StoreError, StoreOptions, Tx, params};
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::support::{
    ADD, Folder, NAMES, PUT, Place, Plug, get, names, on_both_engines, one_writer, put, settle,
};

static SHARED: Sql = Sql::new("SELECT count(*) FROM pair WHERE name = 'shared'");

/// What a closure of the property does after, or instead of, writing its rows.
#[derive(Clone, Copy, Debug)]
enum Act {
    Write,
    FailBefore,
    FailAfter,
    PanicBefore,
    PanicAfter,
    /// Claims a name that only one closure can have, after it wrote.
    Claim,
    /// As `Claim`, but takes the refusal lightly.
    ClaimOrNot,
    /// Matches no row, then fails: an error without a change.
    FenceFails,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => Just(Act::Write),
        1 => Just(Act::FailBefore),
        2 => Just(Act::FailAfter),
        1 => Just(Act::PanicBefore),
        1 => Just(Act::PanicAfter),
        2 => Just(Act::Claim),
        2 => Just(Act::ClaimOrNot),
        1 => Just(Act::FenceFails),
    ]
}

/// Runs one closure: rows `number/0` to `number/(rows - 1)`, one more in the sum, one announcement.
fn perform(tx: &Tx<'_>, number: usize, rows: usize, act: Act) -> Result<i64, StoreError> {
    match act {
        Act::FailBefore => return Err(StoreError::NotFound),
        Act::PanicBefore => resume_unwind(Box::new(())),
        Act::FenceFails => {
            tx.exec(&ADD, params!["nobody", 1])?;
            return Err(StoreError::NotFound);
        }
        _ => {}
    }
    tx.announce(Change::WebhookUrl(number.to_string()));
    for row in 0..rows {
        tx.exec_later(&PUT, params![&format!("{number:04}/{row}"), 1])?;
    }
    tx.exec(&ADD, params!["sum", 1])?;
    let claimed = || tx.exec(&PUT, params!["shared", i64::try_from(number).unwrap()]);
    match act {
        Act::FailAfter => return Err(StoreError::NotFound),
        Act::PanicAfter => resume_unwind(Box::new(())),
        Act::Claim => drop(claimed()?),
        Act::ClaimOrNot => drop(claimed()),
        _ => {}
    }
    tx.one(&SHARED, params![], |row| row.get(0))
}

/// Runs the closures in waves; returns which succeeded, after checking that each success was announced before
/// its answer.
async fn perform_all(
    store: &Store,
    told_once: bool,
    waves: Vec<Vec<(usize, Act)>>,
) -> BTreeMap<usize, (usize, bool)> {
    let announced = Arc::new(Mutex::new(BTreeSet::new()));
    let told = Arc::clone(&announced);
    store.subscribe(move |changes| {
        for change in changes {
            let Change::WebhookUrl(number) = change else { unreachable!() };
            let first = told.lock().unwrap().insert(number.clone());
            assert!(first || !told_once, "{number} announced twice");
        }
    });
    let mut outcomes = BTreeMap::new();
    for wave in waves {
        let mut running = JoinSet::new();
        for (rows, act) in wave {
            let number = outcomes.len() + running.len();
            let (store, announced) = (store.clone(), Arc::clone(&announced));
            running.spawn(async move {
                let answer = store.write(move |tx| perform(tx, number, rows, act)).await;
                let known = announced.lock().unwrap().contains(&number.to_string());
                assert_eq!(known, answer.is_ok(), "{number} {act:?} {answer:?}");
                (number, (rows, answer.is_ok()))
            });
        }
        while let Some(outcome) = running.join_next().await {
            let (number, outcome) = outcome.unwrap();
            outcomes.insert(number, outcome);
        }
    }
    let succeeded = outcomes.values().filter(|(_, succeeded)| *succeeded).count();
    assert_eq!(announced.lock().unwrap().len(), succeeded);
    outcomes
}

async fn rows_equal_answers(place: Place, group_closures: usize, waves: Vec<Vec<(usize, Act)>>) {
    let told_once = matches!(place, Place::Sqlite(_));
    let store = place.store(StoreOptions { group_closures, ..StoreOptions::default() }).await;
    put(&store, "sum", 0).await.unwrap();
    let outcomes = perform_all(&store, told_once, waves).await;
    let succeeded = outcomes.iter().filter(|(_, (_, succeeded))| *succeeded);
    let expected: BTreeSet<String> = succeeded
        .clone()
        .flat_map(|(number, (rows, _))| (0..*rows).map(move |row| format!("{number:04}/{row}")))
        .collect();
    let stored: BTreeSet<String> =
        names(&store).await.into_iter().filter(|name| name.contains('/')).collect();
    assert_eq!(stored, expected);
    assert_eq!(get(&store, "sum").await, i64::try_from(succeeded.count()).ok());
    store.close().await;
}

fn runtime(threads: usize) -> Runtime {
    match threads {
        0 => Builder::new_current_thread().build().unwrap(),
        threads => Builder::new_multi_thread().worker_threads(threads).build().unwrap(),
    }
}

/// How many closures run at a time, in waves, and what each does.
fn waves() -> impl Strategy<Value = Vec<Vec<(usize, Act)>>> {
    prop::collection::vec(prop::collection::vec((0_usize..4, act()), 1..60), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stored_rows_equal_answers(threads in 0_usize..3, group_closures in 1_usize..40, waves in waves()) {
        let place = Place::sqlite().unwrap();
        runtime(threads).block_on(rows_equal_answers(place, group_closures, waves));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stored_rows_equal_answers_on_postgres(
        threads in 0_usize..3,
        group_closures in 1_usize..40,
        waves in waves(),
    ) {
        if let Some(place) = Place::postgres() {
            runtime(threads).block_on(rows_equal_answers(place, group_closures, waves));
        }
    }
}

#[tokio::test]
async fn closures_that_wait_share_one_commit() {
    let folder = Folder::new();
    let options = StoreOptions { group_time: Duration::from_secs(60), ..StoreOptions::default() };
    let store = folder.store(options).await;
    let before = store.metrics();
    let plug = Plug::new(&store).await;
    let mut writes = JoinSet::new();
    for number in 0..100 {
        let store = store.clone();
        writes.spawn(async move { put(&store, number.to_string(), number).await });
    }
    settle().await;
    plug.pull().await.unwrap();
    assert!(writes.join_all().await.iter().all(Result::is_ok));
    let after = store.metrics();
    assert_eq!((after.groups - before.groups, after.closures - before.closures), (1, 101));
    assert_eq!(after.reruns, 0);
}

on_both_engines!(
    a_group_with_a_failure_after_writing_is_run_again_and_only_that_one_fails,
    a_failure_without_a_change_costs_no_rerun,
    a_closure_sees_what_it_and_earlier_ones_wrote,
);

async fn a_group_with_a_failure_after_writing_is_run_again_and_only_that_one_fails(place: Place) {
    let options = StoreOptions { group_time: Duration::from_secs(60), ..one_writer() };
    let store = place.store(options).await;
    let plug = Plug::new(&store).await;
    let mut writes = JoinSet::new();
    for number in 0..20_usize {
        let store = store.clone();
        let act = if number == 10 { Act::FailAfter } else { Act::Write };
        writes.spawn(async move { store.write(move |tx| perform(tx, number, 1, act)).await.is_ok() });
    }
    settle().await;
    plug.pull().await.unwrap();
    let succeeded = writes.join_all().await.into_iter().filter(|succeeded| *succeeded).count();
    assert_eq!((succeeded, store.metrics().reruns), (19, 1));
    assert_eq!(names(&store).await.len(), 19);
}

async fn a_failure_without_a_change_costs_no_rerun(place: Place) {
    let store = place.store(one_writer()).await;
    let plug = Plug::new(&store).await;
    let mut writes = JoinSet::new();
    for (number, act) in [Act::Write, Act::FailBefore, Act::FenceFails, Act::Write].into_iter().enumerate() {
        let store = store.clone();
        writes.spawn(async move { store.write(move |tx| perform(tx, number, 1, act)).await.is_ok() });
    }
    settle().await;
    plug.pull().await.unwrap();
    writes.join_all().await;
    assert_eq!(store.metrics().reruns, 0);
    assert_eq!(names(&store).await, ["0000/0", "0003/0"]);
}

async fn a_closure_sees_what_it_and_earlier_ones_wrote(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    put(&store, "first", 1).await.unwrap();
    let seen: Vec<String> = store
        .write(|tx| {
            tx.exec(&PUT, params!["second", 2])?;
            tx.all(&NAMES, params![], |row| row.get(0))
        })
        .await
        .unwrap();
    assert_eq!(seen, ["first", "second"]);
}
