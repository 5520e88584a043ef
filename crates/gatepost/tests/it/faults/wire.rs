//! HTTP by hand: sends bytes as they are and reads what comes back, on a connection that is kept while the server keeps it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No exchange takes longer.
const DEADLINE: Duration = Duration::from_secs(20);

/// A connection to the server, made when it is needed.
pub(super) struct Wire {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

/// What the server answered.
#[derive(Debug)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Wire {
    /// Speaks to the server at `address`.
    pub(super) const fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Sends a request and reads the answer; none if the server hung up instead. `bodiless` if the answer to it can have
    /// no body, whatever its headers say: HEAD.
    pub(super) async fn exchange(&mut self, request: &[u8], bodiless: bool) -> Option<Reply> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address).await.expect("the server accepts connections"),
        };
        let reply = timeout(DEADLINE, async {
            // A server that has read enough hangs up in the middle; its answer counts all the same.
            let _ = stream.write_all(request).await;
            read(&mut stream, bodiless).await
        });
        let reply = reply.await.expect("the server answers or hangs up in time")?;
        if !reply.header("connection").eq_ignore_ascii_case("close") {
            self.stream = Some(stream);
        }
        Some(reply)
    }

    /// Hangs up.
    pub(super) fn hang_up(&mut self) {
        self.stream = None;
    }
}

async fn read(stream: &mut TcpStream, bodiless: bool) -> Option<Reply> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        more(stream, &mut read).await?;
    };
    let mut body = read.split_off(end + 4);
    let mut reply = head(&String::from_utf8_lossy(&read))?;
    if reply.status == 100 {
        // Only an announcement that the body may come: the answer follows.
        return Box::pin(read_on(stream, body, bodiless)).await;
    }
    let length = if bodiless { 0 } else { reply.header("content-length").parse().unwrap_or(0) };
    while body.len() < length {
        more(stream, &mut body).await?;
    }
    reply.body = body;
    Some(reply)
}

async fn read_on(stream: &mut TcpStream, rest: Vec<u8>, bodiless: bool) -> Option<Reply> {
    assert!(rest.is_empty(), "an answer in one piece with its announcement is not expected here");
    read(stream, bodiless).await
}

async fn more(stream: &mut TcpStream, into: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(into).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

fn head(text: &str) -> Option<Reply> {
    let mut lines = text.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Some(Reply { status, headers, body: Vec::new() })
}

impl Reply {
    /// A header, empty if it is not there.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON, if it is that.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}
