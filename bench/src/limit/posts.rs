//! Signed POSTs through hyper-util's pool, without any guard, log or schedule.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use gatepost_keys::WebhookKey;
use gatepost_model::{Clock, SystemClock, SystemRandom, ids};
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::task::JoinSet;
use tokio::time::Instant;

const SENDERS: usize = 32;

/// A client with its key and what it sends.
#[derive(Clone)]
pub(super) struct Posts {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    key: WebhookKey,
    body: Bytes,
    clock: Arc<SystemClock>,
}

impl Posts {
    pub(super) fn new(receiver: SocketAddr, body: &str) -> Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Ok(Self {
            client,
            uri: format!("http://{receiver}/").parse()?,
            key: WebhookKey::parse(WebhookKey::generate(&SystemRandom).expose())?,
            body: Bytes::from(body.to_owned()),
            clock: Arc::default(),
        })
    }

    /// Sends for `time`, and tells how many requests were taken.
    pub(super) async fn run(&self, time: Duration) -> Result<u64> {
        let end = Instant::now() + time;
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            senders.spawn(self.clone().sender(end));
        }
        let mut sent = 0;
        while let Some(ended) = senders.join_next().await {
            sent += ended??;
        }
        Ok(sent)
    }

    async fn sender(self, end: Instant) -> Result<u64> {
        let mut sent = 0;
        while Instant::now() < end {
            let response = self.client.request(self.request()?).await?;
            ensure!(response.status().is_success(), "the receiver answered {}", response.status());
            // Read to its end, or the connection is lost to the pool.
            response.into_body().collect().await?;
            sent += 1;
        }
        Ok(sent)
    }

    fn request(&self) -> Result<Request<Full<Bytes>>> {
        let now = self.clock.now();
        let id = ids::sortable(ids::EVENT, now, &SystemRandom);
        let signature = self.key.sign(&id, now.seconds(), &self.body);
        let request = Request::post(self.uri.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.seconds())
            .header("webhook-signature", signature);
        Ok(request.body(Full::new(self.body.clone()))?)
    }
}
