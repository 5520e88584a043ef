//! The queue in front of threads that serve it as long as they have a connection.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::StoreError;

/// What callers put in and several threads take out. While no thread has a connection, callers hear so at
/// once instead of waiting for what may take long to come back.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    closing: Condvar,
}

struct State<T> {
    items: VecDeque<T>,
    /// Threads that wait for items.
    sleeping: usize,
    /// Threads that have a connection.
    serving: usize,
    /// What callers are told while there are none.
    reason: StoreError,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let reason = StoreError::Unavailable(String::from("no connection was made yet"));
        let state = State { items: VecDeque::new(), sleeping: 0, serving: 0, reason, closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), closing: Condvar::new() }
    }

    /// Adds an item.
    ///
    /// # Errors
    /// Drops the item and says why if the queue is closed, or if no thread has a connection.
    pub(super) fn push(&self, item: T) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.closed {
            return Err(StoreError::Closed);
        }
        if state.serving == 0 {
            return Err(state.reason.clone());
        }
        state.items.push_back(item);
        let sleeping = state.sleeping > 0;
        drop(state);
        if sleeping {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Moves up to `most` items to `into`, waiting until there is one; says `false` once the queue is closed
    /// and empty.
    pub(super) fn take(&self, most: usize, into: &mut Vec<T>) -> bool {
        let mut state = self.lock();
        while state.items.is_empty() && !state.closed {
            state.sleeping += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeping -= 1;
            if most > 1 && !state.items.is_empty() {
                drop(state);
                // The caller that woke this thread is seldom the only one; let the others get to the queue.
                std::thread::yield_now();
                state = self.lock();
            }
        }
        let taken = most.min(state.items.len());
        into.extend(state.items.drain(..taken));
        !into.is_empty()
    }

    /// Says that a thread has a connection now.
    pub(super) fn join(&self) {
        self.lock().serving += 1;
    }

    /// Says that a thread has none any more. The last one gives back what nobody will come to serve, to be
    /// answered with `reason`.
    pub(super) fn leave(&self, reason: &StoreError) -> VecDeque<T> {
        let mut state = self.lock();
        state.serving = state.serving.saturating_sub(1);
        if state.serving > 0 {
            return VecDeque::new();
        }
        state.reason = reason.clone();
        std::mem::take(&mut state.items)
    }

    /// Waits before the next try to connect; says `false` if the queue is closed.
    pub(super) fn rest(&self, pause: Duration) -> bool {
        let state = self.lock();
        let rested = self.closing.wait_timeout_while(state, pause, |state| !state.closed);
        let (state, _) = rested.unwrap_or_else(PoisonError::into_inner);
        !state.closed
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Refuses further items. What is in the queue is still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.closing.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
