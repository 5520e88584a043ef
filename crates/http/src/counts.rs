//! How many requests were answered, and how.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

/// The classes of statuses, by their first digit from 1.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Requests by the class of the status that answered them, since the listener was opened.
#[derive(Debug, Default)]
pub struct RequestCounts([AtomicU64; CLASSES.len()]);

impl RequestCounts {
    /// Counts an answer.
    pub(crate) fn note(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).wrapping_sub(1);
        if let Some(counter) = self.0.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Each class with its count.
    pub fn by_class(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        CLASSES.iter().zip(&self.0).map(|(class, counter)| (*class, counter.load(Ordering::Relaxed)))
    }
}
