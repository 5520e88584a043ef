//! Rate-limit arithmetic: a quota of requests per window, without storage or timers.
//!
//! A window begins with the first request after the last one ended. That makes the limit exact and its headers true:
//! `limit` requests pass, the next is told when the window ends.

use std::time::Duration;

use crate::time::Timestamp;

/// How long a window is: one hour (contract.md E).
pub const WINDOW: Duration = Duration::from_secs(3600);

/// What one client has used of its present window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// When it began.
    pub started: Timestamp,
    /// Requests that passed in it.
    pub used: u32,
}

/// The answer for one request, with what the limit headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Whether the request passes.
    pub allowed: bool,
    /// Requests per window.
    pub limit: u32,
    /// Requests left in this window.
    pub remaining: u32,
    /// When the window ends.
    pub resets_at: Timestamp,
}

impl Quota {
    /// Whole seconds until the window ends, at least 1. No more than a whole window, even if it was begun by a node whose
    /// clock is ahead of this one's.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> u64 {
        let whole = self.resets_at.since(now).as_micros().div_ceil(1_000_000);
        whole.try_into().unwrap_or(u64::MAX).clamp(1, WINDOW.as_secs())
    }
}

impl Window {
    /// Takes one request at `now` from a quota of `limit` per window. A clock that stepped back keeps the window.
    pub fn take(&mut self, limit: u32, now: Timestamp) -> Quota {
        if now >= self.started.plus(WINDOW) {
            *self = Self { started: now, used: 0 };
        }
        let allowed = self.used < limit;
        if allowed {
            self.used += 1;
        }
        Quota {
            allowed,
            limit,
            remaining: limit.saturating_sub(self.used),
            resets_at: self.started.plus(WINDOW),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_limit_is_exact_and_the_window_ends() {
        let mut window = Window::default();
        let start = Timestamp::from_seconds(1_000_000);
        for n in 0..1000 {
            let quota = window.take(1000, start.plus(Duration::from_secs(n)));
            assert!(quota.allowed);
            assert_eq!(quota.remaining, u32::try_from(999 - n).unwrap());
        }
        let refused = window.take(1000, start.plus(Duration::from_secs(3599)));
        assert!(!refused.allowed);
        assert_eq!(refused.retry_after(start.plus(Duration::from_secs(3599))), 1);
        assert!(window.take(1000, start.plus(Duration::from_secs(3600))).allowed);
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_a_window(limit in 0u32..50, steps in proptest::collection::vec(0u64..600, 1..300)) {
            let mut window = Window::default();
            let mut now = Timestamp::from_seconds(50_000);
            let mut passed: Vec<Timestamp> = Vec::new();
            for step in steps {
                now = now.plus(Duration::from_secs(step));
                if window.take(limit, now).allowed {
                    passed.push(window.started);
                }
            }
            for start in &passed {
                let same = passed.iter().filter(|other| *other == start).count();
                prop_assert!(same <= usize::try_from(limit).unwrap());
            }
        }
    }
}
