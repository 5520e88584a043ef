//! Rows on their way: how a table is read in the order of its key, written, and told apart by a checksum.

use std::fmt;
use std::ops::ControlFlow;

use aws_lc_rs::digest::{Context, SHA256};

use super::tables::Table;
use crate::value::OwnedValue;
use crate::{Dialect, Row, SqlBuf, StoreError, Tx, Value};

/// Rows that are written in one transaction, at most: so many, or so much of them.
const PAGE_ROWS: usize = 500;
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// One row's values, in the order of [`Table::columns`].
pub(super) type Values = Vec<OwnedValue>;

/// How many rows a table has, and what they come to: SHA-256 over all their values in the order of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub rows: u64,
    /// What they come to.
    pub checksum: Checksum,
}

/// SHA-256, shown in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum([u8; 32]);

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Adds rows up.
pub(super) struct Adding {
    rows: u64,
    context: Context,
}

impl Adding {
    fn new() -> Self {
        Self { rows: 0, context: Context::new(&SHA256) }
    }

    /// Each value goes in with its type and its length, so that no two rows look alike.
    fn add(&mut self, row: &[OwnedValue]) {
        self.rows += 1;
        for value in row {
            match value.borrow() {
                Value::Null => self.part(b'n', &[]),
                Value::Int(value) => self.part(b'i', &value.to_be_bytes()),
                Value::Real(value) => self.part(b'r', &value.to_be_bytes()),
                Value::Text(value) => self.part(b't', value.as_bytes()),
                Value::Blob(value) => self.part(b'b', value),
            }
        }
    }

    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.context.update(&[kind]);
        self.context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.context.update(bytes);
    }

    fn finish(self) -> Sum {
        let mut checksum = [0; 32];
        checksum.copy_from_slice(self.context.finish().as_ref());
        Sum { rows: self.rows, checksum: Checksum(checksum) }
    }
}

/// Reads a whole table in the order of its key and hands it on in pages until `page` breaks off.
pub(super) fn read(
    tx: &Tx<'_>,
    table: &Table,
    mut page: impl FnMut(Vec<Values>) -> ControlFlow<()>,
) -> Result<Sum, StoreError> {
    let (mut adding, mut rows, mut bytes) = (Adding::new(), Vec::new(), 0);
    let columns = table.columns().count();
    tx.scan(&selecting(tx.dialect(), table), &[], |row| {
        let values = values(row, columns)?;
        adding.add(&values);
        bytes += values.iter().map(size).sum::<usize>();
        rows.push(values);
        if rows.len() < PAGE_ROWS && bytes < PAGE_BYTES {
            return Ok(ControlFlow::Continue(()));
        }
        bytes = 0;
        Ok(page(std::mem::take(&mut rows)))
    })?;
    if !rows.is_empty() {
        // There is nothing left to break off.
        let _ = page(rows);
    }
    Ok(adding.finish())
}

/// Writes rows as they were read.
pub(super) fn write(tx: &Tx<'_>, table: &Table, rows: &[Values]) -> Result<(), StoreError> {
    let inserting = inserting(tx.dialect(), table);
    for row in rows {
        let values: Vec<Value<'_>> = row.iter().map(OwnedValue::borrow).collect();
        tx.exec_later(&inserting, &values)?;
    }
    Ok(())
}

/// Whether the table has no rows.
pub(super) fn is_empty(tx: &Tx<'_>, table: &'static str) -> Result<bool, StoreError> {
    let mut sql = SqlBuf::new(tx.dialect());
    sql.push("SELECT 1 FROM ").push(table).push(" LIMIT 1");
    Ok(tx.opt(&sql, &[], |_| Ok(()))?.is_none())
}

fn selecting(dialect: Dialect, table: &Table) -> SqlBuf {
    let mut sql = SqlBuf::new(dialect);
    sql.push("SELECT ");
    list(&mut sql, table.columns());
    sql.push(" FROM ").push(table.name).push(" ORDER BY ");
    list(&mut sql, table.key.iter().copied());
    sql
}

fn inserting(dialect: Dialect, table: &Table) -> SqlBuf {
    let mut sql = SqlBuf::new(dialect);
    sql.push("INSERT INTO ").push(table.name).push(" (");
    list(&mut sql, table.columns());
    sql.push(") VALUES (");
    for number in 0..table.columns().count() {
        if number > 0 {
            sql.push(", ");
        }
        sql.bind(Value::Null);
    }
    sql.push(")");
    sql
}

fn list(sql: &mut SqlBuf, names: impl Iterator<Item = &'static str>) {
    for (number, name) in names.enumerate() {
        if number > 0 {
            sql.push(", ");
        }
        sql.push(name);
    }
}

fn values(row: &Row<'_>, columns: usize) -> Result<Values, StoreError> {
    (0..columns).map(|index| row.value(index).map(OwnedValue::from)).collect()
}

const fn size(value: &OwnedValue) -> usize {
    match value {
        OwnedValue::Null => 0,
        OwnedValue::Int(_) | OwnedValue::Real(_) => 8,
        OwnedValue::Text(text) => text.len(),
        OwnedValue::Blob(bytes) => bytes.len(),
    }
}
