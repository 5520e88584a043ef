//! What PostgreSQL refuses is never answered as done, and nothing else is refused with it.

use std::ops::ControlFlow;

use gatepost_store::{Location, PostgresUrl, Sql, Store, StoreError, StoreOptions, params};
use tokio::task::JoinSet;

use crate::support::{ADD, GET, NAMES, PUT, PUT_DOCUMENT, Place, Plug, get, names, one_writer, put, settle};

static ORPHAN: Sql = Sql::new("INSERT INTO child (pair) VALUES ($1)");
static SET: Sql = Sql::new("UPDATE pair SET value = $2 WHERE name = $1");
static IDS: Sql = Sql::new("SELECT id FROM document ORDER BY id");

/// Writes `0` to `9` and, among them, what `odd` does, all in one group.
async fn group_with<F>(store: &Store, odd: F) -> (Vec<Result<usize, StoreError>>, Result<usize, StoreError>)
where
    F: Fn(&gatepost_store::Tx<'_>) -> Result<usize, StoreError> + Send + 'static,
{
    let plug = Plug::new(store).await;
    let mut writes = JoinSet::new();
    let write = |number: i64| {
        let store = store.clone();
        async move { put(&store, number.to_string(), number).await }
    };
    for number in 0..5 {
        writes.spawn(write(number));
    }
    settle().await;
    let odd = tokio::runtime::Handle::current().spawn({
        let store = store.clone();
        async move { store.write(odd).await }
    });
    settle().await;
    for number in 5..10 {
        writes.spawn(write(number));
    }
    settle().await;
    plug.pull().await.unwrap();
    (writes.join_all().await, odd.await.unwrap())
}

#[tokio::test]
async fn a_group_that_the_server_rolled_back_is_not_answered_as_stored() {
    let Some(place) = Place::postgres() else { return };
    let store = place.store(one_writer()).await;
    put(&store, "taken", 0).await.unwrap();
    let later = |tx: &gatepost_store::Tx<'_>| {
        tx.exec_later(&PUT, params!["with it", 1])?;
        // Its refusal shows only when the group is sent, together with COMMIT.
        tx.exec_later(&PUT, params!["taken", 1]).map(|()| 1)
    };
    let (others, odd) = group_with(&store, later).await;
    assert_eq!(odd, Err(StoreError::Unique { constraint: String::from("pair_pkey") }));
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    assert_eq!(store.metrics().reruns, 1);
    let expected: Vec<String> =
        (0..10).map(|number| number.to_string()).chain([String::from("taken")]).collect();
    assert_eq!(names(&store).await, expected);
}

#[tokio::test]
async fn a_rule_that_is_looked_at_by_commit_fails_its_own_closure_only() {
    let Some(place) = Place::postgres() else { return };
    let store = place.store(one_writer()).await;
    let (others, odd) = group_with(&store, |tx| tx.exec(&ORPHAN, params!["nobody"])).await;
    assert_eq!(odd, Err(StoreError::ForeignKey));
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    assert_eq!(names(&store).await.len(), 10);
}

#[tokio::test]
async fn a_refusal_that_is_taken_lightly_undoes_its_statement_only() {
    let Some(place) = Place::postgres() else { return };
    let store = place.store(one_writer()).await;
    put(&store, "taken", 0).await.unwrap();
    let lightly = |tx: &gatepost_store::Tx<'_>| {
        tx.exec(&PUT, params!["before", 1])?;
        let refused = tx.exec(&PUT, params!["taken", 1]);
        assert!(refused.is_err());
        tx.exec_later(&PUT, params!["after", 1])?;
        Ok(tx.all(&NAMES, params![], |_| Ok(()))?.len())
    };
    let (others, odd) = group_with(&store, lightly).await;
    assert!(odd.is_ok(), "{odd:?}");
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    assert_eq!((get(&store, "before").await, get(&store, "after").await), (Some(1), Some(1)));
    assert_eq!(get(&store, "taken").await, Some(0));
    // What was sent without being asked about cannot be taken lightly.
    let late = store
        .write(|tx| {
            tx.exec_later(&PUT, params!["taken", 1])?;
            let _ = tx.one(&GET, params!["taken"], |_| Ok(()));
            tx.exec_later(&PUT, params!["too late", 1]).or(Ok::<_, StoreError>(()))
        })
        .await;
    assert!(matches!(late, Err(StoreError::Unique { .. })), "{late:?}");
    assert_eq!(get(&store, "too late").await, None);
}

#[tokio::test]
async fn a_value_that_does_not_fit_keeps_the_rest_of_its_closure_back() {
    let Some(place) = Place::postgres() else { return };
    let store = place.store(one_writer()).await;
    let misfit = |tx: &gatepost_store::Tx<'_>| {
        tx.exec_later(&PUT, params!["first", 1])?;
        tx.exec_later(&PUT, params!["second", "no number"]).map(|()| 1)
    };
    let (others, odd) = group_with(&store, misfit).await;
    assert!(matches!(odd, Err(StoreError::Constraint(_))), "{odd:?}");
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    assert_eq!(names(&store).await.len(), 10);
    assert_eq!(store.metrics().reruns, 0);
}

