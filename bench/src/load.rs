//! The load: connections that are kept, each sending its next request when the last one is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::wire::Connection;

const CONNECTIONS: usize = 32;

/// A rendered request and the status that answers it.
pub(crate) struct Call {
    pub(crate) request: Vec<u8>,
    pub(crate) status: u16,
}

/// Requests for one server.
#[derive(Clone)]
pub(crate) struct Load {
    address: SocketAddr,
    /// Sent in turn; each connection begins at another one.
    calls: Arc<[Call]>,
}

impl Load {
    pub(crate) fn new(address: SocketAddr, calls: Vec<Call>) -> Self {
        Self { address, calls: calls.into() }
    }

    /// Sends requests for `time`, and tells how many were answered: all that were sent, as they should be.
    pub(crate) async fn run(&self, time: Duration) -> Result<u64> {
        let end = Instant::now() + time;
        let mut connections = JoinSet::new();
        for number in 0..CONNECTIONS {
            connections.spawn(self.clone().connection(number * 3, end));
        }
        let mut answered = 0;
        while let Some(ended) = connections.join_next().await {
            answered += ended??;
        }
        Ok(answered)
    }

    async fn connection(self, first: usize, end: Instant) -> Result<u64> {
        let mut connection = Connection::open(self.address).await.context("the server cannot be reached")?;
        let mut answered = 0;
        for call in self.calls.iter().cycle().skip(first % self.calls.len()) {
            connection.send(&call.request).await?;
            let answer = connection.receive().await?.context("the server closed the connection")?;
            let status = answer.status();
            ensure!(
                status == Some(call.status),
                "expected {}, got {status:?}: {}",
                call.status,
                String::from_utf8_lossy(answer.body)
            );
            answered += 1;
            if Instant::now() >= end {
                break;
            }
        }
        Ok(answered)
    }
}
