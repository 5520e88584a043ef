//! How many deliveries are in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts one delivery as in memory for as long as it lives, so that no way out of memory, not even a panic, can leave the
/// count wrong: it says whether writers may hand over more.
#[derive(Debug)]
pub struct Hold(Arc<AtomicUsize>);

impl Hold {
    /// Counts one more.
    #[must_use]
    pub fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self::counted(count)
    }

    /// For one that the writer has counted when it handed it over.
    #[must_use]
    pub fn counted(count: &Arc<AtomicUsize>) -> Self {
        Self(Arc::clone(count))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
