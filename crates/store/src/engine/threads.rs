//! The engines' threads.

use tokio::sync::mpsc;

use crate::error::StoreError;

/// Starts a thread of the store. `done` is dropped when it ends, so that its receiver knows.
pub(super) fn spawn(
    name: &str,
    done: mpsc::Sender<()>,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), StoreError> {
    let run = move || {
        work();
        drop(done);
    };
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map(|_| ()).map_err(|error| StoreError::Open(format!("thread {name}: {error}")))
}
