//! A plain HTTP client: says exactly what it is told, keeps connections, follows nothing.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer of a test takes longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer itself, if it has this status.
    ///
    /// # Panics
    /// With the body, if it has another.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

/// The client.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl Http {
    /// A client for the server at `base`, `http://127.0.0.1:1234`.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), base: base.into() }
    }

    /// The same server, called from another address of this machine.
    #[must_use]
    pub fn from_address(&self, address: IpAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_local_address(Some(address));
        Self { client: Client::builder(TokioExecutor::new()).build(connector), base: self.base.clone() }
    }

    /// The address of the server.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request.
    ///
    /// # Panics
    /// If there is no whole answer in time.
    #[expect(clippy::panic, reason = "a test without an answer cannot go on")]
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        match self.try_send(method, path, headers, body).await {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    /// Sends a request that may get no answer, because the server is down or going down.
    ///
    /// # Errors
    /// If there is no whole answer in time.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into()))?;
        let answer = async {
            let (parts, body) = self.client.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, anyhow::Error>(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
        };
        tokio::time::timeout(DEADLINE, answer).await?
    }

    /// Sends bytes as they are, well formed or not, and reads whatever comes until the server hangs up.
    ///
    /// # Errors
    /// If the server cannot be reached or does not hang up in time.
    pub async fn send_raw(&self, bytes: &[u8]) -> anyhow::Result<String> {
        let address = self.base.trim_start_matches("http://");
        let conversation = async {
            let mut stream = TcpStream::connect(address).await?;
            // A server that has heard enough hangs up in the middle: what it said before is what counts.
            let _ = stream.write_all(bytes).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        tokio::time::timeout(DEADLINE, conversation).await?
    }

    /// `GET`.
    ///
    /// # Panics
    /// If there is no whole answer in time.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, Bytes::new()).await
    }

    /// `POST` of a form.
    ///
    /// # Panics
    /// If there is no whole answer in time.
    pub async fn post_form(&self, path: &str, form: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &headers, form.to_owned()).await
    }
}
