//! How often admin tokens call this node: a program that runs wild must not keep the database from everybody else.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatepost_model::Timestamp;

const WINDOW: Duration = Duration::from_secs(60);

/// Calls of one token to one node in a minute.
const MOST: u32 = 600;

/// The calls of the running minute, by token. Only tokens that are good get in here, so it stays small.
#[derive(Debug, Default)]
pub(crate) struct AdminCalls(Mutex<(Timestamp, HashMap<String, u32>)>);

impl AdminCalls {
    /// Counts a call. So long has the token to wait instead, if it made too many.
    pub(crate) fn count(&self, token: &str, now: Timestamp) -> Option<Duration> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (started, calls) = &mut *window;
        if now >= started.plus(WINDOW) {
            *started = now;
            calls.clear();
        }
        let made = calls.entry(token.to_owned()).or_default();
        *made = made.saturating_add(1);
        (*made > MOST).then(|| started.plus(WINDOW).since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_own_calls_in_each_minute() {
        let (calls, start) = (AdminCalls::default(), Timestamp::from_seconds(1_800_000_000));
        assert!((0..MOST).all(|_| calls.count("a", start).is_none()));
        assert_eq!(calls.count("a", start), Some(WINDOW));
        assert_eq!(calls.count("b", start), None);
        assert_eq!(calls.count("a", start.plus(WINDOW)), None);
    }
}
