//! The loop: takes fresh deliveries from writers and due ones from the table, keeps the lanes going, and stops clean.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatepost_model::webhook::{Attempt, Outcome};
use gatepost_model::{CrashPoint, Timestamp};
use gatepost_store::handover::Handed;
use gatepost_store::tables::deliveries::{self, Claimed};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attempt::unchanged;
use super::hold::Hold;
use super::lanes::{GivesWay, Lanes, Turn, Waiting};
use super::{BESIDE_SENDING, Dispatcher, recorder};

/// So many deliveries may wait in memory for their turn.
pub(super) const MOST_WAITING: usize = 2_048;
/// At most so many deliveries are claimed at a time.
const CLAIM: u32 = 128;
/// Nothing is claimed while so many are in memory, waiting, on the wire or to be recorded: then recording is behind.
const MOST_HELD: usize = 4 * MOST_WAITING;

/// So long passes at least until what is due later is looked for, so that what is due closely together is claimed together.
const LEAST_REST: Duration = Duration::from_millis(20);

/// A delivery's turn. However it ends, the lane learns of it.
struct OnTheWire {
    url_id: String,
    turn: Turn,
    ended: UnboundedSender<(String, Turn)>,
}

impl OnTheWire {
    fn end(mut self, turn: Turn) {
        self.turn = turn;
    }
}

impl Drop for OnTheWire {
    fn drop(&mut self) {
        // The loop may have stopped and no longer listen.
        let _ = self.ended.send((std::mem::take(&mut self.url_id), self.turn));
    }
}

/// What the loop holds.
struct Work {
    dispatcher: Dispatcher,
    lanes: Lanes,
    tasks: TaskTracker,
    /// Ends sends that are still under way when the time to drain is over.
    abandon: CancellationToken,
    ended: UnboundedSender<(String, Turn)>,
    results: UnboundedSender<(recorder::Result, Hold)>,
    held: Arc<AtomicUsize>,
    /// When the table is looked at next.
    look_at: Instant,
}

impl Dispatcher {
    /// Sends deliveries until `stop` is called; then gives back what waits, lets what is on the wire come to its end, and
    /// records it.
    pub async fn run(self, mut handed: Handed, stop: CancellationToken) {
        let (ended, mut turns) = unbounded_channel();
        let (results, to_record) = unbounded_channel();
        let recorder = TaskTracker::new();
        recorder.spawn(recorder::run(self.store.clone(), to_record, Arc::clone(&self.crash_points)));
        let options = Arc::clone(&self.options);
        let mut work = Work {
            lanes: Lanes::new(
                options.concurrency_per_url,
                options.concurrency,
                MOST_WAITING,
                Arc::clone(&handed.no_room),
            ),
            tasks: TaskTracker::new(),
            abandon: CancellationToken::new(),
            held: Arc::clone(&handed.held),
            look_at: Instant::now(),
            dispatcher: self,
            ended,
            results,
        };
        // Whoever drops this future without a stop ends the sends as well.
        let _abandon = work.abandon.clone().drop_guard();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some((url, turn)) = turns.recv() => work.finished(&url, turn),
                Some(fresh) = handed.fresh.recv() => work.take_fresh(fresh),
                () = handed.look.notified() => work.look_at = Instant::now(),
                () = sleep_until(work.look_at) => {}
            }
            // One wake-up often stands for several: take in what else is there before new sends begin.
            while let Ok((url, turn)) = turns.try_recv() {
                work.finished(&url, turn);
            }
            while let Ok(fresh) = handed.fresh.try_recv() {
                work.take_fresh(fresh);
            }
            work.begin();
            // Not in the select: writers that never rest must not keep the table from being looked at.
            if Instant::now() >= work.look_at {
                work.look().await;
                work.begin();
            }
        }
        work.stop(&mut handed.fresh).await;
        recorder.close();
        recorder.wait().await;
    }
}

impl Work {
    fn take_fresh(&mut self, delivery: Claimed) {
        let leased_until = delivery.event_at.plus(self.dispatcher.options.fresh_lease);
        let hold = Hold::counted(&self.held);
        self.push(Waiting { delivery, leased_until, hold });
    }

    fn push(&mut self, waiting: Waiting) {
        let now = self.dispatcher.clock.now();
        if let Some(GivesWay { waiting, due_at }) = self.lanes.push(waiting, now) {
            self.give_back(waiting, due_at);
        }
    }

    fn finished(&mut self, url_id: &str, turn: Turn) {
        let now = self.dispatcher.clock.now();
        for GivesWay { waiting, due_at } in self.lanes.finished(url_id, turn, now) {
            self.give_back(waiting, due_at);
        }
    }

