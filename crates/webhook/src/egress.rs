//! The one way out: every request that Gatepost sends to an address which a user chose goes through here.
//!
//! What is guarded, and where (security.md, P3 and 6.3):
//! - the URL's text by [`Target::parse`], before anything else;
//! - every address by the connector, at the moment it dials; no proxy of the environment is used, and no redirect followed;
//! - time by one deadline over resolving, connecting, TLS, headers and body;
//! - memory by caps on headers and body; nothing is decompressed.
//!
//! Connections are kept for the next request to the same host, at most [`CONNECTION_LIFETIME`] idle, and take no new
//! request once they are that old. So no request travels over a connection whose address was judged more than twice that
//! time before, and a name that begins to point elsewhere is noticed within that time plus
//! [`LONGEST_CACHED`](resolver::LONGEST_CACHED).

mod connector;
mod failure;
mod headers;
mod reply;
pub mod resolver;
mod retry_after;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use gatepost_model::network::Networks;
use gatepost_model::webhook::Outcome;
use gatepost_model::{Clock, Phases, Timestamp};
use http::header::{ACCEPT_ENCODING, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{CaptureConnection, Connection, capture_connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;
use tokio::time::{Instant, timeout, timeout_at};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, service_fn};

pub use rustls::pki_types::CertificateDer;

pub use self::retry_after::retry_after;

use self::connector::{DialError, GuardedConnector};
use self::failure::Failure;
use self::reply::Reply;
use self::resolver::Resolve;
use self::stream::{Dialled, GuardedStream};
use crate::target::Target;
use crate::transport::{Exchange, Request, Transport};

/// For how long a connection is kept, idle or not.
pub const CONNECTION_LIFETIME: Duration = Duration::from_secs(30);

/// Connections kept idle for one host. A URL has few requests in flight, so more would only be held open.
const IDLE_PER_HOST: usize = 16;

/// The most bytes of one answer that are held before they are looked at; an HTTP/1 head has to fit into it.
const READ_BUFFER: usize = 64 * 1024;

/// How the egress behaves. [`EgressConfig::new`] has the values for production.
pub struct EgressConfig {
    /// Networks that are targets although they are not public (`webhooks.allow_networks`).
    pub opened: Networks,
    /// For one request, from resolving the name to the end of the reply.
    pub timeout: Duration,
    /// For resolving, connecting and TLS together.
    pub connect_timeout: Duration,
    /// The most bytes of a reply's body that are read and kept.
    pub reply_cap: usize,
    /// See [`CONNECTION_LIFETIME`].
    pub connection_lifetime: Duration,
    /// Certificate authorities to trust besides the public ones.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Who resolves names.
    pub resolver: Arc<dyn Resolve>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl EgressConfig {
    /// 15 seconds for a request, 10 of them for connecting, 16 KiB of reply; no network opened.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolve>, clock: Arc<dyn Clock>) -> Self {
        Self {
            opened: Networks::default(),
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(10),
            reply_cap: 16 * 1024,
            connection_lifetime: CONNECTION_LIFETIME,
            extra_roots: Vec::new(),
            resolver,
            clock,
        }
    }
}

/// Why there is no egress.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// One of the additional certificate authorities is not a certificate.
    #[error("an additional certificate authority cannot be used: {0}")]
    Root(rustls::Error),
    /// The TLS library offers no protocol version.
    #[error("TLS cannot be set up: {0}")]
    Tls(rustls::Error),
}

type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<GuardedStream>, BoxError>;
type HttpClient = Client<Connector, Full<Bytes>>;

/// The guarded client.
pub struct Egress {
    /// Keeps connections for the next request.
    keeping: HttpClient,
    /// Makes a connection for each request.
    fresh: HttpClient,
    opened: Networks,
    timeout: Duration,
    reply_cap: usize,
    connection_lifetime: Duration,
    clock: Arc<dyn Clock>,
}

