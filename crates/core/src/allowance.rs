//! So many of something for each name in a window of time, counted in memory: what runs wild must not take all there is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatepost_model::Timestamp;

/// At so many names, those whose windows are over are forgotten.
const MOST_COUNTED: usize = 1_000;

/// What each name may do on this node. Count only names that are known to be good: then they are few.
#[derive(Debug)]
pub(crate) struct Allowance {
    most: u32,
    window: Duration,
    used: Mutex<HashMap<String, (Timestamp, u32)>>,
}

impl Allowance {
    /// `most` times in a window, which begins with the first.
    pub(crate) fn new(most: u32, window: Duration) -> Self {
        Self { most, window, used: Mutex::default() }
    }

    /// Counts one more, unless that is one too many: then it says how long to wait.
    pub(crate) fn take(&self, name: &str, now: Timestamp) -> Result<(), Duration> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MOST_COUNTED {
            used.retain(|_, (begun, _)| now < begun.plus(self.window));
        }
        let (begun, count) = used.entry(name.to_owned()).or_insert((now, 0));
        if begun.plus(self.window) <= now {
            (*begun, *count) = (now, 0);
        }
        if *count >= self.most {
            return Err(begun.plus(self.window).since(now));
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_own_in_each_window() {
        let window = Duration::from_secs(60);
        let (allowance, start) = (Allowance::new(6, window), Timestamp::from_seconds(1_000));
        assert!((0..6).all(|_| allowance.take("a", start).is_ok()));
        assert_eq!(allowance.take("a", start), Err(window));
        assert_eq!(allowance.take("b", start), Ok(()));
        assert_eq!(allowance.take("a", start.plus(window)), Ok(()));
    }
}
