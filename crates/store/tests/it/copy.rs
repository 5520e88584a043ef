//! Moving from one engine to the other, with something in every table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gatepost_model::{SeededRandom, Timestamp, ids};
use gatepost_store::copy::{self, Copied, CopyError, NOT_COPIED, Step, TABLES, Table, copy};
use gatepost_store::migrations::MIGRATIONS;
use gatepost_store::{Sql, SqlBuf, Store, StoreError, StoreOptions, Value, params};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::support::Place;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// More than a page.
const ROWS: usize = 620;

/// A column, with its place in the key if it has one.
#[derive(Clone, Debug)]
struct Column {
    table: String,
    name: String,
    kind: String,
    nullable: bool,
    in_key: bool,
}

static SQLITE_COLUMNS: Sql = Sql::new(
    "SELECT m.name, c.name, c.type, c.\"notnull\", c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
);

static POSTGRES_COLUMNS: Sql = Sql::new(
    "SELECT CAST(c.table_name AS TEXT), CAST(c.column_name AS TEXT) FROM information_schema.columns c
     JOIN pg_class t ON t.oid = CAST(quote_ident(c.table_name) AS regclass)
     WHERE c.table_schema = current_schema() AND NOT t.relispartition AND t.relkind <> 'v'",
);

fn open(place: &Place) -> Store {
    place.open(copy::options(StoreOptions::default()))
}

async fn migrated(place: &Place) -> Store {
    let store = open(place);
    store.migrate().await.unwrap();
    store
}

async fn columns() -> Vec<Column> {
    let store = migrated(&Place::sqlite().unwrap()).await;
    let read = store.read(|tx| {
        tx.all(&SQLITE_COLUMNS, params![], |row| {
            Ok::<_, StoreError>(Column {
                table: row.get(0)?,
                name: row.get(1)?,
                kind: row.get(2)?,
                nullable: !row.get::<bool>(3)?,
                in_key: row.get::<i64>(4)? > 0,
            })
        })
    });
    read.await.unwrap()
}

fn known() -> BTreeMap<String, Vec<String>> {
    let sorted = |table: &Table| {
        let mut names: Vec<String> = table.columns().map(str::to_owned).collect();
        names.sort();
        names
    };
    TABLES.iter().map(|table| (table.name.to_owned(), sorted(table))).collect()
}

fn grouped(columns: impl Iterator<Item = (String, String)>) -> BTreeMap<String, Vec<String>> {
    let mut grouped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in columns.filter(|(table, _)| !NOT_COPIED.contains(&table.as_str())) {
        grouped.entry(table).or_default().push(column);
    }
    grouped.values_mut().for_each(|columns| columns.sort());
    grouped
}

const MEND: &str = "a migration changed the tables: mend TABLES in crates/store/src/copy/tables.rs";

#[tokio::test]
async fn every_table_and_column_is_copied() {
    let columns = columns().await;
    let found = columns.iter().map(|column| (column.table.clone(), column.name.clone()));
    assert_eq!(grouped(found), known(), "{MEND}");
    for table in TABLES {
        let own = columns.iter().filter(|column| column.table == table.name && column.in_key);
        let mut key: Vec<&str> = own.map(|column| column.name.as_str()).collect();
        let mut known = table.key.to_vec();
        key.sort_unstable();
        known.sort_unstable();
        assert_eq!(key, known, "{}: {MEND}", table.name);
    }
    let Some(place) = Place::postgres() else { return };
    let store = migrated(&place).await;
    let mut found: Vec<(String, String)> = store
        .read(|tx| tx.all(&POSTGRES_COLUMNS, params![], |row| Ok((row.get(0)?, row.get(1)?))))
        .await
        .unwrap();
    // The number of a transaction means nothing in another database: an event gets its place anew, in the order of ids.
    found.retain(|(table, column)| (table.as_str(), column.as_str()) != ("event", "position"));
    assert_eq!(grouped(found.into_iter()), known(), "{MEND}");
}