#[tokio::test]
async fn errors_say_what_broke_and_never_which_value() {
    let Some(place) = Place::postgres() else { return };
    let store = place.store(StoreOptions::default()).await;
    put(&store, "s3cret", 1).await.unwrap();
    let unique = put(&store, "s3cret", 2).await.unwrap_err();
    let null = store.write(|tx| tx.exec(&PUT, params!["s3cret2", None::<i64>])).await.unwrap_err();
    assert_eq!(null, StoreError::Constraint(String::from("PostgreSQL says 23502 at pair.value")));
    let kind = store.write(|tx| tx.exec(&PUT, params!["s3cret3", "s3cret4"])).await.unwrap_err();
    let zero = put(&store, "s3cret5\0", 1).await.unwrap_err();
    static CAST: Sql = Sql::new("SELECT CAST(CAST($1 AS TEXT) AS BIGINT)");
    let cast = store.read(|tx| tx.one(&CAST, params!["s3cret6"], |row| row.get::<i64>(0))).await.unwrap_err();
    assert_eq!(zero, StoreError::ZeroCharacter);
    for error in [&kind, &cast] {
        assert!(matches!(error, StoreError::Constraint(_)), "{error}");
    }
    for error in [unique, null, kind, zero, cast] {
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn no_update_is_lost_between_writers() {
    let Some(place) = Place::postgres() else { return };
    let stores = [place.store(StoreOptions::default()).await, place.store(StoreOptions::default()).await];
    put(&stores[0], "sum", 0).await.unwrap();
    let mut adding = JoinSet::new();
    for number in 0..60 {
        let store = stores[number % 2].clone();
        adding.spawn(async move {
            store
                .write(|tx| {
                    let sum: i64 = tx.one(&GET, params!["sum"], |row| row.get(0))?;
                    tx.exec_later(&SET, params!["sum", sum + 1])
                })
                .await
        });
    }
    let answers = adding.join_all().await;
    let added = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(answers.iter().all(|answer| matches!(answer, Ok(()) | Err(StoreError::Busy))), "{answers:?}");
    assert!(added > 30, "{added}");
    assert_eq!(get(&stores[0], "sum").await, i64::try_from(added).ok());
}

#[tokio::test]
async fn a_caller_finds_what_it_wrote_whichever_thread_it_comes_to() {
    let Some(place) = Place::postgres() else { return };
    let store = place.store(StoreOptions::default()).await;
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let store = store.clone();
        callers.spawn(async move {
            for number in 0..40 {
                let name = format!("{caller}/{number}");
                put(&store, &*name, number).await.unwrap();
                let changed = store.write(move |tx| tx.exec(&ADD, params![&name, 1])).await;
                assert_eq!(changed, Ok(1));
            }
        });
    }
    callers.join_all().await;
}

#[tokio::test]
async fn scans_fetch_what_is_looked_at_and_can_stand_in_each_other() {
    let Some(place) = Place::postgres() else { return };
    let store = place.store(StoreOptions::default()).await;
    let fill = |tx: &gatepost_store::Tx<'_>| {
        (0..2_500_i64).try_for_each(|id| tx.exec_later(&PUT_DOCUMENT, params![id, "{}"]))
    };
    store.write(fill).await.unwrap();
    let all = |tx: &gatepost_store::Tx<'_>, most: i64| {
        let mut seen = 0;
        tx.scan(&IDS, params![], |row| {
            assert_eq!(row.get::<i64>(0)?, seen);
            seen += 1;
            Ok(if seen == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok::<_, StoreError>(seen)
    };
    let nested = move |tx: &gatepost_store::Tx<'_>| {
        let mut sums = Vec::new();
        tx.scan(&IDS, params![], |_| {
            sums.push(all(tx, 1_200)?);
            Ok(if sums.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok::<_, StoreError>((sums, all(tx, 5_000)?))
    };
    let expected = Ok((vec![1_200; 3], 2_500));
    assert_eq!(store.read(nested).await, expected);
    assert_eq!(store.write(nested).await, expected);
    assert_eq!(store.read_point(move |tx| all(tx, 5_000)).await, Ok(2_500));
}

#[tokio::test]
async fn a_backup_is_the_servers_affair() {
    let Some(place) = Place::postgres() else { return };
    let refused = place.store(StoreOptions::default()).await.backup(&std::env::temp_dir().join("none")).await;
    assert!(matches!(&refused, Err(StoreError::Backup(reason)) if reason.contains("pg_dump")), "{refused:?}");
}

#[tokio::test]
async fn a_closed_store_refuses_everything() {
    let Some(place) = Place::postgres() else { return };
    let store = place.store(StoreOptions::default()).await;
    put(&store, "a", 1).await.unwrap();
    store.close().await;
    assert_eq!(put(&store, "late", 1).await, Err(StoreError::Closed));
    let read = |tx: &gatepost_store::Tx<'_>| tx.opt(&GET, params!["a"], |row| row.get::<i64>(0));
    assert_eq!(store.read(read).await, Err(StoreError::Closed));
    assert_eq!(store.read_point(read).await, Err(StoreError::Closed));
    assert!(matches!(store.migrate().await, Err(StoreError::Closed)));
    store.close().await;
    assert_eq!(get(&place.store(StoreOptions::default()).await, "a").await, Some(1));
}

#[test]
fn an_address_that_leads_nowhere_is_refused_without_its_password() {
    // Nothing listens there: the port was free a moment ago and is given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in
        [format!("postgres://me:s3cret@127.0.0.1:{port}/gatepost"), String::from("postgres://me:s3cret@[x/y")]
    {
        let opened = Store::open(&Location::Postgres(PostgresUrl::new(url)), StoreOptions::default());
        let refused = opened.err().unwrap();
        assert!(matches!(refused, StoreError::Unavailable(_) | StoreError::Open(_)), "{refused}");
        assert!(!refused.to_string().contains("s3cret"), "{refused}");
    }
}
