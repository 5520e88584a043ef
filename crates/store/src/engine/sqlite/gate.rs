//! The gate in front of the readers, which the writer closes to empty the write-ahead log.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

/// Readers pass it; while it is closed nobody reads.
#[derive(Default)]
pub(super) struct Gate(RwLock<()>);

/// Keeps the gate from closing.
pub(super) struct Inside<'a>(#[expect(dead_code, reason = "held for its drop")] RwLockReadGuard<'a, ()>);

/// Keeps the gate closed.
pub(super) struct Closed<'a>(#[expect(dead_code, reason = "held for its drop")] RwLockWriteGuard<'a, ()>);

impl Gate {
    /// Passes the gate, waiting while it is closed or about to close.
    pub(super) fn enter(&self) -> Inside<'_> {
        Inside(self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Passes the gate if it is open.
    pub(super) fn try_enter(&self) -> Option<Inside<'_>> {
        match self.0.try_read() {
            Ok(guard) => Some(Inside(guard)),
            Err(TryLockError::Poisoned(poisoned)) => Some(Inside(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Closes the gate and waits until nobody is inside.
    pub(super) fn close(&self) -> Closed<'_> {
        Closed(self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}
