//! What a server does by itself: every hour room for the days to come and an end to what was kept long enough, every minute
//! a look at the webhook URLs that take nothing.
//!
//! Every node does it; that another one does too harms nothing.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::{Error, Gatepost};
use tokio_util::sync::CancellationToken;

/// Partitions are made days ahead and rows go by the day, so this may fail many times before anybody notices.
const EVERY: Duration = Duration::from_secs(3600);

/// Between two pages of rows, so that requests find the store free most of the time.
const PAUSE: Duration = Duration::from_millis(50);

/// Does it at once and then every hour, until `stop`.
pub async fn run(gatepost: Arc<Gatepost>, stop: CancellationToken) {
    let upkeep = async {
        loop {
            if let Err(error) = once(&gatepost).await {
                tracing::warn!(%error, "the hourly upkeep of the tables failed; it is tried again in an hour");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    stop.run_until_cancelled(upkeep).await;
}

async fn watch_once(gatepost: &Arc<Gatepost>) -> Result<(), Error> {
    gatepost.look_at_failing_urls().await?;
    gatepost.tell_of_ending_secrets().await
}

/// How often clocks of failing URLs are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Disables webhook URLs whose clock has run out, within a minute of that, until `stop`.
pub async fn watch_urls(gatepost: Arc<Gatepost>, stop: CancellationToken) {
    let watch = async {
        loop {
            if let Err(error) = watch_once(&gatepost).await {
                tracing::warn!(%error, "failing webhook URLs could not be looked at; it is tried again in a minute");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    stop.run_until_cancelled(watch).await;
}

async fn once(gatepost: &Gatepost) -> Result<(), Error> {
    gatepost.prepare_days().await?;
    let dropped = gatepost.apply_retention(PAUSE).await?;
    if dropped.rows > 0 || dropped.days > 0 {
        tracing::info!(rows = dropped.rows, days = dropped.days, "dropped what was kept long enough");
    }
    Ok(())
}
