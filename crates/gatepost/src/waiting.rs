//! A start whose database is away: it waits, and says so to whoever asks meanwhile.
//!
//! After a power cut nodes and database start in any order. What only a person can mend (an address that is none, a
//! password that is wrong, tables of a newer release) ends the start at once.

use std::time::Duration;

use anyhow::Context;
use gatepost_http::server::{self, Options};
use gatepost_store::StoreError;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::data_folder::DataFolder;
use crate::deployment::{self, Deployment, Sources, Tables};

/// The pause after the first try that failed; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Callers may wait so long for a start; then they are told. A database that does not even refuse takes seconds to tell.
const UNNOTICED: Duration = Duration::from_millis(500);

/// What opening a deployment takes, and who is told meanwhile that it is not open yet.
pub(crate) struct Opening<'a> {
    /// How it is configured.
    pub(crate) config: &'a Config,
    /// Its data folder, which the caller has locked.
    pub(crate) folder: &'a DataFolder,
    /// Where time and randomness come from.
    pub(crate) sources: &'a Sources,
    /// Where callers reach it.
    pub(crate) public_url: &'a str,
    /// Where they come in.
    pub(crate) listener: &'a TcpListener,
}

impl Opening<'_> {
    /// Opens the deployment, however long its database is away. Until then callers get 503 and `/healthz` says that
    /// the process is there.
    ///
    /// # Errors
    /// If it cannot be opened for a reason that does not pass by itself.
    pub(crate) async fn open(self, options: &Options) -> anyhow::Result<Deployment> {
        let mut opening = std::pin::pin!(self.try_until_it_opens());
        if let Ok(opened) = timeout(UNNOTICED, &mut opening).await {
            return opened;
        }
        let porter = Porter::start(self.listener, options)?;
        let opened = opening.await;
        porter.leave().await;
        opened
    }

    async fn try_until_it_opens(&self) -> anyhow::Result<Deployment> {
        let mut pause = FIRST_PAUSE;
        let mut said = None;
        loop {
            let error = match self.try_once().await {
                Err(error) if may_pass(&error) => error,
                end => return end,
            };
            let reason = format!("{error:#}");
            if said.as_ref() != Some(&reason) {
                tracing::warn!("waiting for the database: {reason}");
                said = Some(reason);
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    async fn try_once(&self) -> anyhow::Result<Deployment> {
        let Self { config, folder, sources, public_url, .. } = self;
        deployment::open(config, folder, sources, (*public_url).to_owned(), Tables::Migrate).await
    }
}

/// Whether the same try may succeed later although nobody mended anything here.
fn may_pass(error: &anyhow::Error) -> bool {
    let may_pass = |error: &StoreError| {
        matches!(error, StoreError::Unavailable(_) | StoreError::Uncertain | StoreError::Timeout)
    };
    error.downcast_ref::<StoreError>().is_some_and(may_pass)
}

/// Answers callers while there is nothing yet that could serve them.
struct Porter {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Porter {
    /// Accepts on the same socket, which stays open for the server when this one leaves.
    fn start(listener: &TcpListener, options: &Options) -> anyhow::Result<Self> {
        let socket = std::os::fd::AsFd::as_fd(listener).try_clone_to_owned();
        let socket = std::net::TcpListener::from(socket.context("the listener cannot be shared")?);
        let listener = TcpListener::from_std(socket).context("the listener cannot be shared")?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let router = gatepost_api::health::closed();
        tasks.spawn(server::serve_tcp(listener, router, options.clone(), stop.clone()));
        tasks.close();
        Ok(Self { stop, tasks })
    }

    async fn leave(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_by_itself_is_waited_for() {
        let wrapped = |error: StoreError| anyhow::Error::new(error).context("the database cannot be opened");
        assert!(may_pass(&wrapped(StoreError::Unavailable(String::from("connection refused")))));
        assert!(!may_pass(&wrapped(StoreError::Denied(String::from("password authentication failed")))));
        assert!(!may_pass(&wrapped(StoreError::Migration(String::from("a newer release made it")))));
        assert!(!may_pass(&anyhow::anyhow!("keys.toml is not readable")));
    }
}
