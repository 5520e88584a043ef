//! Running migrations on SQLite, one transaction each.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::errors::without_values;
use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::migrations::{self, Applied, Migration, MigrationReport, MigrationState, MigrationStatus};

/// Where each migration stands.
pub(super) fn status(
    connection: &Connection,
    known: &[Migration],
) -> Result<Vec<MigrationStatus>, StoreError> {
    Ok(migrations::status(known, &applied(connection)?))
}

/// Runs what is yet to be run.
pub(super) fn migrate(connection: &Connection, known: &[Migration]) -> Result<MigrationReport, StoreError> {
    let mut report = MigrationReport { applied: Vec::new(), current: 0 };
    while let Some(status) = in_transaction(connection, || next(connection, known))? {
        report.applied.push(status);
    }
    report.current = applied(connection)?.last_key_value().map_or(0, |(number, _)| *number);
    Ok(report)
}

/// Runs the first migration that is yet to be run. The transaction is begun before looking, for another
/// process may be at the same work.
fn next(connection: &Connection, known: &[Migration]) -> Result<Option<MigrationStatus>, StoreError> {
    let pending = migrations::pending(known, &applied(connection)?)?;
    let Some(migration) = pending.first() else { return Ok(None) };
    let text = migration.rendered(Dialect::Sqlite)?;
    let run = connection.execute_batch(&text).and_then(|()| remember(connection, migration));
    run.map_err(|error| migration.failed(&without_values(error)))?;
    tracing::info!(number = migration.number, name = migration.name, "migrated the database");
    Ok(Some(MigrationStatus {
        number: migration.number,
        name: migration.name.to_owned(),
        state: MigrationState::Applied,
    }))
}

fn remember(connection: &Connection, migration: &Migration) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migration (
             number INTEGER NOT NULL PRIMARY KEY,
             name TEXT NOT NULL,
             checksum INTEGER NOT NULL
         ) STRICT",
    )?;
    let values = params![migration.number, migration.name, migration.checksum()];
    connection
        .execute("INSERT INTO schema_migration (number, name, checksum) VALUES (?1, ?2, ?3)", values)
        .map(|_| ())
}

fn applied(connection: &Connection) -> Result<BTreeMap<u32, Applied>, StoreError> {
    if !connection.table_exists(None, "schema_migration")? {
        return Ok(BTreeMap::new());
    }
    let mut statement = connection.prepare("SELECT number, name, checksum FROM schema_migration")?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, Applied { name: row.get(1)?, checksum: row.get(2)? })))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn in_transaction<T>(
    connection: &Connection,
    run: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = run().and_then(|value| {
        connection.execute_batch("COMMIT")?;
        Ok(value)
    });
    if done.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    done
}
