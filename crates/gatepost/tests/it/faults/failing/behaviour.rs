//! Receivers that misbehave in a way that is described as data.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

/// Between two drops of an answer that never comes to its end.
const PACE: Duration = Duration::from_millis(50);
/// A connection that is not made within this time waits in a full queue.
const QUEUED: Duration = Duration::from_millis(300);

/// What a receiver does once it has said what it says.
#[derive(Clone, Copy)]
pub(super) enum Then {
    /// It closes the connection.
    Closes,
    /// It resets the connection.
    Resets,
    /// It says nothing more, and keeps the connection.
    Hangs,
    /// It says this again and again, with a pause in between.
    Drips(&'static str),
    /// It says this again and again, as fast as it is taken.
    Floods(&'static str),
}

/// How a receiver behaves with each connection.
#[derive(Clone)]
pub(super) struct Behaviour {
    pub(super) tls: Option<TlsAcceptor>,
    /// Whether it reads the request before it does anything.
    pub(super) reads: bool,
    pub(super) says: String,
    pub(super) then: Then,
}

impl Behaviour {
    /// Starts such a receiver, for as long as the test's runtime lives. Gives its address.
    pub(super) async fn start(self) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = TaskTracker::new();
        let connections = tasks.clone();
        let behaviour = Arc::new(self);
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let behaviour = Arc::clone(&behaviour);
                connections.spawn(async move { behaviour.meet(stream).await });
            }
        });
        address
    }

    async fn meet(&self, stream: TcpStream) {
        if matches!(self.then, Then::Resets) {
            stream.set_zero_linger().unwrap();
        }
        match &self.tls {
            None => self.answer(stream).await,
            // The sender is free to end a handshake that it does not like.
            Some(tls) => {
                if let Ok(stream) = tls.accept(stream).await {
                    self.answer(stream).await;
                }
            }
        }
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) {
        if self.reads {
            read_request(&mut stream).await;
        }
        // Whoever sends may be gone at any moment from here on.
        if stream.write_all(self.says.as_bytes()).await.is_err() {
            return;
        }
        match self.then {
            Then::Closes => drop(stream.shutdown().await),
            Then::Resets => {}
            Then::Hangs => std::future::pending().await,
            Then::Drips(drop) => {
                let mut pace = interval(PACE);
                while stream.write_all(drop.as_bytes()).await.is_ok() && stream.flush().await.is_ok() {
                    pace.tick().await;
                }
            }
            Then::Floods(wave) => while stream.write_all(wave.as_bytes()).await.is_ok() {},
        }
    }
}

/// Reads up to the end of the request's body.
pub(super) async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) {
    let mut request = Vec::new();
    loop {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.and_then(|text| text.parse().ok()).unwrap_or(0) {
            return;
        }
    }
}

/// A port at which nobody listens, for as long as this is kept.
pub(super) fn refusing() -> (SocketAddr, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    (socket.local_addr().unwrap(), socket)
}

/// A port at which connecting hangs, for as long as the rest is kept: nobody takes connections out of its full queue.
pub(super) async fn full() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(connected) = timeout(QUEUED, TcpStream::connect(address)).await {
        queue.push(connected.unwrap());
    }
    (address, listener, queue)
}
