//! Makes connections, and only to addresses that were judged in the same breath.
//!
//! The check *is* the connect: names are resolved once, every answer is judged, and exactly the judged addresses are
//! dialled. Nothing between here and the socket resolves again, so there is no gap for an answer to change in.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use gatepost_model::network::Networks;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tower::Service;

use super::resolver::Resolve;
use super::stream::{Dialled, GuardedStream};
use crate::target::{Host, LOOPBACK, Target, TargetError};

/// Dials webhook targets under guard. Speaks TCP only; TLS is laid over it.
#[derive(Clone)]
pub(super) struct GuardedConnector {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) opened: Networks,
    /// For all of resolving and dialling.
    pub(super) budget: Duration,
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("refused by the guard")]
    Blocked,
    #[error("the name could not be resolved")]
    Dns,
    #[error("no address took the connection")]
    Connect(SocketAddr),
    #[error("no connection in time")]
    Timeout(Option<SocketAddr>),
}

impl Service<Uri> for GuardedConnector {
    type Response = GuardedStream;
    type Error = DialError;
    type Future = BoxFuture<'static, Result<GuardedStream, DialError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        async move { connector.dial(&uri).await }.boxed()
    }
}

impl GuardedConnector {
    /// Judges the URI from the start, whoever asks: the guard holds also for callers that did not look first.
    async fn dial(&self, uri: &Uri) -> Result<GuardedStream, DialError> {
        let begun = Instant::now();
        let deadline = begun + self.budget;
        let target =
            Target::parse(&uri.to_string(), &self.opened).map_err(|error| refuse(uri, None, &error))?;
        let addresses = timeout(self.budget, self.addresses(target.host()))
            .await
            .map_err(|_| DialError::Timeout(None))??;
        // All or none: an answer that mixes good and bad addresses is an attack or a mistake.
        for address in &addresses {
            target.admit(*address, &self.opened).map_err(|error| refuse(uri, Some(*address), &error))?;
        }
        let dns = begun.elapsed();
        let (stream, address) = connect_first(&addresses, target.port(), deadline).await?;
        let dialled = Dialled::new(address, (dns, begun.elapsed().saturating_sub(dns)));
        Ok(GuardedStream::new(TokioIo::new(stream), dialled))
    }

    async fn addresses(&self, host: &Host) -> Result<Vec<IpAddr>, DialError> {
        match host {
            Host::Address(address) => Ok(vec![*address]),
            Host::Localhost => {
                Ok(LOOPBACK.into_iter().filter(|address| self.opened.contains(*address)).collect())
            }
            Host::Name(name) => match self.resolver.resolve(&format!("{name}.")).await {
                Ok(addresses) => Ok(addresses),
                Err(error) => {
                    tracing::debug!(%error, host = name, "cannot resolve the host of a webhook URL");
                    Err(DialError::Dns)
                }
            },
        }
    }
}

/// The URL's owner learns that the guard refused; which address it was is for the operator.
fn refuse(uri: &Uri, address: Option<IpAddr>, error: &TargetError) -> DialError {
    let host = uri.host().unwrap_or_default();
    tracing::warn!(host, ?address, %error, "refused to connect to a webhook URL");
    DialError::Blocked
}

/// Tries the addresses in order; each gets an equal share of the time that is left, so that a dead one does not use it
/// up for those behind it.
async fn connect_first(
    addresses: &[IpAddr],
    port: u16,
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), DialError> {
    let mut failure = DialError::Dns;
    let waiting = (1..=u32::try_from(addresses.len()).unwrap_or(u32::MAX)).rev();
    for (address, waiting) in addresses.iter().zip(waiting) {
        let address = SocketAddr::new(*address, port);
        let share = deadline.saturating_duration_since(Instant::now()) / waiting;
        failure = match timeout(share, connect(address)).await {
            Ok(Ok(stream)) => return Ok((stream, address)),
            Ok(Err(error)) => error,
            Err(_) => DialError::Timeout(Some(address)),
        };
    }
    Err(failure)
}

async fn connect(address: SocketAddr) -> Result<TcpStream, DialError> {
    let stream = TcpStream::connect(address).await.map_err(|_| DialError::Connect(address))?;
    // Believing what the socket says rather than what it was told catches any layer that rewrites the address.
    let peer = stream.peer_addr().map_err(|_| DialError::Connect(address))?;
    if peer != address {
        tracing::error!(%address, %peer, "connected to another address than the judged one");
        return Err(DialError::Blocked);
    }
    stream.set_nodelay(true).map_err(|_| DialError::Connect(address))?;
    Ok(stream)
}
