//! The HTTP client of the demo: what curl would send, and nothing more.

use std::time::Duration;

use anyhow::Context;
use http::{HeaderMap, Request};
use serde_json::Value;

use crate::remote::Remote;

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
pub(super) struct Caller(Remote);

impl Caller {
    pub(super) fn new(base: &str) -> anyhow::Result<Self> {
        Remote::new(base).map(Self)
    }

    pub(super) fn base(&self) -> &str {
        self.0.base()
    }

    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = self.0.ask(request, path, body, DEADLINE).await;
        let reply = reply.with_context(|| format!("{method} {path}"))?;
        let json = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        Ok(Answer { status: reply.status.as_u16(), headers: reply.headers, json })
    }
}
