//! A receiver that keeps the books: which event arrived when, and from which life of the server.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// One arrival of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// `webhook-id`.
    pub(super) event: String,
    /// `gatepost-delivery`.
    pub(super) delivery: String,
    /// The record's `_id`.
    pub(super) record: String,
    /// Which life of the server sent it, from 0.
    pub(super) life: u32,
}

/// The receiver. It answers 200 to everything.
pub(super) struct Ledger {
    address: SocketAddr,
    books: Arc<Books>,
    _tasks: TaskTracker,
}

struct Books {
    /// By the record's title, which every write of the test makes another.
    arrivals: Mutex<HashMap<String, Vec<Arrival>>>,
    life: AtomicU32,
    count: watch::Sender<usize>,
    open: watch::Sender<usize>,
}

impl Ledger {
    /// Opens the books on a free port.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let books = Arc::new(Books {
            arrivals: Mutex::default(),
            life: AtomicU32::new(0),
            count: watch::Sender::new(0),
            open: watch::Sender::new(0),
        });
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, Arc::clone(&books), tasks.clone()));
        Self { address, books, _tasks: tasks }
    }

    /// A URL of it.
    pub(super) fn url(&self) -> String {
        format!("http://{}/webhooks", self.address)
    }

    /// How many webhooks arrived, as it changes.
    pub(super) fn count(&self) -> watch::Receiver<usize> {
        self.books.count.subscribe()
    }

    /// The server was killed: everything that it sent is written down before the next life begins.
    pub(super) async fn next_life(&self) {
        // Connections are accepted in order: when this one is heard, so is every one of the server's.
        let mut last = TcpStream::connect(self.address).await.unwrap();
        last.write_all(b"POST /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        tokio::io::copy(&mut last, &mut tokio::io::sink()).await.unwrap();
        drop(last);
        self.books.open.subscribe().wait_for(|open| *open == 0).await.unwrap();
        self.books.life.fetch_add(1, Ordering::Relaxed);
    }

    /// All arrivals by the title of the record that they carried.
    pub(super) fn arrivals(&self) -> HashMap<String, Vec<Arrival>> {
        self.books.arrivals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn accept(listener: TcpListener, books: Arc<Books>, tasks: TaskTracker) {
    while let Ok((stream, _)) = listener.accept().await {
        books.open.send_modify(|open| *open += 1);
        let books = Arc::clone(&books);
        tasks.spawn(async move {
            let answering = service_fn(|request| receive(&books, request));
            // That the server is killed in the middle of a request is what the test is about.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answering)
                .await;
            books.open.send_modify(|open| *open -= 1);
        });
    }
}

async fn receive(books: &Books, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    if let Ok(body) = body.collect().await
        && parts.headers.contains_key("webhook-id")
    {
        books.enter(&parts.headers, &body.to_bytes());
    }
    Ok(Response::new(Full::default()))
}

impl Books {
    fn enter(&self, headers: &HeaderMap, body: &[u8]) {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap().to_owned();
        let record: Value = serde_json::from_slice(body).unwrap();
        let text = |name: &str| record[name].as_str().unwrap().to_owned();
        let arrival = Arrival {
            event: header("webhook-id"),
            delivery: header("gatepost-delivery"),
            record: text("_id"),
            life: self.life.load(Ordering::Relaxed),
        };
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.entry(text("title")).or_default().push(arrival);
        drop(arrivals);
        self.count.send_modify(|count| *count += 1);
    }
}
