//! Typed functions over [`Tx`], one module per table or group of tables that change together.
//!
//! Functions on a workspace's data take it first. `lookup_…` gives an option, `list_…` pages, `claim` leases.

pub mod admin_tokens;
pub mod attempt_counts;
pub mod audit;
pub mod calls;
pub mod client_list;
pub mod clients;
pub mod deliveries;
pub mod delivery_control;
pub mod delivery_list;
pub mod ending_secrets;
pub mod event_feed;
pub mod invitations;
pub mod memberships;
pub mod notice_urls;
pub mod people;
pub mod rate_windows;
pub mod reconciliation;
pub mod records;
pub mod refusals;
pub mod replays;
pub mod retention;
pub mod sessions;
pub mod url_clocks;
pub mod webhook_urls;
pub mod workspaces;

use gatepost_model::Timestamp;

use crate::{Sql, StoreError, Tx, params};

/// Every static statement of the tables, for the test that prepares them all.
pub const STATEMENTS: &[&[&Sql]] = &[
    &[&NEXT],
    admin_tokens::STATEMENTS,
    attempt_counts::STATEMENTS,
    audit::STATEMENTS,
    calls::STATEMENTS,
    client_list::STATEMENTS,
    clients::STATEMENTS,
    crate::copy::STATEMENTS,
    deliveries::STATEMENTS,
    event_feed::STATEMENTS,
    ending_secrets::STATEMENTS,
    invitations::STATEMENTS,
    memberships::STATEMENTS,
    notice_urls::STATEMENTS,
    people::STATEMENTS,
    rate_windows::STATEMENTS,
    reconciliation::STATEMENTS,
    records::STATEMENTS,
    refusals::STATEMENTS,
    replays::STATEMENTS,
    retention::STATEMENTS,
    sessions::STATEMENTS,
    url_clocks::STATEMENTS,
    webhook_urls::STATEMENTS,
    delivery_control::STATEMENTS,
    delivery_list::STATEMENTS,
    workspaces::STATEMENTS,
];

static NEXT: Sql = Sql::new(
    "INSERT INTO counter (name, value) VALUES ($1, 1)
     ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
);

/// The next number of a counter, from 1. A number that was given out never comes again.
///
/// # Errors
/// If the store fails.
pub fn next_number(tx: &Tx<'_>, counter: &str) -> Result<i64, StoreError> {
    tx.one(&NEXT, params![counter], |row| row.get(0))
}

/// A text that the store must hold as one of an enumeration's names.
fn named<T>(column: &str, text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
    parse(text).ok_or_else(|| StoreError::Corrupt(format!("column {column} holds \"{text}\"")))
}

/// Where a page of a newest-first list begins, and how long it is.
#[derive(Clone, Debug)]
pub struct Page {
    /// Only entries with a smaller id; none for the first page.
    pub before: Option<String>,
    /// At most so many.
    pub limit: u32,
}

impl Page {
    /// The id that all entries are below. For the first page it is one that sorts after every id, so that all pages are
    /// found in the same way, by the index.
    fn bound(&self) -> &str {
        self.before.as_deref().unwrap_or("~")
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { before: None, limit: 100 }
    }
}

/// A span of time, both ends open where none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}
