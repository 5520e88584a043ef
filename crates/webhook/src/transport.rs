//! What it means to send one request and get one answer, apart from how.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gatepost_model::webhook::Outcome;
use gatepost_model::{Phases, Timestamp};
use http::HeaderMap;

/// A POST to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// The webhook URL as its owner gave it.
    pub url: String,
    /// The headers, without those that belong to the connection (`Host`, `Content-Length` and the like).
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What came of a request; never an error, since every end of it is worth a line in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// How it ended. Delivered means that a 2xx status came in time, whatever became of the reply's body: the receiver
    /// has taken the event, and sending it again would only repeat it.
    pub outcome: Outcome,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// How long the receiver asks to wait, from now on.
    pub retry_after: Option<Duration>,
    /// The answer's headers in order, up to a cap.
    pub headers: Vec<(String, String)>,
    /// The start of the answer's body as text; nothing is decompressed, and what is not UTF-8 is replaced.
    pub reply: String,
    /// Whether the body went on after [`Self::reply`], or broke off.
    pub reply_truncated: bool,
    /// The address that was connected to, as far as it came to that.
    pub address: Option<SocketAddr>,
    /// Whether the request was sent a second time, because a connection kept from earlier turned out to be dead.
    pub resent: bool,
    /// What its parts took.
    pub phases: Phases,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// What went wrong, as a sentence for the URL's owner; none if it was delivered.
    pub error: Option<String>,
}

/// A way to send requests: [`Egress`](crate::egress::Egress), or a script in tests.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request and waits for the answer, within the transport's own deadline.
    fn send(&self, request: Request) -> BoxFuture<'_, Exchange>;
}
