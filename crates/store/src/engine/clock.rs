//! Measuring time on the engine's own threads, and living with tests that pause tokio's clock.

use std::sync::mpsc;
use std::time::Instant;

use tokio::runtime::Handle;

/// The machine's steady clock. The engine's threads are outside of any runtime, so tokio's clock, once a test
/// pauses it, would be one for the callers and another one for them.
pub(super) fn steady() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "measures what threads outside of any runtime do")]
    Instant::now()
}

/// Whether a paused clock is to wait for the engine's threads ([`crate::StoreOptions::hold_paused_clock`]).
#[derive(Clone, Copy)]
pub(super) struct ClockHold(pub(super) bool);

/// Holds a paused clock until it is dropped.
pub(super) struct Held(#[expect(dead_code, reason = "ends the blocking task by its drop")] mpsc::Sender<()>);

impl ClockHold {
    /// Holds the clock of the present runtime, if that was asked for.
    ///
    /// A paused clock jumps to the next timer as soon as all tasks wait, unless one of tokio's own blocking
    /// tasks runs.
    pub(super) fn hold(self) -> Option<Held> {
        let handle = Handle::try_current().ok().filter(|_| self.0)?;
        let (held, released) = mpsc::channel();
        handle.spawn_blocking(move || released.recv());
        Some(Held(held))
    }
}
