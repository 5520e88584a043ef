//! What waits to be sent, for whoever watches.

use std::time::Duration;

use gatepost_store::tables::deliveries;

use crate::{Error, Gatepost};

/// So many are counted; that there are more than this is all that matters then.
pub const MOST_COUNTED: u32 = 10_000;

/// The deliveries that are due and that no node has begun with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// How many there are, up to [`MOST_COUNTED`].
    pub due: u64,
    /// For how long the first of them has been due; zero if there is none.
    pub age: Duration,
}

impl Gatepost {
    /// What waits to be sent, by all nodes.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let now = self.now();
        let (due, first) = self.store.read(move |tx| deliveries::overdue(tx, now, MOST_COUNTED)).await?;
        Ok(Backlog { due, age: first.map_or(Duration::ZERO, |first| now.since(first)) })
    }
}
