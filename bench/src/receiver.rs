//! The receiver of webhooks.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::wire::Connection;

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes it and says so at once.
    Answers,
    /// Never answers. What is written for it is stored and stays; only a handful of requests are ever under way, so a row
    /// that measures writes does not measure deliveries.
    Holds,
}

/// A receiver that runs until it is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    taken: Arc<AtomicU64>,
    _running: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start(manner: Manner) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let taken = Arc::new(AtomicU64::new(0));
        let mut running = JoinSet::new();
        running.spawn(accept(listener, manner, Arc::clone(&taken)));
        Ok(Self { address, taken, _running: running })
    }

    /// Requests that were taken so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, manner: Manner, taken: Arc<AtomicU64>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let taken = Arc::clone(&taken);
        match manner {
            // A connection that breaks shows in the count.
            Manner::Answers => connections.spawn(async move { drop(answer(stream, &taken).await) }),
            Manner::Holds => connections.spawn(hold(stream)),
        };
    }
}

async fn answer(stream: TcpStream, taken: &AtomicU64) -> io::Result<()> {
    let mut connection = Connection::over(stream)?;
    while connection.receive().await?.is_some() {
        taken.fetch_add(1, Ordering::Relaxed);
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?;
    }
    Ok(())
}

async fn hold(stream: TcpStream) {
    pending::<()>().await;
    drop(stream);
}
