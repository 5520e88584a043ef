//! One caller's closure, from the queue to its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::tx::Tx;

/// What a closure made of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its effects are to be kept.
    Succeeded,
    /// It returned an error or panicked: its effects must go.
    Failed,
}

/// A closure with its caller, without their types.
pub(super) trait Job: Send {
    /// Runs the closure and keeps its result; the last run counts.
    fn run(&mut self, tx: &Tx<'_>) -> Outcome;

    /// Puts `error` in the place of a success.
    fn spoil(&mut self, error: StoreError);

    /// Answers the caller: with the result if the group is committed, with the error if not, for then even a
    /// failure was judged by rows that never came to be.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A closure that returns `Result<T, E>`, and what is done to its `T` once that is committed.
pub(super) struct Closure<F, G, T, U, E> {
    pub(super) run: F,
    pub(super) then: G,
    pub(super) result: Option<Result<T, E>>,
    pub(super) caller: oneshot::Sender<Result<U, E>>,
}

impl<F, G, T, U, E> Job for Closure<F, G, T, U, E>
where
    F: Fn(&Tx<'_>) -> Result<T, E> + Send,
    G: FnOnce(T) -> U + Send,
    T: Send,
    U: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> Outcome {
        let result = caught(|| (self.run)(tx));
        let outcome = if result.is_ok() { Outcome::Succeeded } else { Outcome::Failed };
        self.result = Some(result);
        outcome
    }

    fn spoil(&mut self, error: StoreError) {
        if !matches!(self.result, Some(Err(_))) {
            self.result = Some(Err(E::from(error)));
        }
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { then, result, caller, .. } = *self;
        let result = match committed {
            Ok(()) => result.unwrap_or_else(|| Err(E::from(StoreError::Closed))),
            Err(error) => Err(E::from(error)),
        };
        let result = result.and_then(|value| caught(|| Ok(then(value))));
        // A caller that went away wants no answer; what it wrote stays written.
        let _ = caller.send(result);
    }
}

/// Runs a closure of the product; its panic is its caller's error and nobody else's.
pub(super) fn caught<T, E: From<StoreError>>(run: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(E::from(StoreError::Panicked)))
}
