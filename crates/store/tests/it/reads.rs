//! Reading beside the writer.

use std::ops::ControlFlow;
use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_store::{Sql, StoreError, StoreOptions, params};

use crate::support::{GET, NAMES, PUT, Place, on_both_engines, put};

static ENDLESS: Sql =
    Sql::new("WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n");
static TYPES: Sql = Sql::new(
    "SELECT CAST($1 AS {int}), CAST($2 AS {real}), CAST($3 AS TEXT), CAST($4 AS {blob}), CAST($5 AS {int}),
     CAST($6 AS {bool}), CAST($7 AS {ts})",
);

on_both_engines!(
    a_write_that_was_answered_is_seen_at_once,
    a_read_is_broken_off_at_its_deadline_and_its_connection_serves_on,
    all_statements_of_a_read_see_one_moment,
    a_read_cannot_write,
    values_come_back_as_they_went_in,
    a_scan_stops_where_it_is_told_to,
);

async fn a_write_that_was_answered_is_seen_at_once(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    for number in 0..200_i64 {
        let name = format!("n{number}");
        put(&store, &*name, number).await.unwrap();
        let (here, there) = (name.clone(), name);
        let read = store.read(move |tx| tx.one(&GET, params![&here], |row| row.get::<i64>(0))).await;
        let point = store.read_point(move |tx| tx.one(&GET, params![&there], |row| row.get::<i64>(0))).await;
        assert_eq!((read, point), (Ok(number), Ok(number)));
    }
    assert_eq!((store.metrics().reads, store.metrics().point_reads), (200, 200));
}

async fn a_read_is_broken_off_at_its_deadline_and_its_connection_serves_on(place: Place) {
    let mut options = StoreOptions {
        readers: 1,
        point_readers: 1,
        read_deadline: Duration::from_millis(150),
        ..StoreOptions::default()
    };
    options.postgres.readers = 1;
    let store = place.store(options).await;
    put(&store, "a", 1).await.unwrap();
    let endless = |tx: &gatepost_store::Tx<'_>| tx.one(&ENDLESS, params![], |row| row.get::<i64>(0));
    let many = |tx: &gatepost_store::Tx<'_>| -> Result<(), StoreError> {
        loop {
            tx.one(&GET, params!["a"], |_| Ok(()))?;
        }
    };
    for _ in 0..2 {
        assert_eq!(store.read(endless).await, Err(StoreError::Timeout));
        assert_eq!(store.read_point(endless).await, Err(StoreError::Timeout));
        assert_eq!(store.read(many).await, Err(StoreError::Timeout));
        let get = |tx: &gatepost_store::Tx<'_>| tx.one(&GET, params!["a"], |row| row.get::<i64>(0));
        assert_eq!((store.read(get).await, store.read_point(get).await), (Ok(1), Ok(1)));
    }
    assert_eq!(store.metrics().read_timeouts, 6);
}

async fn all_statements_of_a_read_see_one_moment(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    put(&store, "a", 1).await.unwrap();
    let (looked, has_looked) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let reading = tokio::runtime::Handle::current().spawn({
        let store = store.clone();
        async move {
            store
                .read(move |tx| {
                    let count = || tx.all(&NAMES, params![], |_| Ok(())).map(|rows| rows.len());
                    let before = count()?;
                    looked.send(()).unwrap();
                    may_go_on.recv().unwrap();
                    Ok::<_, StoreError>((before, count()?))
                })
                .await
        }
    });
    has_looked.await.unwrap();
    put(&store, "b", 1).await.unwrap();
    go_on.send(()).unwrap();
    assert_eq!(reading.await.unwrap(), Ok((1, 1)));
}

async fn a_read_cannot_write(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    let write = |tx: &gatepost_store::Tx<'_>| tx.exec(&PUT, params!["a", 1]);
    assert!(matches!(store.read(write).await, Err(StoreError::Statement(_))));
    assert!(matches!(store.read_point(write).await, Err(StoreError::Statement(_))));
}

async fn values_come_back_as_they_went_in(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    store
        .read(|tx| {
            let values = params![i64::MIN, 1.5, "ä'\"", &[0_u8, 255], None::<i64>, true, Timestamp(-1)];
            tx.one(&TYPES, values, |row| {
                assert_eq!(row.get::<i64>(0)?, i64::MIN);
                assert_eq!(row.get::<f64>(1)?, 1.5);
                assert_eq!((row.text(2)?, row.get::<String>(2)?.as_str()), ("ä'\"", "ä'\""));
                assert_eq!(row.get::<Vec<u8>>(3)?, [0, 255]);
                assert_eq!((row.get::<Option<i64>>(4)?, row.get::<Option<bool>>(5)?), (None, Some(true)));
                assert_eq!(row.get::<Timestamp>(6)?, Timestamp(-1));
                assert!(matches!(row.get::<u16>(0), Err(StoreError::Column { index: 0, .. })));
                assert!(matches!(row.get::<i64>(2), Err(StoreError::Column { found: "text", .. })));
                assert!(matches!(row.text(0), Err(StoreError::Column { .. })));
                assert!(matches!(row.get::<i64>(7), Err(StoreError::Column { index: 7, .. })));
                Ok(())
            })
        })
        .await
        .unwrap();
}

async fn a_scan_stops_where_it_is_told_to(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    for name in ["a", "b", "c"] {
        put(&store, name, 1).await.unwrap();
    }
    let seen = store
        .read(|tx| {
            let mut seen = Vec::new();
            tx.scan(&NAMES, params![], |row| {
                seen.push(row.text(0)?.to_owned());
                Ok(if seen.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            Ok::<_, StoreError>(seen)
        })
        .await
        .unwrap();
    assert_eq!(seen, ["a", "b"]);
}
