//! Who is told what changed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use crate::change::Change;

/// A subscriber of the change feed.
pub(crate) type Subscriber = Arc<dyn Fn(&[Change]) + Send + Sync>;

/// The subscribers of the change feed.
#[derive(Default)]
pub(super) struct Subscribers(RwLock<Vec<Subscriber>>);

impl Subscribers {
    pub(super) fn add(&self, subscriber: Subscriber) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(subscriber);
    }

    /// Tells all of them; one that panics keeps nobody else from being told.
    pub(super) fn tell(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let subscribers = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        for subscriber in subscribers {
            if catch_unwind(AssertUnwindSafe(|| subscriber(changes))).is_err() {
                tracing::error!("a subscriber of the change feed panicked");
            }
        }
    }
}
