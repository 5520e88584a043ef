//! The server: what runs, in which order it starts, and how it stops.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use gatepost_api::metrics::Gauges;
use gatepost_core::Gatepost;
use gatepost_http::RequestCounts;
use gatepost_http::server::{self, Options};
use gatepost_store::tables::deliveries;
use tokio::net::{TcpListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin_socket;
use crate::config::Config;
use crate::data_folder::{DataFolder, Lock};
use crate::deliver;
use crate::deployment::{Deployment, Sources};
use crate::gauges::Counted;
use crate::waiting::Opening;
use crate::{replays, upkeep};

/// How often notes on uses and refusals are written down.
const FLUSH: Duration = Duration::from_secs(1);

/// Counts of attempts are written down so often: rarely, because there are as many rows as webhook URLs that were sent to.
const FLUSH_ATTEMPTS: Duration = Duration::from_secs(10);

/// How long a start waits for a command that just uses the data folder.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest that a command may take: backing up a large database takes a while.
const LONGEST_COMMAND: Duration = Duration::from_secs(3600);

/// The longest that a stop waits for what is under way: a little longer than listeners and senders do by themselves.
const LONGEST_STOP: Duration = Duration::from_secs(15);

/// The longest that a stop then waits for a database of many nodes to take the last notes: it may be away, and they are not
/// worth more.
const LAST_NOTES: Duration = Duration::from_secs(5);

/// A server that runs, until [`Running::shutdown`].
pub struct Running {
    gatepost: Arc<Gatepost>,
    address: SocketAddr,
    admin_socket: PathBuf,
    set_up_link: Option<String>,
    stop: CancellationToken,
    tasks: TaskTracker,
    lock: Lock,
}

/// Starts a server of this configuration on `listener`; `folder` is locked until it stops. A PostgreSQL that is away is
/// waited for, however long that takes.
///
/// # Errors
/// If another process uses the data folder, or a part cannot be opened: then nothing of the server runs.
pub async fn serve(
    config: &Config,
    folder: &DataFolder,
    sources: Sources,
    listener: TcpListener,
) -> anyhow::Result<Running> {
    let lock = patient_lock(folder, &config.server.admin_socket).await?;
    let address = listener.local_addr().context("the listener has no address")?;
    let public_url = config.server.public_url.clone().unwrap_or_else(|| reachable_url(address));
    let counts = Arc::new(RequestCounts::default());
    let options = Options {
        trusted_proxies: config.server.trusted_proxies.clone(),
        header_timeout: config.server.header_timeout,
        request_timeout: config.server.request_timeout,
        counts: Arc::clone(&counts),
        clock: Arc::clone(&sources.clock),
        random: Arc::clone(&sources.random),
    };
    let opening = Opening { config, folder, sources: &sources, public_url: &public_url, listener: &listener };
    let Deployment { gatepost, keyring, handed } = opening.open(&options).await?;
    release_leases(&gatepost).await?;
    gatepost.go_on_with_events().await?;
    let socket = admin_socket::bind(&config.server.admin_socket)?;
    let metrics_listener = metrics_listener(config).await?;

    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let senders = deliver::Senders { gatepost: &gatepost, keyring, sources: &sources, handed };
    let attempts = deliver::start(senders, config, &tasks, &stop)?;
    let set_up_link = set_up_link(&gatepost).await?;
    let pages = gatepost_ui::router(Arc::clone(&gatepost));
    let public = gatepost_api::router(Arc::clone(&gatepost)).merge(pages);
    tasks.spawn(server::serve_tcp(listener, public, options.clone(), stop.clone()));
    let gauges =
        Gauges { gatepost: Arc::clone(&gatepost), requests: counts, senders: Arc::new(Counted(attempts)) };
    let metrics = gatepost_api::metrics::router(gauges);
    let inside = Options { counts: Arc::default(), ..options };
    if let Some(listener) = metrics_listener {
        tasks.spawn(server::serve_tcp(listener, metrics.clone(), inside.clone(), stop.clone()));
    }
    let admin = gatepost_api::admin::router(Arc::clone(&gatepost)).merge(metrics);
    let unhurried = Options { request_timeout: LONGEST_COMMAND, ..inside };
    tasks.spawn(server::serve_unix(socket, admin, unhurried, stop.clone()));
    tasks.spawn(flush_journal(Arc::clone(&gatepost), stop.clone()));
    tasks.spawn(flush_attempts(Arc::clone(&gatepost), stop.clone()));
    tasks.spawn(upkeep::run(Arc::clone(&gatepost), stop.clone()));
    tasks.spawn(upkeep::watch_urls(Arc::clone(&gatepost), stop.clone()));
    tasks.spawn(replays::run(Arc::clone(&gatepost), stop.clone()));
    tasks.close();
    let admin_socket = config.server.admin_socket.clone();
    Ok(Running { gatepost, address, admin_socket, set_up_link, stop, tasks, lock })
}

impl Running {
    /// Where the public listener waits.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The use cases, and through them the store.
    #[must_use]
    pub const fn gatepost(&self) -> &Arc<Gatepost> {
        &self.gatepost
    }

    /// The socket of the admin API.
    #[must_use]
    pub fn admin_socket(&self) -> &Path {
        &self.admin_socket
    }

    /// The one-time link with which the first user is made; none if there are users. It is a secret.
    #[must_use]
    pub fn set_up_link(&self) -> Option<&str> {
        self.set_up_link.as_deref()
    }

    /// Stops: nothing new is accepted, requests and webhooks under way may end within a bound, what was noted is written
    /// down, and the database is left as one file.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.gatepost.end_waiting();
        if tokio::time::timeout(LONGEST_STOP, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                "stopped although something was still under way; deliveries are tried again at the next start"
            );
        }
        let last_notes = last_notes(&self.gatepost);
        if !self.gatepost.store().is_shared() {
            last_notes.await;
        } else if tokio::time::timeout(LAST_NOTES, last_notes).await.is_err() {
            tracing::warn!(
                "stopped although the database did not answer; the last uses and refusals are not written down"
            );
        }
        admin_socket::remove(&self.admin_socket);
        drop(self.lock);
    }
}

