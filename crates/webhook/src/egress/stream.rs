//! A TCP connection that remembers which address was judged and dialled, when, and whether it served before.

use std::io::{Error, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use gatepost_model::Phases;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What is known of a connection; all copies share whether it served.
#[derive(Clone, Debug)]
pub(super) struct Dialled {
    pub(super) address: SocketAddr,
    /// How long resolving and connecting took,
    dialling: (Duration, Duration),
    /// and laying TLS over it.
    tls: Arc<OnceLock<Duration>>,
    since: Instant,
    served: Arc<AtomicBool>,
}

impl Dialled {
    pub(super) fn new(address: SocketAddr, dialling: (Duration, Duration)) -> Self {
        Self { address, dialling, tls: Arc::default(), since: Instant::now(), served: Arc::default() }
    }

    /// TLS was laid over it just now.
    pub(super) fn note_tls(&self) {
        let _ = self.tls.set(self.since.elapsed());
    }

    /// How a request over it has spent its time, which began to be answered after `elapsed`.
    pub(super) fn phases(&self, elapsed: Duration) -> Phases {
        if self.has_served() {
            return Phases { first_byte: Some(elapsed), ..Phases::default() };
        }
        let ((dns, connect), tls) = (self.dialling, self.tls.get().copied());
        let before = dns + connect + tls.unwrap_or_default();
        Phases {
            dns: Some(dns),
            connect: Some(connect),
            tls,
            first_byte: Some(elapsed.saturating_sub(before)),
        }
    }

    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether an answer has come over it.
    pub(super) fn has_served(&self) -> bool {
        self.served.load(Ordering::Relaxed)
    }

    pub(super) fn note_served(&self) {
        self.served.store(true, Ordering::Relaxed);
    }
}

/// The connection. Reading and writing pass straight through.
pub(super) struct GuardedStream {
    io: TokioIo<TcpStream>,
    dialled: Dialled,
}

impl GuardedStream {
    pub(super) const fn new(io: TokioIo<TcpStream>, dialled: Dialled) -> Self {
        Self { io, dialled }
    }
}

impl Connection for GuardedStream {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.dialled.clone())
    }
}

impl Read for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for GuardedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }
}
