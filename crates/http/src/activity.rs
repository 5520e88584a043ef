//! Noticing that a connection carries no requests, so that silence cannot hold one for good (security.md P10). HTTP/1 has
//! a bound on headers that are on their way; this one covers what comes before a protocol is known, and HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The requests of one connection, counted.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

/// A request that is under way until this is dropped.
pub(crate) struct UnderWay(Arc<Activity>);

impl Activity {
    /// A request begins.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Returns when no request was under way for `patience`, or for up to twice as long: it looks only so often, which
    /// keeps requests free of timers.
    pub(crate) async fn quiet(&self, patience: Duration) {
        let mut seen = (0, 0);
        loop {
            tokio::time::sleep(patience).await;
            let (begun, ended) = (self.begun.load(Ordering::Relaxed), self.ended.load(Ordering::Relaxed));
            if begun == ended && (begun, ended) == seen {
                return;
            }
            seen = (begun, ended);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    const PATIENCE: Duration = Duration::from_secs(10);

    async fn seconds_until_quiet(activity: &Activity) -> u64 {
        let began = Instant::now();
        activity.quiet(PATIENCE).await;
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_noticed() {
        assert_eq!(seconds_until_quiet(&Activity::default()).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_put_it_off_until_a_while_after_the_last() {
        let activity = Arc::new(Activity::default());
        let requests = async {
            for _ in 0..4 {
                sleep(Duration::from_secs(8)).await;
                drop(activity.begin());
            }
            let long = activity.begin();
            sleep(Duration::from_secs(60)).await;
            drop(long);
        };
        let (seconds, ()) = tokio::join!(seconds_until_quiet(&activity), requests);
        assert!((92 + 10..=92 + 20).contains(&seconds), "{seconds}");
    }
}
