//! PostgreSQL goes away, comes back, stands still, is full.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use gatepost_store::{Location, PostgresUrl, Sql, Store, StoreError, StoreOptions, params};
use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::postgres::{self, Postgres};
use crate::support::{PUT, Place, get, names, one_writer, put};

static PROCESS: Sql = Sql::new("SELECT pg_backend_pid()");

/// Longer than any of this takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What callers were told.
#[derive(Default)]
struct Answers {
    done: Mutex<BTreeSet<String>>,
    uncertain: Mutex<BTreeSet<String>>,
    refused: AtomicUsize,
    over: AtomicBool,
    changed: Notify,
}

impl Answers {
    fn done(&self) -> usize {
        self.done.lock().unwrap().len()
    }

    fn note(&self, name: String, answer: &Result<usize, StoreError>) {
        match answer {
            Ok(_) => drop(self.done.lock().unwrap().insert(name)),
            Err(StoreError::Uncertain) => drop(self.uncertain.lock().unwrap().insert(name)),
            Err(error) => {
                assert!(error.is_transient(), "{error:?}");
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.changed.notify_waiters();
    }

    fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    async fn until(&self, reached: impl Fn(&Self) -> bool) {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                if reached(self) {
                    return;
                }
                changed.await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap();
    }
}

/// Writes rows of new names until it is told to stop.
async fn write_on(store: Store, writer: usize, answers: Arc<Answers>) {
    for number in 0.. {
        if answers.over.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("{writer}-{number:06}");
        let answer = put(&store, &*name, 1).await;
        answers.note(name, &answer);
        tokio::task::yield_now().await;
    }
}

async fn until(mut reached: impl FnMut() -> bool) {
    let waiting = async {
        while !reached() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_answered_is_lost_when_the_server_restarts_under_load() {
    let Some(server) = Postgres::start(&[]) else { return };
    let place = Place::Postgres(PostgresUrl::new(server.schema()));
    let store = place.store(StoreOptions::default()).await;
    let answers = Arc::new(Answers::default());
    let mut writing = JoinSet::new();
    for writer in 0..12 {
        writing.spawn(write_on(store.clone(), writer, Arc::clone(&answers)));
    }
    for mode in ["immediate", "fast", "immediate"] {
        let (done, refused) = (answers.done(), answers.refused());
        answers.until(|answers| answers.done() > done + 200).await;
        tokio::task::block_in_place(|| server.stop(mode));
        answers.until(|answers| answers.refused() > refused).await;
        tokio::task::block_in_place(|| server.run());
    }
    let done = answers.done();
    answers.until(|answers| answers.done() > done + 200).await;
    answers.over.store(true, Ordering::Relaxed);
    writing.join_all().await;
    let stored: BTreeSet<String> = names(&store).await.into_iter().collect();
    let (done, uncertain) = (answers.done.lock().unwrap(), answers.uncertain.lock().unwrap());
    let lost: Vec<_> = done.difference(&stored).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let never_told: Vec<_> =
        stored.iter().filter(|name| !done.contains(*name) && !uncertain.contains(*name)).collect();
    assert!(never_told.is_empty(), "{never_told:?}");
}

/// Lets a closure write, tell its server process, wait for `meanwhile`, and write again.
async fn interrupted(
    store: &Store,
    meanwhile: impl FnOnce(i64) + Send + 'static,
) -> Result<usize, StoreError> {
    let (tell, mut told) = unbounded_channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let writing = tokio::runtime::Handle::current().spawn({
        let store = store.clone();
        async move {
            store
                .write(move |tx| {
                    tx.exec(&PUT, params!["first", 1])?;
                    let process: i64 = tx.one(&PROCESS, params![], |row| row.get(0))?;
                    tell.send(process).unwrap_or_default();
                    // Returns at once when it is run again: the other end is gone by then.
                    let _ = may_go_on.lock().unwrap().recv();
                    tx.exec(&PUT, params!["second", 2])
                })
                .await
        }
    });
    let process = told.recv().await.unwrap();
    meanwhile(process);
    drop(go_on);
    writing.await.unwrap()
}

#[tokio::test]
async fn a_connection_that_is_killed_in_the_middle_of_a_group_costs_nobody_an_answer() {
    let Some(server) = postgres::shared() else { return };
    let place = Place::postgres().unwrap();
    let store = place.store(one_writer()).await;
    let answer = interrupted(&store, |process| {
        server.execute(&format!("SELECT pg_terminate_backend({process})"));
    });
    assert_eq!(answer.await, Ok(1));
    assert_eq!(names(&store).await, ["first", "second"]);
    assert_eq!(store.metrics().connections_lost, 1);
}

#[tokio::test]
async fn connections_that_are_killed_while_nobody_uses_them_cost_nobody_an_answer() {
    let Some(server) = postgres::shared() else { return };
    let place = Place::postgres().unwrap();
    let mut options = one_writer();
    options.postgres.readers = 1;
    let store = place.store(options).await;
    for round in 0..5 {
        let name = format!("round {round}");
        let process = |tx: &gatepost_store::Tx<'_>| tx.one(&PROCESS, params![], |row| row.get::<i64>(0));
        let writer = store.write(process).await.unwrap();
        let reader = store.read(process).await.unwrap();
        server.execute(&format!(
            "SELECT pg_terminate_backend(p, 10000) FROM unnest(ARRAY[{writer}, {reader}]) p"
        ));
        assert_eq!(put(&store, &*name, round).await, Ok(1));
        assert_eq!(names(&store).await.len(), usize::try_from(round).unwrap() + 1);
    }
}

#[tokio::test]
async fn a_server_process_that_stands_still_is_given_up() {
    let Some(_) = postgres::shared() else { return };
    let place = Place::postgres().unwrap();
    let mut options = one_writer();
    options.postgres.answer_timeout = Duration::from_millis(700);
    let store = place.store(options).await;
    let stopped = Arc::new(Mutex::new(0));
    let stopping = Arc::clone(&stopped);
    let answer = interrupted(&store, move |process| {
        signal("-STOP", process);
        *stopping.lock().unwrap() = process;
    });
    let answer = timeout(PATIENCE, answer).await.unwrap();
    let later = put(&store, "later", 1).await;
    signal("-CONT", *stopped.lock().unwrap());
    // What the process that stands still wrote keeps the same name from others until it is gone.
    assert!(answer.as_ref().is_ok() || answer.as_ref().is_err_and(StoreError::is_transient), "{answer:?}");
    assert!(later.as_ref().is_ok() || later.as_ref().is_err_and(StoreError::is_transient), "{later:?}");
    let mut last = Err(StoreError::Closed);
    let started = Instant::now();
    for number in 0.. {
        last = put(&store, format!("again {number}"), 1).await;
        if last.is_ok() || started.elapsed() > PATIENCE {
            break;
        }
    }
    assert_eq!(last, Ok(1));
    assert_eq!(get(&store, "first").await.is_some(), answer.is_ok());
}

fn signal(signal: &str, process: i64) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn a_server_with_too_many_connections_refuses_and_takes_the_next_when_one_is_free() {
    let Some(server) = Postgres::start(&["max_connections=7", "superuser_reserved_connections=0"]) else {
        return;
    };
    let location = Location::Postgres(PostgresUrl::new(server.schema()));
    let options = || {
        let mut options = one_writer();
        options.postgres.readers = 1;
        options
    };
    let first = Store::open(&location, options()).unwrap();
    let second = Store::open(&location, options()).unwrap();
    let third = Store::open(&location, options()).err().unwrap();
    assert!(matches!(&third, StoreError::Unavailable(_)) && third.is_transient(), "{third:?}");
    first.close().await;
    // The server frees a place a little after its user has gone.
    until(|| Store::open(&location, options()).is_ok()).await;
    second.close().await;
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_left_until_there_is_one_that_does() {
    let Some(server) = Postgres::start(&[]) else { return };
    let place = Place::Postgres(PostgresUrl::new(server.schema()));
    let store = place.store(one_writer()).await;
    put(&store, "before", 1).await.unwrap();
    server.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    server.execute("SELECT pg_reload_conf()");
    let mut number = 0;
    let refused = loop {
        number += 1;
        // The server takes up its new settings a little later.
        match put(&store, format!("while {number}"), 1).await {
            Ok(_) => assert!(number < 100_000),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    server.execute("ALTER SYSTEM RESET ALL");
    server.execute("SELECT pg_reload_conf()");
    let back = async {
        while put(&store, "after", 1).await.is_err() {
            tokio::task::yield_now().await
        }
    };
    timeout(PATIENCE, back).await.unwrap();
    assert_eq!(get(&store, "after").await, Some(1));
}
