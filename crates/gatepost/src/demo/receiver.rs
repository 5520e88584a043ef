//! The demo's receiver of webhooks: notes what arrives, and can go down and come up again at the same address.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use gatepost_keys::WebhookKey;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const DEADLINE: Duration = Duration::from_secs(20);

/// A webhook as it arrived.
pub(super) struct Webhook {
    headers: HeaderMap,
    body: Bytes,
}

impl Webhook {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Whether the signature is that of the URL's signing key.
    pub(super) fn is_signed_with(&self, key: &str) -> bool {
        let timestamp = self.header("webhook-timestamp").parse().unwrap_or_default();
        let (id, signature) = (self.header("webhook-id"), self.header("webhook-signature"));
        WebhookKey::parse(key).is_ok_and(|key| key.verify(id, timestamp, &self.body, signature))
    }
}

/// The receiver.
pub(super) struct Receiver {
    address: SocketAddr,
    arrived: UnboundedReceiver<Webhook>,
    sender: UnboundedSender<Webhook>,
    up: Option<(CancellationToken, TaskTracker)>,
}

impl Receiver {
    /// A receiver that is up, on a free port.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let (sender, arrived) = unbounded_channel();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port for the receiver")?;
        let mut receiver = Self { address: listener.local_addr()?, arrived, sender, up: None };
        receiver.listen(listener);
        Ok(receiver)
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn go_down(&mut self) {
        if let Some((stop, tasks)) = self.up.take() {
            stop.cancel();
            tasks.wait().await;
        }
    }

    pub(super) async fn come_up(&mut self) -> anyhow::Result<()> {
        let listener =
            TcpListener::bind(self.address).await.context("the receiver's port was taken meanwhile")?;
        self.listen(listener);
        Ok(())
    }

    /// The next webhook.
    pub(super) async fn next(&mut self) -> anyhow::Result<Webhook> {
        let next = tokio::time::timeout(DEADLINE, self.arrived.recv()).await;
        next.context("no webhook arrived within twenty seconds")?.context("the receiver is gone")
    }

    /// Whether nothing has arrived that was not looked at.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.arrived.try_recv().is_err()
    }

    fn listen(&mut self, listener: TcpListener) {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let router = Router::new().fallback(receive).with_state(self.sender.clone());
        let stopped = stop.clone();
        tasks.spawn(async move {
            let serve = axum::serve(listener, router);
            // Down means down: connections that are kept are not waited for.
            tokio::select! { _ = serve => {}, () = stopped.cancelled() => {} }
        });
        tasks.close();
        self.up = Some((stop, tasks));
    }
}

async fn receive(State(sender): State<UnboundedSender<Webhook>>, request: Request<Body>) -> StatusCode {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1024 * 1024).await.unwrap_or_default();
    match sender.send(Webhook { headers: parts.headers, body }) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
