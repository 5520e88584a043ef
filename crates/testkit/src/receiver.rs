//! A receiver of webhooks that does as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use axum::{Router, extract::State};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Nothing that a test waits for takes longer.
const DEADLINE: Duration = Duration::from_secs(20);

/// A webhook as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Path and query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The status that it was answered with.
    pub answered: u16,
    /// When it had arrived.
    pub at: Instant,
}

impl Received {
    /// A header, empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Whether the signature is that of the `whsec_…` key.
    #[must_use]
    pub fn is_signed_with(&self, key: &str) -> bool {
        let timestamp = self.header("webhook-timestamp").parse().unwrap_or_default();
        gatepost_keys::WebhookKey::parse(key).is_ok_and(|key| {
            key.verify(self.header("webhook-id"), timestamp, &self.body, self.header("webhook-signature"))
        })
    }
}

/// What to do with the next webhook.
#[derive(Clone, Copy, Debug)]
pub enum Script {
    /// Answer with this status.
    Status(u16),
    /// Fail, with this text as the body and as a header.
    Say(&'static str),
    /// Never answer.
    Hang,
}

#[derive(Default)]
struct Inner {
    received: Mutex<Vec<Received>>,
    script: Mutex<VecDeque<Script>>,
    otherwise: Mutex<Option<Script>>,
    arrived: Notify,
}

impl Inner {
    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Script {
        let scripted = Self::lock(&self.script).pop_front();
        scripted.or(*Self::lock(&self.otherwise)).unwrap_or(Script::Status(200))
    }
}

/// A receiver on a port of its own. It answers 200 unless told otherwise.
pub struct Receiver {
    address: SocketAddr,
    inner: Arc<Inner>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Receiver {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// If there is none.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts one at this address, to come up again where one was.
    ///
    /// # Panics
    /// If the address is taken.
    #[expect(clippy::expect_used, reason = "a test without a receiver cannot go on")]
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port for the receiver");
        let address = listener.local_addr().expect("the receiver's address");
        let inner = Arc::new(Inner::default());
        let router = Router::new().fallback(receive).with_state(Arc::clone(&inner));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let stopped = stop.clone();
        tasks.spawn(async move {
            let serve = axum::serve(listener, router);
            // A receiver that stops is gone at once: it must not wait for connections that are kept.
            tokio::select! { _ = serve => {}, () = stopped.cancelled() => {} }
        });
        tasks.close();
        Self { address, inner, stop, tasks }
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL of it: `path` begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What to do with the next webhooks, one after the other.
    pub fn script(&self, script: impl IntoIterator<Item = Script>) {
        Inner::lock(&self.inner.script).extend(script);
    }

    /// What to do with every webhook that is not scripted.
    pub fn otherwise(&self, script: Script) {
        *Inner::lock(&self.inner.otherwise) = Some(script);
    }

    /// What arrived so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        Inner::lock(&self.inner.received).clone()
    }

    /// Waits until at least `count` webhooks have arrived, and gives them all.
    ///
    /// # Panics
    /// If they do not arrive in time.
    #[expect(clippy::panic, reason = "a test without its webhooks cannot go on")]
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        let waited = tokio::time::timeout(DEADLINE, async {
            loop {
                // Interest is registered before looking, or an arrival in between would be missed.
                let arrived = self.inner.arrived.notified();
                let received = self.received();
                if received.len() >= count {
                    return received;
                }
                arrived.await;
            }
        });
        match waited.await {
            Ok(received) => received,
            Err(_) => panic!("{count} webhooks were waited for, {} arrived", self.received().len()),
        }
    }

    /// Goes down: connections are refused from now on.
    pub async fn stop(self) -> SocketAddr {
        self.stop.cancel();
        self.tasks.wait().await;
        self.address
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn receive(State(inner): State<Arc<Inner>>, request: Request<Body>) -> Response {
    let script = inner.next();
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let answered = match script {
        Script::Status(status) => status,
        Script::Say(_) => 500,
        Script::Hang => 0,
    };
    Inner::lock(&inner.received).push(Received {
        path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: parts.headers,
        body,
        answered,
        at: Instant::now(),
    });
    inner.arrived.notify_waiters();
    match script {
        Script::Hang => std::future::pending().await,
        Script::Status(status) => answer(status, "thank you"),
        Script::Say(text) => {
            let mut response = answer(answered, text);
            response.headers_mut().insert("x-said", HeaderValue::from_static(text));
            response
        }
    }
}

fn answer(status: u16, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    response
}
