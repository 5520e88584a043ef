//! Receivers, a resolver that follows a script, and ears for connections that must not come.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gatepost_model::network::Networks;
use gatepost_model::{ManualClock, Timestamp};
use gatepost_webhook::egress::resolver::{Resolve, ResolveError};
use gatepost_webhook::egress::{Egress, EgressConfig};
use gatepost_webhook::transport::{Exchange, Request, Transport};
use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Long enough for what works, also on a busy machine.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);

/// Short, for what never comes.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// Answers names in the order of its script; the last answer is repeated, an empty script resolves nothing.
#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let mut answers: Vec<Vec<IpAddr>> = answers.iter().map(parse).collect();
        answers.reverse();
        Arc::new(Self { answers: Mutex::new(answers), asked: Mutex::default() })
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn next(&self) -> Result<Vec<IpAddr>, ResolveError> {
        let mut answers = self.answers.lock().unwrap();
        let last = answers.last().cloned().ok_or_else(|| ResolveError("no such name".into()))?;
        if answers.len() > 1 {
            answers.pop();
        }
        Ok(last)
    }
}

impl Resolve for Script {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        self.asked.lock().unwrap().push(name.to_owned());
        Box::pin(async { self.next() })
    }
}

pub(crate) fn networks(texts: &[&str]) -> Networks {
    Networks::parse(texts).unwrap()
}

/// What the clock shows in these tests.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(784_111_747);

pub(crate) fn config(opened: &[&str], resolver: Arc<dyn Resolve>) -> EgressConfig {
    let mut config = EgressConfig::new(resolver, Arc::new(ManualClock::new(NOW)));
    config.opened = networks(opened);
    config.timeout = PATIENT;
    config.connect_timeout = PATIENT;
    config
}

pub(crate) fn egress(opened: &[&str], resolver: Arc<dyn Resolve>) -> Egress {
    Egress::new(config(opened, resolver)).unwrap()
}

/// For URLs whose host is an address.
pub(crate) fn plain_egress(opened: &[&str]) -> Egress {
    egress(opened, Script::new(&[]))
}

pub(crate) fn request(url: &str) -> Request {
    Request { url: url.to_owned(), headers: HeaderMap::new(), body: Bytes::from_static(b"{\"_id\":\"x\"}") }
}

pub(crate) async fn post(egress: &Egress, url: &str) -> Exchange {
    egress.send(request(url)).await
}

/// A server on a local port.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    /// Ends with the receiver, and the connections with it.
    _tasks: JoinSet<()>,
}

impl Receiver {
    /// Hands each connection, with its number from 0, to `serve`.
    pub(crate) async fn start<F, Served>(address: &str, serve: F) -> Self
    where
        F: Fn(TcpStream, usize) -> Served + Send + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, counter.fetch_add(1, Ordering::SeqCst)));
            }
        });
        Self { address, accepted, _tasks: tasks }
    }

    /// Answers every request of every connection alike.
    pub(crate) async fn answering(response: &str) -> Self {
        let response = response.to_owned();
        Self::start("127.0.0.1:0", move |stream, _| answer_all(stream, response.clone(), drop)).await
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// A plain http URL by address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Reads requests and answers each with `response`, until the client goes; `seen` gets each request as text.
pub(crate) async fn answer_all<S>(mut stream: S, response: String, seen: impl Fn(String))
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(request) = read_request(&mut stream).await {
        seen(request);
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One request as text, or none when the client is gone.
pub(crate) async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ").map(|value| value.parse().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A listener that must hear nothing.
pub(crate) struct Canary(std::net::TcpListener);

impl Canary {
    pub(crate) fn bind(address: &str) -> Self {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Whoever connected before this call is in the listener's queue, accepted or not.
    #[track_caller]
    pub(crate) fn assert_untouched(&self) {
        let heard = self.0.accept();
        let nobody = matches!(&heard, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(nobody, "somebody connected: {heard:?}");
    }
}
