//! Every node works on replays: whichever comes first does the next step.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::Gatepost;
use tokio_util::sync::CancellationToken;

/// After a failure of the store.
const PAUSE: Duration = Duration::from_secs(1);

/// Does step after step until `stop`. One that is under way then is undone or done whole.
pub async fn run(gatepost: Arc<Gatepost>, stop: CancellationToken) {
    let work = async {
        loop {
            let rest = gatepost.work_on_replays().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a step of a replay failed; it is done again");
                PAUSE
            });
            tokio::time::sleep(rest).await;
        }
    };
    stop.run_until_cancelled(work).await;
}
