//! A server on the network, asked as any of its callers would ask it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::Url;

/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// Connections that are not used are closed after this.
const IDLE: Duration = Duration::from_secs(30);

/// A client of one server. Names and certificates are checked against the public authorities.
#[derive(Debug)]
pub(crate) struct Remote {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
}

impl Remote {
    /// A client for the server at `server`, `https://api.example.com`.
    ///
    /// # Errors
    /// If that is not the address of a server.
    pub(crate) fn new(server: &str) -> anyhow::Result<Self> {
        let url =
            Url::parse(server).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
        let Some(url) = url else {
            bail!("\"{server}\" is not a server: write https://HOST or https://HOST:PORT")
        };
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            bail!(
                "\"{}\" has more than a scheme, a host, a port and a path: leave the rest away",
                url.host_str().unwrap_or_default()
            );
        }
        let base = url.as_str().trim_end_matches('/').to_owned();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("TLS cannot be set up")?
            .with_root_certificates(rustls::RootCertStore::from_iter(
                webpki_roots::TLS_SERVER_ROOTS.iter().cloned(),
            ))
            .with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions().build();
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { client, base })
    }

    /// Where the server is.
    #[must_use]
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether what is sent can be read on its way by others than this machine.
    #[must_use]
    pub(crate) fn is_readable(&self) -> bool {
        let url = Url::parse(&self.base).ok();
        url.is_some_and(|url| {
            let host = url.host_str().unwrap_or_default();
            let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
            url.scheme() == "http" && !is_here
        })
    }

    /// Asks, and waits for the whole answer no longer than `deadline`. `request` names the path alone.
    ///
    /// # Errors
    /// If there is no answer: the server cannot be reached, is not whom it should be, or takes too long.
    pub(crate) async fn ask(
        &self,
        request: http::request::Builder,
        path: &str,
        body: impl Into<Bytes>,
        deadline: Duration,
    ) -> anyhow::Result<Reply> {
        let request: Request<Full<Bytes>> = request
            .uri(format!("{}{path}", self.base))
            .body(Full::new(body.into()))
            .context("this cannot be written as a request")?;
        let exchange = async {
            let (parts, body) = self.client.request(request).await.map_err(reason)?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?.to_bytes();
            Ok::<_, anyhow::Error>(Reply { status: parts.status, headers: parts.headers, body })
        };
        match tokio::time::timeout(deadline, exchange).await {
            Ok(reply) => reply.with_context(|| format!("{} does not answer", self.base)),
            Err(_) => bail!("{} does not answer within {} s", self.base, deadline.as_secs()),
        }
    }
}

/// What is at the bottom of an error: "connection refused" says more than "client error (Connect)".
fn reason(error: hyper_util::client::legacy::Error) -> anyhow::Error {
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    anyhow::anyhow!("{cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_scheme_a_host_and_perhaps_more() {
        for (server, base, is_readable) in [
            ("https://api.example.com", "https://api.example.com", false),
            ("https://api.example.com:8443/gatepost/", "https://api.example.com:8443/gatepost", false),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", false),
            ("http://[::1]:8080/", "http://[::1]:8080", false),
            ("http://localhost:8080", "http://localhost:8080", false),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080", true),
        ] {
            let remote = Remote::new(server).unwrap();
            assert_eq!((remote.base(), remote.is_readable()), (base, is_readable), "{server}");
        }
        for server in [
            "",
            "api.example.com",
            "ftp://api.example.com",
            "https://",
            "https://a:b@host",
            "https://host?x=1",
        ] {
            assert!(Remote::new(server).is_err(), "{server}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        let error = Remote::new("https://ada:hunter2@host").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