impl Egress {
    /// Sets up the client; nothing is sent or resolved.
    ///
    /// # Errors
    /// The certificate authorities cannot be used.
    pub fn new(config: EgressConfig) -> Result<Self, EgressError> {
        let connector = connector(&config)?;
        Ok(Self {
            keeping: client(connector.clone(), IDLE_PER_HOST, config.connection_lifetime),
            fresh: client(connector, 0, config.connection_lifetime),
            opened: config.opened,
            timeout: config.timeout,
            reply_cap: config.reply_cap,
            connection_lifetime: config.connection_lifetime,
            clock: config.clock,
        })
    }

    /// Sends a request and waits for the answer until `deadline`.
    pub async fn send_until(&self, request: Request, deadline: Instant) -> Exchange {
        let started = self.clock.now();
        let begun = Instant::now();
        let mut resent = false;
        let end = match Target::parse(&request.url, &self.opened) {
            Ok(target) => self.exchange(&target, request, deadline, &mut resent).await,
            Err(error) => Err(Failure::refused(&error)),
        };
        let blank = Exchange {
            outcome: Outcome::Delivered,
            status: None,
            retry_after: None,
            headers: Vec::new(),
            reply: String::new(),
            reply_truncated: false,
            address: None,
            resent,
            phases: Phases::default(),
            started,
            duration: begun.elapsed(),
            error: None,
        };
        match end {
            Ok(answer) => answer.describe(blank, self.clock.now()),
            Err(Failure { outcome, error, address }) => {
                Exchange { outcome, error: Some(error), address, ..blank }
            }
        }
    }

    /// A receiver may close a kept connection at the very moment when a request is put on it. That says nothing about the
    /// receiver, and waiting minutes for the next attempt would be wrong, so the request is sent once more, on a
    /// connection of its own. If the receiver did take the first one, it sees the same `webhook-id` twice, as after
    /// any lost reply.
    ///
    /// The HTTP client could do this by itself for requests that provably were not taken
    /// (`retry_canceled_requests`). That is switched off: it covers only half of the cases, may meet one
    /// dead connection after another, and would leave no trace in the attempt log.
    async fn exchange(
        &self,
        target: &Target,
        request: Request,
        deadline: Instant,
        resent: &mut bool,
    ) -> Result<Answer, Failure> {
        let mut headers = request.headers;
        headers::remove_framing(&mut headers);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("Gatepost/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let first = http_request(target, headers.clone(), request.body.clone());
        match self.send_once(&self.keeping, first, deadline).await {
            Ok(answer) => Ok(answer),
            Err(Lost { was_dead: true, failure }) => {
                tracing::debug!(address = ?failure.address, "a kept connection was dead, sending again");
                *resent = true;
                let second = http_request(target, headers, request.body);
                self.send_once(&self.fresh, second, deadline).await.map_err(|lost| lost.failure)
            }
            Err(lost) => Err(lost.failure),
        }
    }

    async fn send_once(
        &self,
        client: &HttpClient,
        mut request: http::Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Answer, Lost> {
        let begun = Instant::now();
        let connection = capture_connection(&mut request);
        let response = match timeout_at(deadline, client.request(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                retire(&connection);
                return Err(Lost::broken(&error, dialled(&connection)));
            }
            Err(_) => {
                retire(&connection);
                return Err(Lost::late(dialled(&connection)));
            }
        };
        let elapsed = begun.elapsed();
        let (head, body) = response.into_parts();
        let dialled = head.extensions.get::<Dialled>();
        let phases = dialled.map(|dialled| dialled.phases(elapsed)).unwrap_or_default();
        let reply = reply::read(body, self.reply_cap, deadline).await;
        if let Some(dialled) = dialled {
            dialled.note_served();
        }
        if reply.truncated || dialled.is_none_or(|dialled| dialled.age() >= self.connection_lifetime) {
            retire(&connection);
        }
        let address = dialled.map(|dialled| dialled.address);
        Ok(Answer { status: head.status, headers: head.headers, reply, address, phases })
    }
}

impl Transport for Egress {
    fn send(&self, request: Request) -> BoxFuture<'_, Exchange> {
        self.send_until(request, Instant::now() + self.timeout).boxed()
    }
}

/// A request that got no answer.
struct Lost {
    /// Whether it died with a connection that had served before, which may have happened before it arrived.
    was_dead: bool,
    failure: Failure,
}

impl Lost {
    fn broken(error: &legacy::Error, dialled: Option<Dialled>) -> Self {
        let was_dead = dialled.as_ref().is_some_and(Dialled::has_served) && failure::connection_died(error);
        Self { was_dead, failure: Failure::of(error, dialled.map(|dialled| dialled.address)) }
    }

