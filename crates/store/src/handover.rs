//! From the write that made deliveries to this node's senders, in memory.
//!
//! A hint, never the truth: a fresh delivery is stored as leased by this node and handed over after the commit. If it
//! gets lost on the way, its lease ends and the sweep over the table finds it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use gatepost_model::{CrashPoint, CrashPoints, NoCrash, Timestamp};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::tables::deliveries::Claimed;

/// The writing end.
#[derive(Clone, Debug)]
pub struct Handover {
    fresh: UnboundedSender<Claimed>,
    held: Arc<AtomicUsize>,
    look: Arc<Notify>,
    no_room: Arc<NoRoom>,
    room: usize,
    crash_points: Arc<dyn CrashPoints>,
}

/// The senders' end.
#[derive(Debug)]
pub struct Handed {
    /// Fresh deliveries, leased by this node.
    pub fresh: UnboundedReceiver<Claimed>,
    /// How many deliveries are in memory. The senders take one off for each that is recorded.
    pub held: Arc<AtomicUsize>,
    /// Rings when there is something new in the table.
    pub look: Arc<Notify>,
    /// Where the senders say which webhook URLs take no more.
    pub no_room: Arc<NoRoom>,
}

/// The webhook URLs for which nothing more is taken into memory, each until a moment: their receivers are behind or do not
/// answer. What is made for them is stored as due at that moment, so that a receiver that hangs costs its writers nothing.
///
/// While there is none, which is nearly always, asking costs one read of an atomic.
#[derive(Debug, Default)]
pub struct NoRoom {
    any: AtomicBool,
    until: RwLock<HashMap<String, Timestamp>>,
    any_broken: AtomicBool,
    broken: RwLock<HashMap<String, Broken>>,
}

/// A webhook URL whose circuit breaker is not closed: its receiver does not answer, and gets one delivery as a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Since when no try has had an answer.
    pub since: Timestamp,
    /// When the next delivery is sent, or the one that is on the wire was.
    pub probe_at: Timestamp,
}

impl NoRoom {
    /// Until when nothing is taken for this URL, if it is so at `now`.
    #[must_use]
    pub fn until(&self, url_id: &str, now: Timestamp) -> Option<Timestamp> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let until = self.until.read().unwrap_or_else(PoisonError::into_inner);
        until.get(url_id).copied().filter(|until| *until > now)
    }

    /// Takes nothing for this URL until then.
    pub fn close(&self, url_id: &str, until: Timestamp) {
        self.change(|all| {
            all.insert(url_id.to_owned(), until);
        });
    }

    /// Takes nothing for this URL until the probe, and says so to who asks.
    pub fn break_circuit(&self, url_id: &str, broken: Broken) {
        self.close(url_id, broken.probe_at);
        let mut all = self.broken.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(url_id.to_owned(), broken);
        self.any_broken.store(true, Ordering::Relaxed);
    }

    /// Takes what comes for this URL again: its receiver has answered, or a person wants it to be tried.
    pub fn mend_circuit(&self, url_id: &str) {
        self.change(|all| {
            all.remove(url_id);
        });
        let mut broken = self.broken.write().unwrap_or_else(PoisonError::into_inner);
        broken.remove(url_id);
        self.any_broken.store(!broken.is_empty(), Ordering::Relaxed);
    }

    /// Whether this URL's circuit breaker is open or half-open here.
    #[must_use]
    pub fn broken(&self, url_id: &str) -> Option<Broken> {
        if !self.any_broken.load(Ordering::Relaxed) {
            return None;
        }
        self.broken.read().unwrap_or_else(PoisonError::into_inner).get(url_id).copied()
    }

    /// Every URL for which nothing is taken at `now`. Forgets those whose moment has come.
    #[must_use]
    pub fn all(&self, now: Timestamp) -> Vec<String> {
        if !self.any.load(Ordering::Relaxed) {
            return Vec::new();
        }
        self.change(|all| {
            all.retain(|_, until| *until > now);
            all.keys().cloned().collect()
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<String, Timestamp>) -> T) -> T {
        let mut until = self.until.write().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut until);
        self.any.store(!until.is_empty(), Ordering::Relaxed);
        changed
    }
}

/// A handover that takes fresh deliveries while fewer than `room` are in memory, which keeps memory flat when receivers
/// are slower than writers.
#[must_use]
pub fn handover(room: usize) -> (Handover, Handed) {
    let (sender, fresh) = unbounded_channel();
    let (held, look) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let no_room = Arc::new(NoRoom::default());
    let handed =
        Handed { fresh, held: Arc::clone(&held), look: Arc::clone(&look), no_room: Arc::clone(&no_room) };
    (Handover { fresh: sender, held, look, no_room, room, crash_points: Arc::new(NoCrash) }, handed)
}

impl Handover {
    /// The same, telling where it is.
    #[must_use]
    pub fn crashing_at(self, crash_points: Arc<dyn CrashPoints>) -> Self {
        Self { crash_points, ..self }
    }

    /// Whether fresh deliveries may be leased and handed over now. If not, they are stored as due, for the sweep.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.fresh.is_closed() && self.held.load(Ordering::Relaxed) < self.room
    }

    /// The webhook URLs that take no more.
    #[must_use]
    pub const fn no_room(&self) -> &Arc<NoRoom> {
        &self.no_room
    }

    /// How many deliveries are in memory.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Hands over deliveries that were committed as leased.
    pub fn give(&self, deliveries: Vec<Claimed>) {
        self.crash_points.reached(CrashPoint::Committed);
        for delivery in deliveries {
            self.held.fetch_add(1, Ordering::Relaxed);
            if self.fresh.send(delivery).is_err() {
                self.held.fetch_sub(1, Ordering::Relaxed);
            }
            self.crash_points.reached(CrashPoint::HandingOver);
        }
    }

    /// Says that there is something due in the table.
    pub fn look(&self) {
        self.look.notify_one();
    }
}
