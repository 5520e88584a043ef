//! The queue in front of the writer.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::writer::Writer;
use crate::engine::answers::Answerer;
use crate::engine::job::Job;

/// Something for the writer to do.
pub(super) enum Item {
    /// A closure, to be run in a group.
    Write(Box<dyn Job>, Option<Answerer>),
    /// Work that needs the connection to itself, outside of a transaction.
    Exclusive(Exclusive),
}

/// Work that needs the writing connection to itself.
pub(super) type Exclusive = Box<dyn FnOnce(&mut Writer, &Connection) + Send>;

/// What callers put in and the writer takes out, all at once.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    items: Vec<Item>,
    sleeping: bool,
    closed: bool,
}

impl Queue {
    /// Adds an item; says `false`, and drops the item, once the queue is closed.
    pub(super) fn push(&self, item: Item) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        state.items.push(item);
        self.wake(state);
        true
    }

    /// Refuses further items. What is in the queue is still done.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(state);
    }

    /// Moves what is there to `into`, without waiting.
    pub(super) fn take(&self, into: &mut VecDeque<Item>) {
        let items = mem::take(&mut self.lock().items);
        into.extend(items);
    }

    /// Moves what is there to `into`, waiting until there is something; says `false` once the queue is closed
    /// and empty.
    pub(super) fn wait(&self, into: &mut VecDeque<Item>) -> bool {
        let mut state = self.lock();
        while state.items.is_empty() && !state.closed {
            state.sleeping = true;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeping = false;
        }
        into.extend(mem::take(&mut state.items));
        !into.is_empty()
    }

    fn wake(&self, state: MutexGuard<'_, State>) {
        let sleeping = state.sleeping;
        drop(state);
        if sleeping {
            self.filled.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