    fn late(dialled: Option<Dialled>) -> Self {
        Self { was_dead: false, failure: Failure::timeout(dialled.map(|dialled| dialled.address)) }
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    reply: Reply,
    address: Option<SocketAddr>,
    phases: Phases,
}

impl Answer {
    fn describe(self, blank: Exchange, now: Timestamp) -> Exchange {
        let delivered = self.status.is_success();
        let asked = self.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Exchange {
            outcome: if delivered { Outcome::Delivered } else { Outcome::Status },
            status: Some(self.status.as_u16()),
            retry_after: asked.and_then(|value| retry_after(value, now)),
            headers: reply::header_texts(&self.headers),
            reply: self.reply.text,
            reply_truncated: self.reply.truncated,
            address: self.address,
            phases: self.phases,
            error: (!delivered).then(|| status_sentence(self.status)),
            ..blank
        }
    }
}

fn status_sentence(status: StatusCode) -> String {
    let code = status.as_u16();
    if status.is_redirection() {
        format!("The receiver answered {code}; redirects are not followed, so set the URL to where it leads.")
    } else {
        format!("The receiver answered {code}; any status from 200 to 299 counts as taken.")
    }
}

fn http_request(target: &Target, headers: HeaderMap, body: Bytes) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.uri().clone();
    *request.headers_mut() = headers;
    request
}

/// Lets no further request use the connection; those on it may end.
fn retire(connection: &CaptureConnection) {
    if let Some(connected) = connection.connection_metadata().as_ref() {
        connected.poison();
    }
}

fn dialled(connection: &CaptureConnection) -> Option<Dialled> {
    let mut extras = http::Extensions::new();
    connection.connection_metadata().as_ref()?.get_extras(&mut extras);
    extras.remove()
}

fn client(connector: Connector, idle_per_host: usize, idle: Duration) -> HttpClient {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        // Without a timer for it, the pool would never let an idle connection go.
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(idle)
        .pool_max_idle_per_host(idle_per_host)
        .retry_canceled_requests(false)
        .http1_max_buf_size(READ_BUFFER)
        .http2_initial_stream_window_size(64 * 1024)
        .http2_initial_connection_window_size(256 * 1024)
        .http2_max_header_list_size(16 * 1024)
        .build(connector)
}

fn connector(config: &EgressConfig) -> Result<Connector, EgressError> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for root in &config.extra_roots {
        roots.add(root.clone()).map_err(EgressError::Root)?;
    }
    // Named here, since a process that links several providers has no default one.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(EgressError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let budget = config.connect_timeout;
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(GuardedConnector {
            resolver: Arc::clone(&config.resolver),
            opened: config.opened.clone(),
            budget,
        });
    Ok(BoxCloneSyncService::new(service_fn(move |uri| connect(https.clone(), uri, budget))))
}

/// Holds TLS to the budget too. The request's deadline is not enough: the pool finishes a connection in the background when
/// another one became free first.
async fn connect(
    mut https: HttpsConnector<GuardedConnector>,
    uri: Uri,
    budget: Duration,
) -> Result<MaybeHttpsStream<GuardedStream>, BoxError> {
    let stream = timeout(budget, https.call(uri)).await.map_err(|_| DialError::Timeout(None))??;
    if matches!(stream, MaybeHttpsStream::Https(_)) {
        let mut extras = http::Extensions::new();
        stream.connected().get_extras(&mut extras);
        if let Some(dialled) = extras.get::<Dialled>() {
            dialled.note_tls();
        }
    }
    Ok(stream)
}
