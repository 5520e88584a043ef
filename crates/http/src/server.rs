//! The listener: connections with bounds on what a peer may take, every answer with its request id, a stop that drains.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use gatepost_model::network::Networks;
use gatepost_model::{Clock, Random};
use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::activity::Activity;
use crate::caller;
use crate::{Caller, Problem, RequestCounts, RequestId, remainder, request_id};

/// How the listener treats its peers.
#[derive(Clone)]
pub struct Options {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
    /// How long a peer may take to send a request's headers.
    pub header_timeout: Duration,
    /// The longest that a request may take as a whole, reading its body included.
    pub request_timeout: Duration,
    /// Where answers are counted.
    pub counts: Arc<RequestCounts>,
    /// Where the present comes from.
    pub clock: Arc<dyn Clock>,
    /// Where random bytes come from.
    pub random: Arc<dyn Random>,
}

/// Headers of one request may take so many bytes together.
const HEADER_BYTES: usize = 64 * 1024;
/// Connections of one listener beyond this wait to be accepted.
const MOST_CONNECTIONS: usize = 10_000;
/// How long requests that are under way may still take when the listener stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves `router` on a TCP listener until `stop` is called, then lets requests that are under way finish.
pub async fn serve_tcp(listener: TcpListener, router: Router, options: Options, stop: CancellationToken) {
    let connections = Connections::new(router, options);
    loop {
        let Some(permit) = connections.room(&stop).await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Without this, small answers wait for the peer's delayed acknowledgement.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "connection.nodelay");
                }
                connections.take(stream, Some(peer), permit);
            }
            Err(error) => accept_failed(&error, &stop).await,
        }
    }
    // Refused at once, a caller can go elsewhere; left in the queue, it would wait for nobody.
    drop(listener);
    connections.drain().await;
}

/// Serves `router` on a Unix socket, in the same way.
pub async fn serve_unix(listener: UnixListener, router: Router, options: Options, stop: CancellationToken) {
    let connections = Connections::new(router, options);
    loop {
        let Some(permit) = connections.room(&stop).await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => connections.take(stream, None, permit),
            Err(error) => accept_failed(&error, &stop).await,
        }
    }
    drop(listener);
    connections.drain().await;
}

/// Running out of file descriptors must not make a busy loop; it passes when connections close.
async fn accept_failed(error: &std::io::Error, stop: &CancellationToken) {
    tracing::warn!(%error, "listener.accept");
    let pause = tokio::time::sleep(Duration::from_millis(50));
    tokio::select! { () = pause => {}, () = stop.cancelled() => {} }
}

struct Connections {
    service: Service,
    builder: auto::Builder<TokioExecutor>,
    draining: CancellationToken,
    tasks: TaskTracker,
    room: Arc<tokio::sync::Semaphore>,
}

impl Connections {
    fn new(router: Router, options: Options) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(options.header_timeout)
            .max_buf_size(HEADER_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(256)
            .max_header_list_size(u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX));
        Self {
            service: Service { router, options },
            builder,
            draining: CancellationToken::new(),
            tasks: TaskTracker::new(),
            room: Arc::new(tokio::sync::Semaphore::new(MOST_CONNECTIONS)),
        }
    }

    async fn room(&self, stop: &CancellationToken) -> Option<tokio::sync::OwnedSemaphorePermit> {
        tokio::select! {
            permit = Arc::clone(&self.room).acquire_owned() => permit.ok(),
            () = stop.cancelled() => None,
        }
    }

    fn take<S>(&self, stream: S, peer: Option<SocketAddr>, permit: tokio::sync::OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (service, activity) = (self.service.clone(), Arc::new(Activity::default()));
        let Options { header_timeout, request_timeout, .. } = service.options;
        let counted = Arc::clone(&activity);
        let handle = hyper::service::service_fn(move |request: Request<Incoming>| {
            let (service, under_way) = (service.clone(), counted.begin());
            async move {
                let response = service.answer(request, peer).await;
                drop(under_way);
                Ok::<_, Infallible>(response)
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), handle).into_owned();
        let draining = self.draining.clone();
        self.tasks.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => Some(ended),
                () = draining.cancelled() => None,
                () = activity.quiet(header_timeout) => None,
            };
            let ended = match ended {
                Some(ended) => ended,
                None => {
                    // What is under way may end; a peer that does not take its answer may not hold the connection.
                    connection.as_mut().graceful_shutdown();
                    tokio::time::timeout(request_timeout, connection).await.unwrap_or(Ok(()))
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection.ended");
            }
            drop(permit);
        });
    }

    async fn drain(self) {
        self.tasks.close();
        let drained = tokio::time::timeout(DRAIN, async {
            self.draining.cancel();
            self.tasks.wait().await;
        });
        if drained.await.is_err() {
            tracing::warn!("some requests were still under way when the listener stopped");
        }
    }
}

#[derive(Clone)]
struct Service {
    router: Router,
    options: Options,
}

impl Service {
    /// One request, of which nothing is left on the connection when the answer leaves.
    async fn answer(&self, request: Request<Incoming>, peer: Option<SocketAddr>) -> Response {
        let (parts, body) = request.into_parts();
        let (body, rest) = remainder::lend(body, &parts.headers);
        let is_http1 = parts.version <= http::Version::HTTP_11;
        let mut response = self.answer_in_time(Request::from_parts(parts, Body::new(body)), peer).await;
        if response.status() != StatusCode::REQUEST_TIMEOUT && !rest.read_away().await && is_http1 {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Gets an id and the caller's address, is answered in time whatever happens, and says the id.
    async fn answer_in_time(&self, mut request: Request<Body>, peer: Option<SocketAddr>) -> Response {
        let now = self.options.clock.now();
        let id = RequestId::new(now, &*self.options.random);
        let caller = peer.map_or(Caller(IpAddr::from([127, 0, 0, 1])), |peer| {
            caller::resolve(peer, request.headers(), &self.options.trusted_proxies)
        });
        let value = id.header();
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(id);
        let answer = AssertUnwindSafe(self.router.clone().oneshot(request)).catch_unwind();
        let mut response = match tokio::time::timeout(self.options.request_timeout, answer).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_)) => {
                tracing::error!(request.id = value.to_str().unwrap_or_default(), "request.panicked");
                Problem::internal().into_response()
            }
            Err(_) => too_slow(),
        };
        self.options.counts.note(response.status());
        response.headers_mut().insert(request_id::HEADER, value);
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

fn too_slow() -> Response {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The request took too long.")
        .help("Send the whole request at once, or ask for less.")
        .header(header::CONNECTION, HeaderValue::from_static("close"))
        .into_response()
}
