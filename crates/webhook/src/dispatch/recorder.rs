//! Writes results down, as many as there are in one transaction: it shares the commit of the writes beside it, so that
//! recording adds no sync of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gatepost_model::ClientNumber;
use gatepost_store::tables::deliveries::{self, Progress};
use gatepost_store::tables::webhook_urls;
use gatepost_store::{Store, StoreError};
use tokio::sync::mpsc::UnboundedReceiver;

/// At most so many results in one transaction.
const MOST_AT_ONCE: usize = 128;

/// What became of a delivery, to be written down.
#[derive(Clone, Debug)]
pub struct Result {
    /// The delivery's progress.
    pub progress: Progress,
    /// A URL that gets nothing more: whose, which, why.
    pub disable: Option<(ClientNumber, String, &'static str)>,
}

/// Writes results down as they come until there are no more senders. `held` counts deliveries in memory down.
pub async fn run(store: Store, mut results: UnboundedReceiver<Result>, held: Arc<AtomicUsize>) {
    let mut batch = Vec::new();
    while results.recv_many(&mut batch, MOST_AT_ONCE).await > 0 {
        let count = batch.len();
        if let Err(error) = record(&store, std::mem::take(&mut batch), &held).await {
            // The leases of these end, and they are sent again: at least once, and no result is made up.
            tracing::error!(%error, deliveries = count, "delivery.record");
        }
    }
}

/// Writes these results down.
///
/// # Errors
/// If the store fails: then none of them is written.
pub async fn record(
    store: &Store,
    results: Vec<Result>,
    held: &AtomicUsize,
) -> std::result::Result<(), StoreError> {
    let count = results.len();
    let written = store
        .write(move |tx| {
            for result in &results {
                let ours = deliveries::record(tx, &result.progress)?;
                if let Some((client, url_id, reason)) = result.disable.as_ref().filter(|_| ours) {
                    webhook_urls::disable(tx, *client, url_id, reason)?;
                }
            }
            Ok::<_, StoreError>(())
        })
        .await;
    held.fetch_sub(count.min(held.load(Ordering::Relaxed)), Ordering::Relaxed);
    written
}
