//! The loop: takes fresh deliveries from writers and due ones from the table, keeps the lanes going, and stops clean.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_model::webhook::Outcome;
use gatepost_store::handover::Handed;
use gatepost_store::tables::deliveries::{self, Claimed};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lanes::{Lanes, Waiting};
use super::{Dispatcher, recorder, unchanged};

/// So many deliveries may wait in memory for their turn.
const MOST_WAITING: usize = 2_048;
/// At most so many deliveries are claimed at a time.
const CLAIM: usize = 128;
/// A delivery that gives way to others is due again after this.
const GIVEN_BACK_FOR: Duration = Duration::from_secs(5);

/// A delivery is off the wire.
struct Finished {
    url_id: String,
    went_well: bool,
}

/// What the loop holds.
struct Work {
    dispatcher: Dispatcher,
    lanes: Lanes,
    tasks: TaskTracker,
    /// Ends sends that are still under way when the time to drain is over.
    abandon: CancellationToken,
    finished: UnboundedSender<Finished>,
    results: UnboundedSender<recorder::Result>,
    held: Arc<AtomicUsize>,
    /// When the table is looked at next.
    look_at: Instant,
}

impl Dispatcher {
    /// Sends deliveries until `stop` is called; then gives back what waits, lets what is on the wire come to its end, and
    /// records it.
    pub async fn run(self, mut handed: Handed, stop: CancellationToken) {
        let (finished, mut ended) = unbounded_channel();
        let (results, to_record) = unbounded_channel();
        let recorder = TaskTracker::new();
        recorder.spawn(recorder::run(self.store.clone(), to_record, Arc::clone(&handed.held)));
        let options = Arc::clone(&self.options);
        let mut work = Work {
            lanes: Lanes::new(options.concurrency_per_url, options.concurrency, MOST_WAITING),
            tasks: TaskTracker::new(),
            abandon: CancellationToken::new(),
            held: Arc::clone(&handed.held),
            look_at: Instant::now(),
            dispatcher: self,
            finished,
            results,
        };
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = ended.recv() => work.note(&done),
                Some(fresh) = handed.fresh.recv() => work.take_fresh(fresh),
                () = handed.look.notified() => work.look_at = Instant::now(),
                () = sleep_until(work.look_at) => work.claim().await,
            }
            // One wake-up often stands for several: take in what else is there before new sends begin.
            while let Ok(done) = ended.try_recv() {
                work.note(&done);
            }
            while let Ok(fresh) = handed.fresh.try_recv() {
                work.take_fresh(fresh);
            }
            work.begin();
        }
        work.stop(&mut handed.fresh).await;
        recorder.close();
        recorder.wait().await;
    }
}

impl Work {
    fn take_fresh(&mut self, delivery: Claimed) {
        let leased_until = delivery.event_at.plus(self.dispatcher.options.lease);
        self.push(Waiting { delivery, leased_until });
    }

    fn push(&mut self, waiting: Waiting) {
        if let Some(given_back) = self.lanes.push(waiting) {
            let due = self.dispatcher.clock.now().plus(GIVEN_BACK_FOR);
            self.give_back(&given_back, due);
        }
    }

    fn give_back(&self, waiting: &Waiting, due: Timestamp) {
        self.record(recorder::Result { progress: unchanged(&waiting.delivery, due), disable: None });
    }

    fn record(&self, result: recorder::Result) {
        if self.results.send(result).is_err() {
            tracing::error!("the recorder of deliveries is gone");
        }
    }

    fn note(&mut self, done: &Finished) {
        self.lanes.finished(&done.url_id, done.went_well);
    }

    /// Begins every send whose turn it is.
    fn begin(&mut self) {
        let now = self.dispatcher.clock.now();
        let last_moment = now.plus(self.dispatcher.options.send_timeout);
        while let Some(next) = self.lanes.next() {
            // Whoever finds it after its lease would send it beside us: leave it to the sweep.
            if next.leased_until < last_moment {
                self.lanes.finished(&next.delivery.url_id, true);
                self.forget(1);
                continue;
            }
            let (dispatcher, finished) = (self.dispatcher.clone(), self.finished.clone());
            let (results, held) = (self.results.clone(), Arc::clone(&self.held));
            let abandon = self.abandon.clone();
            self.tasks.spawn(async move {
                let attempt = abandon.run_until_cancelled(dispatcher.attempt(&next.delivery));
                let result = attempt.await.flatten();
                let went_well = result.as_ref().is_none_or(|result| {
                    let attempt = result.progress.attempt.as_ref();
                    attempt
                        .is_none_or(|attempt| matches!(attempt.outcome, Outcome::Delivered | Outcome::Status))
                });
                match result {
                    Some(result) => drop(results.send(result)),
                    None => subtract(&held, 1),
                }
                // The loop may have stopped and no longer listen.
                drop(finished.send(Finished { url_id: next.delivery.url_id, went_well }));
            });
        }
    }

    /// Claims what is due, and decides when to look next.
    async fn claim(&mut self) {
        let limit = self.lanes.room().min(CLAIM);
        let poll = Instant::now() + self.dispatcher.options.poll;
        self.look_at = poll;
        if limit == 0 {
            return;
        }
        let now = self.dispatcher.clock.now();
        let claimed = match self.dispatcher.claim(u32::try_from(limit).unwrap_or(u32::MAX)).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(%error, "delivery.claim");
                return;
            }
        };
        let count = claimed.len();
        self.held.fetch_add(count, Ordering::Relaxed);
        let leased_until = now.plus(self.dispatcher.options.lease);
        for delivery in claimed {
            self.push(Waiting { delivery, leased_until });
        }
        if count == limit {
            self.look_at = Instant::now();
            return;
        }
        match self.dispatcher.store.read(deliveries::next_due).await {
            Ok(Some(due)) => self.look_at = poll.min(Instant::now() + due.since(self.dispatcher.clock.now())),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "delivery.next_due"),
        }
    }

    async fn stop(mut self, fresh: &mut UnboundedReceiver<Claimed>) {
        fresh.close();
        while let Some(delivery) = fresh.recv().await {
            self.take_fresh(delivery);
        }
        let now = self.dispatcher.clock.now();
        for waiting in self.lanes.drain() {
            self.give_back(&waiting, now);
        }
        self.tasks.close();
        if timeout(self.dispatcher.options.drain, self.tasks.wait()).await.is_err() {
            let left = self.lanes.on_the_wire();
            tracing::warn!(deliveries = left, "stopped before these were answered; they are sent again");
            self.abandon.cancel();
        }
    }

    fn forget(&self, count: usize) {
        subtract(&self.held, count);
    }
}

fn subtract(held: &AtomicUsize, count: usize) {
    held.fetch_sub(count.min(held.load(Ordering::Relaxed)), Ordering::Relaxed);
}
