//! Running migrations on PostgreSQL, one transaction each, by one node at a time.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use super::connection::Connection;
use super::feed;
use super::transaction::{Kind, Refusal, Transaction};
use super::worker::Link;
use crate::dialect::{Dialect, Rendered};
use crate::error::StoreError;
use crate::migrations::{self, Applied, Migration, MigrationReport, MigrationState, MigrationStatus};
use crate::params;

/// Nodes that start together take turns. They ask again and again rather than wait in the server: a statement that
/// waits there holds on to a moment of the database, and building an index beside it would wait for that one.
const TRY_LOCK: &str =
    "SELECT CAST(pg_try_advisory_lock(hashtextextended(current_schema(), 5551908837)) AS INT)";
const UNLOCK: &str = "SELECT pg_advisory_unlock(hashtextextended(current_schema(), 5551908837))";
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    number BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BIGINT NOT NULL
)";
const EXISTS: &str = "SELECT CAST(count(*) AS BIGINT) FROM pg_catalog.pg_class
    WHERE relname = 'schema_migration' AND relnamespace = CAST(quote_ident(current_schema()) AS regnamespace)";
const APPLIED: &str = "SELECT number, name, checksum FROM schema_migration";
const REMEMBER: &str = "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)";

/// Where each migration stands.
pub(super) fn status(link: &mut Link, known: &[Migration]) -> Result<Vec<MigrationStatus>, StoreError> {
    Ok(migrations::status(known, &applied(link.up()?)?))
}

/// Runs what is yet to be run, once no other node is at it.
pub(super) fn migrate(link: &mut Link, known: &[Migration]) -> Result<MigrationReport, StoreError> {
    in_turn(link, |connection| run_pending(connection, known))
}

/// Changes tables, once no other node is at it.
pub(super) fn in_turn<T>(
    link: &mut Link,
    change: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    link.up()?;
    let mut told = false;
    while rows(link.up()?, TRY_LOCK, |row| row.get::<i64>(0))? != [1_i64] {
        if !told {
            tracing::info!("another node is changing the tables; waiting for it");
            told = true;
        }
        link.runtime().block_on(async { tokio::time::sleep(BETWEEN_TRIES).await });
    }
    let connection = link.up()?;
    let changed = change(connection);
    // The lock would go with the connection too.
    let _ = connection.command(UNLOCK);
    changed
}

fn run_pending(connection: &Connection, known: &[Migration]) -> Result<MigrationReport, StoreError> {
    connection.command(TABLE)?;
    connection.command(feed::TABLE)?;
    let mut report = MigrationReport { applied: Vec::new(), current: 0 };
    for migration in migrations::pending(known, &applied(connection)?)? {
        run(connection, migration)?;
        tracing::info!(number = migration.number, name = migration.name, "migrated the database");
        report.applied.push(MigrationStatus {
            number: migration.number,
            name: migration.name.to_owned(),
            state: MigrationState::Applied,
        });
    }
    report.current = applied(connection)?.last_key_value().map_or(0, |(number, _)| *number);
    Ok(report)
}

fn run(connection: &Connection, migration: &Migration) -> Result<(), StoreError> {
    let text = migration.rendered(Dialect::Postgres)?;
    let transaction = Transaction::new(connection, Kind::Together, None);
    let remember = Rendered { text: String::from(REMEMBER), arity: 3 };
    let values = params![migration.number, migration.name, migration.checksum()];
    let done = transaction
        .command(&text)
        .and_then(|()| transaction.execute(&remember, values).map(|_| ()))
        .inspect_err(|_| transaction.roll_back())
        .and_then(|()| {
            transaction.commit().map_err(|refusal| match refusal {
                Refusal::NotCommitted(error) => error,
                Refusal::Uncertain => StoreError::Uncertain,
            })
        });
    done.map_err(|error| migration.failed(&error))
}

fn applied(connection: &Connection) -> Result<BTreeMap<u32, Applied>, StoreError> {
    if rows(connection, EXISTS, |row| row.get::<i64>(0))? == [0_i64] {
        return Ok(BTreeMap::new());
    }
    let applied = rows(connection, APPLIED, |row| {
        Ok((row.get(0)?, Applied { name: row.get(1)?, checksum: row.get(2)? }))
    })?;
    Ok(applied.into_iter().collect())
}

/// The rows of a query without values.
pub(super) fn rows<T>(
    connection: &Connection,
    text: &str,
    map: impl Fn(&crate::Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    let sql = Rendered { text: text.to_owned(), arity: 0 };
    Transaction::new(connection, Kind::Point, None).query(&sql, &[], &mut |row| {
        found.push(map(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
