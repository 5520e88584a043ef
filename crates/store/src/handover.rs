//! From the write that made deliveries to this node's senders, in memory.
//!
//! A hint, never the truth: a fresh delivery is stored as leased by this node and handed over after the commit. If it
//! gets lost on the way, its lease ends and the sweep over the table finds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::tables::deliveries::Claimed;

/// The writing end.
#[derive(Clone, Debug)]
pub struct Handover {
    fresh: UnboundedSender<Claimed>,
    held: Arc<AtomicUsize>,
    look: Arc<Notify>,
    room: usize,
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
}

/// A handover that takes fresh deliveries while fewer than `room` are in memory, which keeps memory flat when receivers
/// are slower than writers.
#[must_use]
pub fn handover(room: usize) -> (Handover, Handed) {
    let (sender, fresh) = unbounded_channel();
    let (held, look) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let handed = Handed { fresh, held: Arc::clone(&held), look: Arc::clone(&look) };
    (Handover { fresh: sender, held, look, room }, handed)
}

impl Handover {
    /// Whether fresh deliveries may be leased and handed over now. If not, they are stored as due, for the sweep.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.fresh.is_closed() && self.held.load(Ordering::Relaxed) < self.room
    }

    /// How many deliveries are in memory.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Hands over deliveries that were committed as leased.
    pub fn give(&self, deliveries: Vec<Claimed>) {
        for delivery in deliveries {
            self.held.fetch_add(1, Ordering::Relaxed);
            if self.fresh.send(delivery).is_err() {
                self.held.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Says that there is something due in the table.
    pub fn look(&self) {
        self.look.notify_one();
    }
}
