//! How long events, deliveries, refused requests and audit entries are kept, and dropping them afterwards.
//!
//! What is dropped is always the whole of a day (UTC), so everything is kept at least as long as it should be and at most a
//! day longer. Pending deliveries stay however old they are, and so do their events and attempts.

use std::time::Duration;

use gatepost_model::{Timestamp, WorkspaceNumber, ids};
use gatepost_store::partitions::{Day, DayTable};
use gatepost_store::tables::{attempt_counts, calls, records, replays, retention};
use gatepost_store::{StoreError, Tx};

use crate::{Error, Gatepost};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Rows that one transaction drops, so that nobody waits long for it.
const PAGE: u32 = 200;

/// Events outlive by this the last moment at which they can be sent again: longer than any transaction takes and any two
/// nodes' clocks differ. So no node drops an event that another one is just about to send again.
const MARGIN: Duration = Duration::from_secs(3600);

/// How long what grows is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Deliveries that have come to their end, with their attempts.
    pub deliveries: Duration,
    /// Events; at least as long as deliveries.
    pub events: Duration,
    /// Refused requests.
    pub refused_requests: Duration,
    /// Audit entries, if not for good.
    pub audit: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { deliveries: 30 * DAY, events: 30 * DAY, refused_requests: 7 * DAY, audit: None }
    }
}

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Rows, one by one.
    pub rows: usize,
    /// Transactions that it took.
    pub pages: usize,
    /// Days, as a whole.
    pub days: usize,
}

impl Gatepost {
    /// Makes room for the days to come.
    ///
    /// # Errors
    /// If the store fails. What is written is kept all the same.
    pub async fn prepare_days(&self) -> Result<(), Error> {
        let now = self.now();
        let made = self.store.create_days(now, now).await?;
        tracing::debug!(made, "the days to come have their partitions");
        Ok(())
    }

    /// Drops what was kept long enough, and rests for `pause` after each page of rows.
    ///
    /// # Errors
    /// If the store fails. What was dropped until then is dropped; the next run goes on.
    pub async fn apply_retention(&self, pause: Duration) -> Result<Dropped, Error> {
        let (now, kept) = (self.now(), self.settings.retention);
        let mut run = Run { gatepost: self, pause, dropped: Dropped::default() };
        let deliveries = Day::of(now.minus(kept.deliveries));
        run.drop_deliveries(deliveries).await?;
        // Asked after that: what is left below the day is what is pending.
        let needed = self.store.read(retention::needed).await?;
        let attempts = needed.attempts.map_or(deliveries, |first| first.min(deliveries));
        run.drop_days(DayTable::Attempts, attempts).await?;
        let events = Day::of(now.minus(kept.events).minus(MARGIN));
        let events = needed.events.map_or(events, |first| first.min(events));
        run.drop_days(DayTable::Events, events).await?;
        run.drop_days(DayTable::RefusedRequests, Day::of(now.minus(kept.refused_requests))).await?;
        let counts = Day::of(now.minus(kept.refused_requests.max(crate::calls::SHOWN))).start();
        run.drop_pages(move |tx| calls::drop_before(tx, counts, PAGE)).await?;
        run.drop_pages(move |tx| attempt_counts::drop_before(tx, counts, PAGE)).await?;
        let replays = Day::of(now.minus(kept.deliveries)).start();
        run.drop_pages(move |tx| replays::drop_before(tx, replays, PAGE)).await?;
        if let Some(audit) = kept.audit {
            let first = Day::of(now.minus(audit));
            run.drop_pages(move |tx| retention::drop_audit(tx, first, PAGE)).await?;
        }
        Ok(run.dropped)
    }
}

/// Whether a delivery may be made of this event now: it is there, and will be for as long as that takes to be seen.
pub(crate) fn is_kept(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    event_id: &str,
    oldest: Timestamp,
) -> Result<bool, StoreError> {
    let is_old = ids::sortable_time(ids::EVENT, event_id).is_some_and(|made| made < oldest);
    Ok(!is_old && records::lookup_event(tx, workspace, event_id)?.is_some())
}

struct Run<'a> {
    gatepost: &'a Gatepost,
    pause: Duration,
    dropped: Dropped,
}

impl Run<'_> {
    async fn drop_deliveries(&mut self, first: Day) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let from = after.clone();
            let page = self
                .gatepost
                .store
                .write(move |tx| retention::drop_deliveries(tx, &from, first, PAGE))
                .await?;
            let Some(page) = page else { return Ok(()) };
            after = page.last;
            self.rest(page.dropped).await;
        }
    }

    async fn drop_days(&mut self, table: DayTable, first: Day) -> Result<(), Error> {
        self.dropped.days += self.gatepost.store.drop_days(table, first).await?;
        self.drop_pages(move |tx| retention::drop_rows(tx, table, first, PAGE)).await
    }

    /// Has pages dropped until one is empty.
    async fn drop_pages(
        &mut self,
        page: impl Fn(&Tx<'_>) -> Result<usize, StoreError> + Copy + Send + 'static,
    ) -> Result<(), Error> {
        loop {
            let rows = self.gatepost.store.write(page).await?;
            if rows == 0 {
                return Ok(());
            }
            self.rest(rows).await;
        }
    }

    async fn rest(&mut self, rows: usize) {
        self.dropped.rows += rows;
        self.dropped.pages += 1;
        tokio::time::sleep(self.pause).await;
    }
}
