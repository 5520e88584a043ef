//! A receiver that was away for long: what waits for it is worked off, each once, without the memory growing with it.
//!
//! `GATEPOST_FAULT_BACKLOG=1000000` makes it so many deliveries (docs/reliability.md has the figures).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatepost_testkit::{Api, Process};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::{number, program};

/// Records that are changed together, as many as one request may.
const RECORDS: usize = 1_000;
/// So long may pass without a webhook: a circuit breaker is open for at most five minutes.
const SILENCE: Duration = Duration::from_secs(330);
/// How much more memory than before may be in use, however much waits: what the senders hold and the database's caches.
const MOST_GROWTH_KIB: u64 = 128 * 1024;

const CONFIG: &str = "timeout = \"2s\"\nlease = \"10s\"
retry_schedule = [\"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\"]
[rate_limit]\nrequests_per_hour = 1000000000";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_is_worked_off_without_memory_growing_with_it() {
    let rounds = number("GATEPOST_FAULT_BACKLOG").unwrap_or(10_000).div_ceil(RECORDS);
    let receiver = Away::new();
    let mut server = Process::start(program(), CONFIG).await;
    server.workspace("shop").await;
    let client = server.client("tool", "shop", &[receiver.url()], "task.edit").await;
    let api = server.api(&client, "shop").await;
    let ids = create_tasks(&api).await;
    let mut memory = Memory::at_start(&server);

    let began = Instant::now();
    for round in 0..rounds {
        let change = json!({ "_ids": ids, "title": format!("round {round}") });
        let _ = api.call("PUT", "/v1.11/tasks/bulk", Some(&change)).await.expect(200);
        memory.look(&server);
    }
    let written = began.elapsed();
    let full = memory.peak;

    let events = rounds * RECORDS;
    let began = Instant::now();
    let mut arrived = receiver.comes_back();
    let mut first = None;
    loop {
        let count = *arrived.borrow_and_update();
        memory.look(&server);
        if count >= events {
            break;
        }
        let more = timeout(SILENCE, arrived.wait_for(|now| *now >= (count + 1_000).min(events))).await;
        assert!(more.is_ok(), "{count} of {events} arrived, and no more");
        first.get_or_insert_with(|| began.elapsed());
    }
    let (waited, took) = (first.unwrap_or_default(), began.elapsed());
    assert_eq!(receiver.distinct(), events, "each event arrived");
    let twice = *arrived.borrow() - events;
    let rate = events as f64 / took.saturating_sub(waited).as_secs_f64();
    println!(
        "backlog: deliveries={events} written_in={:.0}s first_after={:.1}s worked_off_in={:.0}s per_second={rate:.0} \
         twice={twice} memory_kib: start={} full={full} peak={} end={}",
        written.as_secs_f64(),
        waited.as_secs_f64(),
        took.as_secs_f64(),
        memory.start,
        memory.peak,
        memory.last,
    );
    assert_eq!(twice, 0, "no server crashed");
    nothing_waits(&server).await;
    assert!(server.terminate().await.success(), "{}", server.log());
    assert!(memory.peak < memory.start + MOST_GROWTH_KIB, "{memory:?}");
}

async fn create_tasks(api: &Api) -> Vec<String> {
    let mut ids = Vec::with_capacity(RECORDS);
    for _ in 0..RECORDS {
        let made =
            api.call("POST", "/v1.11/tasks", Some(&json!({ "title": "new" }))).await.expect(200).json();
        ids.push(made["_id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn nothing_waits(server: &Process) {
    let waited = timeout(Duration::from_secs(30), async {
        while server.cli().json(&["delivery", "list", "--state", "pending", "--limit", "1"]).await
            != Value::Array(Vec::new())
        {}
    });
    assert!(waited.await.is_ok(), "deliveries stay pending");
}

/// How much memory the server holds, in KiB.
#[derive(Debug)]
struct Memory {
    start: u64,
    peak: u64,
    last: u64,
}

impl Memory {
    fn at_start(server: &Process) -> Self {
        let start = server.memory_kib().unwrap_or_default();
        Self { start, peak: start, last: start }
    }

    fn look(&mut self, server: &Process) {
        self.last = server.memory_kib().unwrap_or_default();
        self.peak = self.peak.max(self.last);
    }
}

/// A receiver that refuses connections until it comes back, and then takes everything.
struct Away {
    socket: Mutex<Option<TcpSocket>>,
    address: SocketAddr,
    books: Arc<Books>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Books {
    ids: Mutex<std::collections::HashSet<Bytes>>,
    arrived: watch::Sender<usize>,
}

impl Away {
    /// It has a port, at which nobody listens.
    fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = socket.local_addr().unwrap();
        Self { socket: Mutex::new(Some(socket)), address, books: Arc::default(), tasks: TaskTracker::new() }
    }

    fn url(&self) -> String {
        format!("http://{}/away", self.address)
    }

    /// From now on it listens. Gives how many webhooks have arrived, as it changes.
    fn comes_back(&self) -> watch::Receiver<usize> {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap();
        let listener = socket.listen(1_024).unwrap();
        self.tasks.spawn(accept(listener, Arc::clone(&self.books), self.tasks.clone()));
        self.books.arrived.subscribe()
    }

    /// How many different events have arrived.
    fn distinct(&self) -> usize {
        self.books.ids.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

async fn accept(listener: TcpListener, books: Arc<Books>, tasks: TaskTracker) {
    while let Ok((stream, _)) = listener.accept().await {
        let books = Arc::clone(&books);
        tasks.spawn(async move {
            let answering = service_fn(|request| receive(&books, request));
            let connection = hyper::server::conn::http1::Builder::new();
            // The server closes connections that it no longer needs.
            let _ = connection.serve_connection(TokioIo::new(stream), answering).await;
        });
    }
}

async fn receive(books: &Books, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    if body.collect().await.is_ok() {
        let id = Bytes::copy_from_slice(parts.headers["webhook-id"].as_bytes());
        books.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        books.arrived.send_modify(|arrived| *arrived += 1);
    }
    Ok(Response::new(Full::default()))
}