/// Writes down what was noted, gives back what was taken in advance, and closes the store.
async fn last_notes(gatepost: &Gatepost) {
    if let Err(error) = gatepost.flush_journal().await {
        tracing::warn!(%error, "the last uses and refusals could not be written down");
    }
    if let Err(error) = gatepost.flush_attempts().await {
        tracing::warn!(%error, "the last counts of attempts could not be written down");
    }
    if let Err(error) = gatepost.give_back_limits().await {
        tracing::warn!(%error, "parts of rate limits could not be given back to the other nodes");
    }
    gatepost.store().close().await;
}

/// As long as nobody can sign in, every start makes a new link for the first user.
async fn set_up_link(gatepost: &Gatepost) -> anyhow::Result<Option<String>> {
    let token = gatepost.prepare_set_up().await?;
    Ok(token.map(|token| gatepost_ui::set_up_link(&gatepost.settings().public_url, token.expose())))
}

async fn metrics_listener(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.server.metrics_listen else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).with_context(|| {
        format!("cannot tell metrics at {address} (choose another address with server.metrics_listen)")
    })
}

/// Commands hold the lock only for a moment; another server holds it for good.
async fn patient_lock(folder: &DataFolder, admin_socket: &Path) -> anyhow::Result<Lock> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(lock) = folder.try_lock()? {
            return Ok(lock);
        }
        let is_server = UnixStream::connect(admin_socket).await.is_ok();
        if is_server || tokio::time::Instant::now() >= until {
            bail!(
                "another gatepost server or command uses the data folder \"{}\": stop it, or give this one its own with --data",
                folder.path().display()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// With the lock in hand no other process sends from an embedded database, so whoever held these leases is gone. On a
/// shared one another node may hold them, and a lease that nobody holds any more ends by itself.
async fn release_leases(gatepost: &Gatepost) -> anyhow::Result<()> {
    if gatepost.store().is_shared() {
        return Ok(());
    }
    let now = gatepost.now();
    let released = gatepost.store().write(move |tx| {
        gatepost_store::tables::replays::release_all(tx, now)?;
        deliveries::release_all(tx, now)
    });
    let released = released.await?;
    if released > 0 {
        tracing::info!(
            deliveries = released,
            "deliveries that were under way when the server last stopped are due again"
        );
    }
    Ok(())
}

async fn flush_journal(gatepost: Arc<Gatepost>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(FLUSH)).await.is_some() {
        if let Err(error) = gatepost.flush_journal().await {
            tracing::warn!(%error, "uses and refusals of the last second could not be written down");
        }
    }
}

async fn flush_attempts(gatepost: Arc<Gatepost>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(FLUSH_ATTEMPTS)).await.is_some() {
        if let Err(error) = gatepost.flush_attempts().await {
            tracing::warn!(%error, "counts of attempts could not be written down");
        }
    }
}

/// An address at which this machine reaches the listener.
fn reachable_url(address: SocketAddr) -> String {
    let host = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => String::from("127.0.0.1"),
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => String::from("[::1]"),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    };
    format!("http://{host}:{}", address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    async fn started(folder: &DataFolder) -> anyhow::Result<Running> {
        let config = Config::from_text("", folder.path())?;
        serve(&config, folder, Sources::of_the_machine(), TcpListener::bind("127.0.0.1:0").await?).await
    }

    #[tokio::test]
    async fn one_server_at_a_time_has_a_data_folder() {
        let place = TestFolder::new();
        let folder = DataFolder::create(place.path()).unwrap();
        let first = started(&folder).await.unwrap();
        let error = started(&folder).await.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("another gatepost server") && error.contains("--data"), "{error}");
        assert!(first.admin_socket().exists(), "the first one is not disturbed");
        first.shutdown().await;
        started(&folder).await.unwrap().shutdown().await;
    }

    #[tokio::test]
    async fn a_stopped_server_leaves_one_file_of_database() {
        let place = TestFolder::new();
        let folder = DataFolder::create(place.path()).unwrap();
        started(&folder).await.unwrap().shutdown().await;
        let left = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = left.collect();
        left.sort();
        assert_eq!(left, ["gatepost.db", "keys.toml", "lock"]);
    }

    #[test]
    fn the_url_of_a_listener_can_be_opened() {
        for (address, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("[2001:db8::1]:80", "http://[2001:db8::1]:80"),
        ] {
            assert_eq!(reachable_url(address.parse().unwrap()), url);
        }
    }
}
