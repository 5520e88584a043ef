//! The circuit breaker of a webhook URL: whether its receiver is worth a try.
//!
//! Closed, until some tries in a row have ended without an answer. Then open: nothing is sent until the moment of the
//! probe. One delivery is the probe, and while it is on the wire the breaker is half-open. An answer closes it; a failure
//! opens it again for twice as long. A pure state machine, for one lane of one node.

use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_store::handover::Broken;

use super::lanes::Turn;

/// So many tries in a row have to fail.
pub const OPENS_AFTER: u32 = 8;
/// How long it is open at first,
pub const FIRST_WAIT: Duration = Duration::from_secs(10);
/// and at most.
pub const MOST_WAIT: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// Nothing is sent before this moment; then one delivery, the probe.
    Open(Timestamp),
    /// The probe is on the wire.
    HalfOpen(Timestamp),
}

/// What may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admits {
    /// Whatever there is.
    All,
    /// One delivery.
    Probe,
    /// Nothing, before this moment or until the probe has ended.
    Nothing(Timestamp),
}

/// How a try changed the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Not.
    None,
    /// It opened, or opened again.
    Opened(Broken),
    /// It closed.
    Closed,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    state: State,
    /// Tries in a row that failed.
    failures: u32,
    /// When the first of them ended.
    since: Timestamp,
    /// How long it is open the next time.
    wait: Duration,
}

impl Breaker {
    /// A closed one.
    pub const CLOSED: Self =
        Self { state: State::Closed, failures: 0, since: Timestamp::EPOCH, wait: FIRST_WAIT };

    /// One that waits for a probe.
    #[must_use]
    pub const fn open_until(broken: Broken) -> Self {
        Self {
            state: State::Open(broken.probe_at),
            failures: OPENS_AFTER,
            since: broken.since,
            ..Self::CLOSED
        }
    }

    /// What may be sent at `now`.
    #[must_use]
    pub fn admits(&self, now: Timestamp) -> Admits {
        match self.state {
            State::Closed => Admits::All,
            State::Open(probe_at) if probe_at <= now => Admits::Probe,
            State::Open(moment) | State::HalfOpen(moment) => Admits::Nothing(moment),
        }
    }

    /// Whether everything may be sent.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// A delivery goes on the wire.
    pub const fn begun(&mut self) {
        if let State::Open(probe_at) = self.state {
            self.state = State::HalfOpen(probe_at);
        }
    }

    /// A try has ended. Those that were begun before the breaker opened count as well: an answer is an answer.
    pub fn ended(&mut self, turn: Turn, now: Timestamp) -> Change {
        match (turn, self.state) {
            (Turn::Well(_), State::Closed) => self.failures = 0,
            (Turn::Well(_), _) => {
                *self = Self::CLOSED;
                return Change::Closed;
            }
            (Turn::Badly(_), State::Closed) => {
                if self.failures == 0 {
                    self.since = now;
                }
                self.failures += 1;
                if self.failures >= OPENS_AFTER {
                    return self.open(now);
                }
            }
            (Turn::Badly(_), State::HalfOpen(_)) => return self.open(now),
            // The probe was not sent: the next delivery is the probe.
            (Turn::Unused, State::HalfOpen(probe_at)) => self.state = State::Open(probe_at),
            (Turn::Badly(_) | Turn::Unused, _) => {}
        }
        Change::None
    }

    fn open(&mut self, now: Timestamp) -> Change {
        let probe_at = now.plus(self.wait);
        self.wait = (self.wait * 2).min(MOST_WAIT);
        self.state = State::Open(probe_at);
        Change::Opened(Broken { since: self.since, probe_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);
    const WELL: Turn = Turn::Well(Duration::from_millis(5));
    const BADLY: Turn = Turn::Badly(Duration::from_secs(15));

    fn opened(change: Change) -> Broken {
        match change {
            Change::Opened(broken) => broken,
            other => panic!("{other:?} instead of opening"),
        }
    }

    fn open() -> (Breaker, Broken) {
        let mut breaker = Breaker::CLOSED;
        assert!((1..OPENS_AFTER).all(|_| breaker.ended(BADLY, NOW) == Change::None));
        let broken = opened(breaker.ended(BADLY, NOW));
        (breaker, broken)
    }

    #[test]
    fn it_opens_after_failures_in_a_row() {
        let mut breaker = Breaker::CLOSED;
        for _ in 0..10 {
            assert!((1..OPENS_AFTER).all(|_| breaker.ended(BADLY, NOW) == Change::None));
            assert_eq!(breaker.ended(WELL, NOW), Change::None);
        }
        assert_eq!(breaker.admits(NOW), Admits::All);
        let (breaker, broken) = open();
        assert_eq!(broken, Broken { since: NOW, probe_at: NOW.plus(FIRST_WAIT) });
        assert_eq!(breaker.admits(NOW), Admits::Nothing(broken.probe_at));
        assert_eq!(breaker.admits(broken.probe_at), Admits::Probe);
    }

    #[test]
    fn one_probe_decides() {
        let (mut breaker, Broken { probe_at, .. }) = open();
        breaker.begun();
        assert_eq!(breaker.admits(probe_at), Admits::Nothing(probe_at));
        assert_eq!(breaker.ended(WELL, probe_at), Change::Closed);
        assert_eq!(breaker.admits(probe_at), Admits::All);
    }

    #[test]
    fn a_probe_that_was_not_sent_decides_nothing() {
        let (mut breaker, Broken { probe_at, .. }) = open();
        breaker.begun();
        assert_eq!(breaker.ended(Turn::Unused, probe_at), Change::None);
        assert_eq!(breaker.admits(probe_at), Admits::Probe);
    }

    #[test]
    fn each_failed_probe_doubles_the_wait_up_to_the_most() {
        let (mut breaker, mut broken) = open();
        for seconds in [20, 40, 80, 160, 300, 300] {
            breaker.begun();
            let now = broken.probe_at;
            broken = opened(breaker.ended(BADLY, now));
            assert_eq!((broken.since, broken.probe_at), (NOW, now.plus(Duration::from_secs(seconds))));
        }
    }

    #[test]
    fn what_was_on_the_wire_before_it_opened_closes_it_with_an_answer_only() {
        let (mut breaker, _) = open();
        assert_eq!(breaker.ended(BADLY, NOW), Change::None);
        assert_eq!(breaker.ended(WELL, NOW), Change::Closed);
    }
}
