//! Statements that are put together, and statements that do not fit.

use gatepost_store::statements::prepare_all;
use gatepost_store::{Dialect, Sql, SqlBuf, Statement, StoreError, StoreOptions, params, tables};

use crate::support::{ADD, DOCUMENTS, GET, NAMES, PUT, PUT_DOCUMENT, Place, on_both_engines, put};

static SWAPPED: Sql = Sql::new("SELECT $2, $1");
static LISTED: Sql = Sql::new("SELECT name FROM pair WHERE name IN {in_list $1} ORDER BY name");
static RETURNING: Sql = Sql::new(
    "INSERT INTO pair (name, value) VALUES ($1, 1), ($2, 1)
     ON CONFLICT (name) DO UPDATE SET value = pair.value + 1 RETURNING value",
);

on_both_engines!(
    placeholders_are_numbers_whatever_their_order,
    a_list_is_one_value,
    a_statement_put_together_binds_its_values,
    returning_writes_all_rows_though_only_one_is_looked_at,
    closures_neither_end_transactions_nor_make_tables,
    statements_that_do_not_fit_the_tables_are_found,
    the_products_statements_fit_its_tables,
);

async fn placeholders_are_numbers_whatever_their_order(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    let swapped = store
        .read(|tx| {
            tx.one(&SWAPPED, params!["one", "two"], |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))
        })
        .await;
    assert_eq!(swapped, Ok((String::from("two"), String::from("one"))));
}

async fn a_list_is_one_value(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    for name in ["a", "b", "c"] {
        put(&store, name, 1).await.unwrap();
    }
    let listed: Vec<String> =
        store.read(|tx| tx.all(&LISTED, params![r#"["c","a","x"]"#], |row| row.get(0))).await.unwrap();
    assert_eq!(listed, ["a", "c"]);
}

async fn a_statement_put_together_binds_its_values(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    for name in ["a", "b", "it's"] {
        put(&store, name, 1).await.unwrap();
    }
    let found: Vec<String> = store
        .write(|tx| {
            let mut sql = SqlBuf::new(tx.dialect());
            sql.push("SELECT name FROM pair WHERE name = ").bind("it's");
            sql.push(" OR value > ").bind(5).push(" ORDER BY name {lock}");
            tx.all(&sql, &sql.values(), |row| row.get(0))
        })
        .await
        .unwrap();
    assert_eq!(found, ["it's"]);
    let mut sql = SqlBuf::new(Dialect::Postgres);
    sql.push("DELETE FROM pair WHERE name = ").bind("x").push(" OR value = ").bind(1);
    let rendered = sql.rendered(Dialect::Postgres).unwrap();
    assert_eq!(rendered.text, "DELETE FROM pair WHERE name = $1 OR value = $2");
    assert_eq!(rendered.arity, 2);
    assert!(sql.rendered(Dialect::Sqlite).is_err());
    assert!(SqlBuf::new(Dialect::Sqlite).push("SELECT $1").rendered(Dialect::Sqlite).is_err());
}

async fn returning_writes_all_rows_though_only_one_is_looked_at(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    for expected in 1..4 {
        let value = store.write(|tx| tx.one(&RETURNING, params!["a", "b"], |row| row.get::<i64>(0))).await;
        assert_eq!(value, Ok(expected));
    }
    let b = store.read(|tx| tx.one(&GET, params!["b"], |row| row.get::<i64>(0))).await;
    assert_eq!(b, Ok(3));
    // A failure after such a statement must undo it, so the store must have seen it write.
    let failed: Result<(), StoreError> = store
        .write(|tx| {
            tx.one(&RETURNING, params!["c", "d"], |row| row.get::<i64>(0))?;
            Err(StoreError::NotFound)
        })
        .await;
    assert_eq!(failed, Err(StoreError::NotFound));
    assert_eq!(store.read(|tx| tx.opt(&GET, params!["d"], |_| Ok(()))).await, Ok(None));
}

async fn closures_neither_end_transactions_nor_make_tables(place: Place) {
    static STATEMENTS: [Sql; 5] = [
        Sql::new("COMMIT"),
        Sql::new("rollback"),
        Sql::new("CREATE TABLE more (id INTEGER)"),
        Sql::new(" DROP TABLE pair"),
        Sql::new("PRAGMA synchronous = OFF"),
    ];
    let store = place.store(StoreOptions::default()).await;
    for statement in &STATEMENTS {
        let answer = store.write(|tx| tx.exec(statement, params![])).await;
        assert!(matches!(answer, Err(StoreError::Statement(_))), "{answer:?}");
    }
}

async fn statements_that_do_not_fit_the_tables_are_found(place: Place) {
    static GOOD: &[&Sql] = &[&PUT, &ADD, &GET, &NAMES, &PUT_DOCUMENT, &DOCUMENTS, &LISTED, &RETURNING];
    static MISSPELT: Sql = Sql::new("SELECT valeu FROM pair");
    static UNKNOWN_TOKEN: Sql = Sql::new("SELECT value FROM pair {looked}");
    static BAD: [&[&Sql]; 2] = [&[&GET, &MISSPELT], &[&UNKNOWN_TOKEN]];
    let store = place.store(StoreOptions::default()).await;
    prepare_all(&store, GOOD).await.unwrap();
    for (bad, named) in BAD.iter().zip(["valeu", "{looked}"]) {
        let error = prepare_all(&store, bad).await.unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
    }
}

async fn the_products_statements_fit_its_tables(place: Place) {
    let store = place.open(StoreOptions::default());
    store.migrate().await.unwrap();
    for statements in tables::STATEMENTS {
        prepare_all(&store, statements).await.unwrap();
    }
}
