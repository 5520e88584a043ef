//! Writes results down, as many as there are in one transaction: it shares the commit of the writes beside it, so that
//! recording adds no sync of its own.

use std::sync::Arc;
use std::time::Duration;

use gatepost_model::{CrashPoint, CrashPoints};
use gatepost_store::tables::deliveries::{self, Progress};
use gatepost_store::{Store, StoreError};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use super::hold::Hold;
use super::news::{self, News};

/// At most so many results in one transaction.
const MOST_AT_ONCE: usize = 128;
/// A store that is away, busy or full, or whose disk fails, is tried again so often, which takes a little less than a lease: what is given up is
/// sent once more when that ends,
const MORE_TRIES: u32 = 200;
/// after this pause.
const PAUSE: Duration = Duration::from_millis(250);

/// What became of a delivery, to be written down.
#[derive(Clone, Debug)]
pub struct Result {
    /// The delivery's progress.
    pub progress: Progress,
    /// What it says about the webhook URL, if anything was sent to it.
    pub news: Option<News>,
}

/// Writes results down as they come until there are no more senders.
pub async fn run(
    store: Store,
    mut results: UnboundedReceiver<(Result, Hold)>,
    crash_points: Arc<dyn CrashPoints>,
) {
    let mut batch = Vec::new();
    while results.recv_many(&mut batch, MOST_AT_ONCE).await > 0 {
        let (results, holds): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        crash_points.reached(CrashPoint::BeforeRecord);
        record_patiently(&store, results).await;
        crash_points.reached(CrashPoint::Recorded);
        drop(holds);
    }
}

/// Writes these results down, with patience for a store that cannot do it just now. What cannot be written at all is sent
/// again when its lease ends: at least once, and no result is made up. It costs no result but its own.
async fn record_patiently(store: &Store, results: Vec<Result>) {
    let results = Arc::from(results);
    let Err(error) = record_in_time(store, Arc::clone(&results)).await else { return };
    if error.is_transient() || may_pass(&error) || results.len() == 1 {
        tracing::error!(%error, deliveries = results.len(), "delivery.record");
        return;
    }
    for result in results.iter() {
        if let Err(error) = record_in_time(store, Arc::from([result.clone()])).await {
            tracing::error!(%error, delivery = result.progress.id, "delivery.record");
        }
    }
}

async fn record_in_time(store: &Store, results: Arc<[Result]>) -> std::result::Result<(), StoreError> {
    for _ in 0..MORE_TRIES {
        match record(store, Arc::clone(&results)).await {
            Err(error) if may_pass(&error) => sleep(PAUSE).await,
            end => return end,
        }
    }
    record(store, results).await
}

/// Whether it is worth trying again: also after an error of the disk, which may have kept the results or not. Writing them
/// down once more is harmless, since only the claim's holder may, and once.
fn may_pass(error: &StoreError) -> bool {
    match error {
        StoreError::Closed => false,
        StoreError::Io(_) => true,
        other => other.is_transient(),
    }
}

/// Writes these results down.
///
/// # Errors
/// If the store fails: then none of them is written.
pub async fn record(store: &Store, results: Arc<[Result]>) -> std::result::Result<(), StoreError> {
    store
        .write(move |tx| {
            let progress: Vec<&Progress> = results.iter().map(|result| &result.progress).collect();
            let held = deliveries::record_all(tx, &progress)?;
            let written = results.iter().zip(held).filter(|(_, held)| *held);
            news::record(tx, written.filter_map(|(result, _)| result.news.as_ref()))
        })
        .await
}
