//! Making and dropping the partitions of days, by one node at a time and without keeping anybody waiting for long.

use super::connection::Connection;
use super::migrate::{in_turn, rows};
use super::worker::Link;
use crate::error::StoreError;
use crate::partitions::{Day, DayTable};

/// Who waits for a table keeps all others waiting who come after.
const LONGEST_WAIT: &str = "SET LOCAL lock_timeout = '500ms'";

/// Makes the partitions of these days that are not there, and says how many.
pub(super) fn create(link: &mut Link, days: &[Day]) -> Result<usize, StoreError> {
    if missing(link.up()?, days)?.is_empty() {
        return Ok(0);
    }
    in_turn(link, |connection| {
        let missing = missing(connection, days)?;
        for (table, day) in &missing {
            in_transaction(connection, &creating(*table, *day))?;
        }
        Ok(missing.len())
    })
}

/// Drops the partitions of the table's days before `first`, and says how many. One that others do not let go of stays for
/// the next time.
pub(super) fn drop_before(link: &mut Link, table: DayTable, first: Day) -> Result<usize, StoreError> {
    let is_over = |day: &Day| *day < first;
    if !existing(link.up()?, table)?.iter().any(is_over) {
        return Ok(0);
    }
    in_turn(link, |connection| {
        let mut dropped = 0;
        for day in existing(connection, table)?.into_iter().filter(is_over) {
            let partition = table.partition(day);
            match in_transaction(connection, &format!("DROP TABLE {partition}")) {
                Ok(()) => dropped += 1,
                Err(error) if connection.is_lost() => return Err(error),
                Err(error) => tracing::warn!(partition, %error, "a day that is over was not dropped yet"),
            }
        }
        Ok(dropped)
    })
}

fn missing(connection: &Connection, days: &[Day]) -> Result<Vec<(DayTable, Day)>, StoreError> {
    let mut missing = Vec::new();
    for table in DayTable::ALL {
        let existing = existing(connection, table)?;
        missing.extend(days.iter().filter(|day| !existing.contains(day)).map(|day| (table, *day)));
    }
    Ok(missing)
}

fn existing(connection: &Connection, table: DayTable) -> Result<Vec<Day>, StoreError> {
    let partitions = format!(
        "SELECT part.relname FROM pg_catalog.pg_inherits JOIN pg_catalog.pg_class part ON part.oid = inhrelid
         WHERE inhparent = CAST('{}' AS regclass)",
        table.name()
    );
    let names: Vec<String> = rows(connection, &partitions, |row| row.get(0))?;
    Ok(names.iter().filter_map(|name| table.day(name)).collect())
}

/// A partition that is made apart and attached does not keep the whole table from being used. What came before it was there
/// moves in.
fn creating(table: DayTable, day: Day) -> String {
    let (name, column, partition) = (table.name(), table.column(), table.partition(day));
    let (from, until) = (table.floor(day), table.floor(day.next()));
    format!(
        "LOCK TABLE {name}_default IN ACCESS EXCLUSIVE MODE;
         CREATE TABLE {partition} (LIKE {name} INCLUDING ALL);
         WITH early AS (DELETE FROM {name}_default WHERE {column} >= '{from}' AND {column} < '{until}' RETURNING *)
         INSERT INTO {partition} SELECT * FROM early;
         ALTER TABLE {name} ATTACH PARTITION {partition} FOR VALUES FROM ('{from}') TO ('{until}')"
    )
}

fn in_transaction(connection: &Connection, text: &str) -> Result<(), StoreError> {
    let done = connection.command(&format!("BEGIN; {LONGEST_WAIT}; {text}; COMMIT"));
    if done.is_err() && !connection.is_lost() {
        connection.command("ROLLBACK")?;
    }
    done
}
