//! Ends the process at a named point, for the tests of what a crash there leaves behind.
//!
//! Only debug builds can: in a release build there is nothing to switch on.

use std::sync::Arc;

use gatepost_model::CrashPoints;

#[cfg(debug_assertions)]
pub(crate) use armed::points;

/// Nobody is told.
#[cfg(not(debug_assertions))]
pub(crate) fn points() -> Arc<dyn CrashPoints> {
    Arc::new(gatepost_model::NoCrash)
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::atomic::{AtomicU32, Ordering};

    use gatepost_model::{CrashPoint, NoCrash};

    use super::{Arc, CrashPoints};

    /// `sent:3` ends the process when it is at [`CrashPoint::Sent`] for the third time.
    const VARIABLE: &str = "GATEPOST_CRASH_AT";

    /// Where this process is to end, if it is. What the variable says is read once.
    pub(crate) fn points() -> Arc<dyn CrashPoints> {
        match std::env::var(VARIABLE).ok().as_deref().and_then(parse) {
            Some(crash) => Arc::new(crash),
            None => Arc::new(NoCrash),
        }
    }

    #[derive(Debug)]
    struct Crash {
        point: CrashPoint,
        /// How often the process still gets past it.
        left: AtomicU32,
    }

    fn parse(text: &str) -> Option<Crash> {
        let (name, times) = text.split_once(':')?;
        Some(Crash { point: CrashPoint::parse(name)?, left: AtomicU32::new(times.parse().ok()?) })
    }

    impl CrashPoints for Crash {
        fn reached(&self, point: CrashPoint) {
            if point == self.point && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
                // No destructor runs and no buffer is written: as a power cut would end it.
                std::process::abort();
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_point_and_a_number_are_read_and_nothing_else() {
            let crash = parse("sent:3").unwrap();
            assert_eq!((crash.point, crash.left.into_inner()), (CrashPoint::Sent, 3));
            for text in ["", "sent", "sent:", "sent:x", "nowhere:1", "sent:1:1"] {
                assert!(parse(text).is_none(), "{text}");
            }
        }
    }
}
