//! The HTTP client of the demo: what curl would send, and nothing more.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(10);

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) json: Value,
}

impl Answer {
    /// The `message` of an error.
    pub(super) fn message(&self) -> &str {
        self.json["message"].as_str().unwrap_or_default()
    }
}

/// A client for one server.
pub(super) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl Caller {
    pub(super) fn new(base: String) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()), base }
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let exchange = async {
            let (parts, body) = self.client.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
            Ok::<_, anyhow::Error>(Answer { status: parts.status.as_u16(), headers: parts.headers, json })
        };
        let answer = tokio::time::timeout(DEADLINE, exchange).await;
        answer.context("no answer within ten seconds")?.with_context(|| format!("{method} {path}"))
    }
}
