//! A receiver that answers when it is told to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// The receiver. What arrives is held until [`Held::release`], then answered with 200.
pub(super) struct Held {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    ids: Mutex<Vec<String>>,
    arrived: watch::Sender<usize>,
    released: watch::Sender<bool>,
}

impl Held {
    /// Starts one on a free port.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            ids: Mutex::default(),
            arrived: watch::Sender::new(0),
            released: watch::Sender::new(false),
        });
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, Arc::clone(&shared), tasks.clone()));
        Self { address, shared }
    }

    /// A URL of it.
    pub(super) fn url(&self) -> String {
        format!("http://{}/held", self.address)
    }

    /// Waits until so many webhooks have arrived in all, and gives their ids.
    pub(super) async fn wait_for(&self, count: usize) -> Vec<String> {
        self.shared.arrived.subscribe().wait_for(|arrived| *arrived >= count).await.unwrap();
        self.shared.ids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers what is held, and from now on at once.
    pub(super) fn release(&self) {
        self.shared.released.send_replace(true);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tasks.spawn(async move {
            let answering = service_fn(|request| receive(&shared, request));
            let connection = hyper::server::conn::http1::Builder::new();
            // A server that is killed leaves in the middle.
            let _ = connection.serve_connection(TokioIo::new(stream), answering).await;
        });
    }
}

async fn receive(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    if body.collect().await.is_ok() {
        let id = parts.headers["webhook-id"].to_str().unwrap_or_default().to_owned();
        shared.ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        shared.arrived.send_modify(|arrived| *arrived += 1);
    }
    // The sender of the signal lives as long as this.
    let _ = shared.released.subscribe().wait_for(|released| *released).await;
    Ok(Response::new(Full::default()))
}