/// What a row holds.
#[derive(Clone)]
enum Filling {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Filling {
    /// The value of a column in the `number`th row: as odd as it may be.
    fn of(column: &Column, number: usize) -> Self {
        if column.nullable && number.is_multiple_of(3) {
            return Self::Null;
        }
        let signed = i64::try_from(number).unwrap();
        match column.kind.as_str() {
            "INTEGER" if is_truth(&column.name) => Self::Int(signed % 2),
            "INTEGER" if column.in_key => Self::Int(signed - 300),
            "INTEGER" => Self::Int(i64::MAX - signed),
            "BLOB" => Self::Bytes([number.to_be_bytes().as_slice(), &[0, 255, 13, 10]].concat()),
            _ => Self::Text(text(column, number)),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(value) => Value::Int(*value),
            Self::Text(text) => Value::Text(text),
            Self::Bytes(bytes) => Value::Blob(bytes),
        }
    }
}

fn text(column: &Column, number: usize) -> String {
    let hours = Duration::from_secs(3600) * u32::try_from(number).unwrap();
    let sortable = |prefix| ids::sortable(prefix, NOW.minus(hours), &SeededRandom::new(1));
    match (column.table.as_str(), column.name.as_str(), number) {
        // Rows with a day of their own; some days are long over and some ids tell no time.
        ("event", "id", 1..) => sortable(ids::EVENT),
        ("attempt", "delivery_id", 1..) => sortable(ids::DELIVERY),
        ("refused_request", "id", 1..) => sortable(ids::REQUEST),
        ("record", "body", 7) => "\u{1d11e}large ".repeat(600_000),
        (_, name, 5) if !column.in_key && name != "id" => String::new(),
        (_, name, _) => format!("{name} {number} it's \"q\" \\ \u{7f} \u{e9}e\u{301} 日本 🦀 \r\n\t\u{fffd}"),
    }
}

fn is_truth(column: &str) -> bool {
    MIGRATIONS.iter().any(|migration| migration.text.contains(&format!(" {column} {{bool}}")))
}

/// Puts rows into every table.
async fn fill(store: &Store) {
    store.create_days(NOW.minus(10 * DAY), NOW).await.unwrap();
    let columns = columns().await;
    for table in TABLES {
        let of_table: Vec<Column> = table
            .columns()
            .map(|name| {
                columns.iter().find(|column| column.table == table.name && column.name == name).unwrap()
            })
            .cloned()
            .collect();
        let filled = store.write(move |tx| {
            for number in 0..ROWS {
                let row: Vec<Filling> = of_table.iter().map(|column| Filling::of(column, number)).collect();
                insert(tx, table, &row)?;
            }
            Ok::<_, StoreError>(())
        });
        assert_eq!(filled.await, Ok(()), "{}", table.name);
    }
}

fn insert(tx: &gatepost_store::Tx<'_>, table: &Table, row: &[Filling]) -> Result<(), StoreError> {
    let mut sql = SqlBuf::new(tx.dialect());
    sql.push("INSERT INTO ").push(table.name).push(" (");
    for (number, name) in table.columns().enumerate() {
        sql.push(if number > 0 { ", " } else { "" }).push(name);
    }
    sql.push(") VALUES (");
    for (number, filling) in row.iter().enumerate() {
        sql.push(if number > 0 { ", " } else { "" }).bind(filling.value());
    }
    sql.push(")");
    tx.exec_later(&sql, &sql.values())
}

async fn copied(from: &Store, to: &Store) -> Result<Vec<Copied>, CopyError> {
    copy(from, to, (NOW.minus(10 * DAY), NOW), |_, _| {}).await
}

fn sums(copied: &[Copied]) -> Vec<(&'static str, copy::Sum)> {
    copied.iter().map(|copied| (copied.table.name, copied.sum)).collect()
}

async fn is_unfinished(store: &Store) -> bool {
    store.read(copy::is_unfinished).await.unwrap()
}

/// From `first` to the other engine and back to a third place.
async fn there_and_back(first: &Place, second: &Place, third: &Place) {
    let (first, second, third) = (migrated(first).await, open(second), open(third));
    fill(&first).await;
    let mut told = Vec::new();
    let there = copy(&first, &second, (NOW.minus(10 * DAY), NOW), |table, step| told.push((table, step)));
    let there = there.await.unwrap();
    assert_eq!(there.len(), TABLES.len());
    assert!(there.iter().all(|copied| copied.sum.rows == u64::try_from(ROWS).unwrap()));
    for Copied { table, sum } in &there {
        assert!(told.contains(&(table.name, Step::Written(sum.rows))));
        assert!(told.contains(&(table.name, Step::Verified(*sum))));
    }
    assert!(!is_unfinished(&second).await);
    let back = copied(&second, &third).await.unwrap();
    assert_eq!(sums(&there), sums(&back));
    let again = copied(&third, &migrated(&Place::sqlite().unwrap()).await).await.unwrap();
    assert_eq!(sums(&there), sums(&again), "what was written is what was read");
}

#[tokio::test]
async fn from_sqlite_to_postgres_and_back() {
    let Some(postgres) = Place::postgres() else { return };
    let (from, back) = (Place::sqlite().unwrap(), Place::sqlite().unwrap());
    there_and_back(&from, &postgres, &back).await;
}

#[tokio::test]
async fn from_postgres_to_sqlite_and_back() {
    let (Some(from), Some(back)) = (Place::postgres(), Place::postgres()) else { return };
    there_and_back(&from, &Place::sqlite().unwrap(), &back).await;
}

#[tokio::test]
async fn what_is_in_use_or_of_another_release_is_left_alone() {
    let (from, to) = (Place::sqlite().unwrap(), Place::sqlite().unwrap());
    let (unmigrated, from, to) =
        (open(&Place::sqlite().unwrap()), migrated(&from).await, migrated(&to).await);
    let refused = copied(&unmigrated, &to).await;
    assert!(matches!(refused, Err(CopyError::Tables(1))), "{refused:?}");
    fill(&to).await;
    let refused = copied(&from, &to).await;
    assert!(matches!(refused, Err(CopyError::NotEmpty("counter"))), "{refused:?}");
    assert!(!is_unfinished(&to).await);
}

#[tokio::test]
async fn a_copy_that_is_broken_off_is_no_database() {
    for to in [Place::sqlite(), Place::postgres()].into_iter().flatten() {
        let (from, to) = (migrated(&Place::sqlite().unwrap()).await, open(&to));
        fill(&from).await;
        let (begun, has_begun) = oneshot::channel();
        let mut begun = Some(begun);
        let tell = |_: &'static str, _| {
            if let Some(begun) = begun.take() {
                begun.send(()).unwrap();
            }
        };
        tokio::select! {
            biased;
            _ = has_begun => {}
            ended = copy(&from, &to, (NOW, NOW), tell) => panic!("{ended:?}"),
        }
        assert!(is_unfinished(&to).await);
        assert!(matches!(copied(&from, &to).await, Err(CopyError::NotEmpty(_))));
        let next = open(&Place::sqlite().unwrap());
        assert!(matches!(copied(&to, &next).await, Err(CopyError::UnfinishedSource)));
    }
}

#[tokio::test]
async fn a_target_that_is_not_the_same_stays_unfinished() {
    static CHANGE: Sql = Sql::new("UPDATE audit SET action = 'x' WHERE id = (SELECT min(id) FROM audit)");
    for to in [Place::sqlite(), Place::postgres()].into_iter().flatten() {
        let (from, to) = (migrated(&Place::sqlite().unwrap()).await, open(&to));
        fill(&from).await;
        let changing = Arc::new(to.clone());
        // Another process would do it while this one waits.
        let tell = move |table: &'static str, step: Step| {
            if (table, matches!(step, Step::Verified(_))) == (TABLES[0].name, true) {
                let store = Arc::clone(&changing);
                let change = std::thread::spawn(move || {
                    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(store.write(|tx| tx.exec(&CHANGE, params![])))
                });
                assert_eq!(change.join().unwrap(), Ok(1));
            }
        };
        let differs = copy(&from, &to, (NOW, NOW), tell).await;
        assert!(matches!(differs, Err(CopyError::Differs { table: "audit", .. })), "{differs:?}");
        assert!(is_unfinished(&to).await);
    }
}