    fn give_back(&self, Waiting { delivery, hold, .. }: Waiting, due_at: Timestamp) {
        let result = recorder::Result { progress: unchanged(&delivery, due_at), news: None };
        if self.results.send((result, hold)).is_err() {
            tracing::error!("the recorder of deliveries is gone");
        }
    }

    /// A try that begins now has come to its end, and is recorded, before this. Whoever finds a delivery after its lease
    /// would send it beside us, so that one whose lease ends sooner must not be begun.
    fn last_moment(&self, now: Timestamp) -> Timestamp {
        now.plus(self.dispatcher.options.send_timeout + BESIDE_SENDING)
    }

    /// Begins every send whose turn it is.
    fn begin(&mut self) {
        let now = self.dispatcher.clock.now();
        let last_moment = self.last_moment(now);
        while let Some(next) = self.lanes.next_turn(now) {
            if next.leased_until < last_moment {
                self.finished(&next.delivery.url_id, Turn::Unused);
                self.give_back(next, now);
            } else {
                self.begin_one(next);
            }
        }
    }

    fn begin_one(&self, Waiting { delivery, hold, .. }: Waiting) {
        let url_id = delivery.url_id.clone();
        let on_the_wire = OnTheWire { url_id, turn: Turn::Unused, ended: self.ended.clone() };
        let (dispatcher, results) = (self.dispatcher.clone(), self.results.clone());
        let abandon = self.abandon.clone();
        self.tasks.spawn(async move {
            let attempt = abandon.run_until_cancelled(dispatcher.attempt(&delivery));
            if let Some(result) = attempt.await.flatten() {
                on_the_wire.end(result.progress.attempt.as_ref().map_or(Turn::Unused, turn));
                // The recorder lives as long as there is anyone to send to it.
                let _ = results.send((result, hold));
            }
        });
    }

    /// Looks at the table: claims what is due, and decides when to look next.
    async fn look(&mut self) {
        let (now, begun) = (self.dispatcher.clock.now(), Instant::now());
        for GivesWay { waiting, due_at } in self.lanes.expire(self.last_moment(now), now) {
            self.give_back(waiting, due_at);
        }
        self.look_at = begun + self.dispatcher.options.poll;
        if self.held.load(Ordering::Relaxed) >= MOST_HELD {
            return;
        }
        match self.dispatcher.store.read(deliveries::next_due).await {
            Ok(Some(due)) if due <= now => self.claim().await,
            Ok(Some(due)) => self.look_at = self.look_at.min(begun + due.since(now).max(LEAST_REST)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "delivery.next_due"),
        }
    }

    /// Claims what is due, at most so many, also when there is no room: then the longest lane gives way to what others have
    /// behind its own. What is due for a lane that has given way is put off as it lies in the table.
    async fn claim(&mut self) {
        let now = self.dispatcher.clock.now();
        let leased_until = now.plus(self.dispatcher.options.lease);
        let put_off = self.lanes.put_off(now);
        let claimed = if put_off.is_empty() {
            self.dispatcher.claim(CLAIM).await.map(|claimed| (claimed, HashMap::new()))
        } else {
            self.dispatcher.claim_others(CLAIM, put_off).await
        };
        match claimed {
            Ok((claimed, put_off)) if claimed.is_empty() && put_off.is_empty() => {}
            Ok((claimed, put_off)) => {
                self.dispatcher.crash_points.reached(CrashPoint::Claimed);
                self.lanes.were_put_off(&put_off, now);
                for delivery in claimed {
                    let hold = Hold::new(&self.held);
                    self.push(Waiting { delivery, leased_until, hold });
                }
                self.look_at = Instant::now();
            }
            Err(error) => tracing::warn!(%error, "delivery.claim"),
        }
    }

    async fn stop(mut self, fresh: &mut UnboundedReceiver<Claimed>) {
        fresh.close();
        while let Some(delivery) = fresh.recv().await {
            self.take_fresh(delivery);
        }
        self.dispatcher.crash_points.reached(CrashPoint::Stopping);
        let now = self.dispatcher.clock.now();
        for waiting in self.lanes.drain() {
            self.give_back(waiting, now);
        }
        self.tasks.close();
        if timeout(self.dispatcher.options.drain, self.tasks.wait()).await.is_err() {
            let deliveries = self.tasks.len();
            tracing::warn!(deliveries, "stopped before these were answered; they are sent again");
            self.abandon.cancel();
        }
    }
}

/// What a try says about its receiver. Any answer is a sign of life, but two ask for less.
fn turn(attempt: &Attempt) -> Turn {
    let took = Duration::from_micros(u64::try_from(attempt.duration_us).unwrap_or(0));
    match (attempt.outcome, attempt.status) {
        (_, Some(429 | 503)) => Turn::Badly(took),
        (Outcome::Delivered | Outcome::Status, _) => Turn::Well(took),
        _ => Turn::Badly(took),
    }
}
