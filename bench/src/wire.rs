//! As little HTTP/1.1 as load and receiver need: rendered requests, messages with a `content-length`, no pipelining.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    message: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect(address).await?)
    }

    pub(crate) fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, message: Vec::with_capacity(16 * 1024) })
    }

    pub(crate) async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message).await
    }

    /// The next message; none if the peer closed the connection instead of sending one.
    pub(crate) async fn receive(&mut self) -> io::Result<Option<Message<'_>>> {
        self.message.clear();
        loop {
            if self.stream.read_buf(&mut self.message).await? == 0 {
                let cut = !self.message.is_empty();
                return if cut { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(None) };
            }
            if let Some(extent) = Extent::of(&self.message)? {
                let whole = extent.head + extent.body;
                if self.message.len() > whole {
                    return Err(io::Error::new(ErrorKind::InvalidData, "two messages at once"));
                }
                if self.message.len() == whole {
                    let (head, body) = self.message.split_at(extent.head);
                    return Ok(Some(Message { head, body }));
                }
            }
        }
    }
}

/// A whole message.
pub(crate) struct Message<'a> {
    head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Message<'_> {
    /// The status, if this is an answer (`HTTP/1.1 200 …`).
    pub(crate) fn status(&self) -> Option<u16> {
        std::str::from_utf8(self.head.get(9..12)?).ok()?.parse().ok()
    }
}

/// The parts of a message, in bytes.
#[derive(Debug, PartialEq, Eq)]
struct Extent {
    head: usize,
    body: usize,
}

impl Extent {
    /// None as long as the head is not complete. Without a `content-length` there is no body.
    fn of(message: &[u8]) -> io::Result<Option<Self>> {
        const LENGTH: &[u8] = b"\r\ncontent-length:";
        let Some(end) = message.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
        let head = &message[..end + 2];
        let named = head.windows(LENGTH.len()).position(|bytes| bytes.eq_ignore_ascii_case(LENGTH));
        let body = match named {
            None => 0,
            Some(at) => {
                let value = head[at + LENGTH.len()..].split(|byte| *byte == b'\r').next().unwrap_or_default();
                let value = std::str::from_utf8(value).ok().and_then(|value| value.trim().parse().ok());
                value.ok_or_else(|| {
                    io::Error::new(ErrorKind::InvalidData, "a content-length that is no number")
                })?
            }
        };
        Ok(Some(Self { head: end + 4, body }))
    }
}

/// Renders a request.
pub(crate) fn request(verb: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{verb} {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// Sends one request on a connection of its own, and checks the status of its answer.
pub(crate) async fn ask(address: SocketAddr, request: &[u8], status: u16) -> Result<String> {
    let mut connection = Connection::open(address).await.context("the server cannot be reached")?;
    connection.send(request).await?;
    let answer = connection.receive().await?.context("the server closed the connection")?;
    let body = String::from_utf8_lossy(answer.body).into_owned();
    ensure!(answer.status() == Some(status), "expected {status}, got {:?}: {body}", answer.status());
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_measured_by_their_head() {
        let message = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y\r\n\r\nhello";
        let head = message.len() - 5;
        assert_eq!(Extent::of(message).unwrap(), Some(Extent { head, body: 12 }));
        assert_eq!(Extent::of(&message[..head - 1]).unwrap(), None);
        let bare = request("GET", "/a", &[("business", "b")], "");
        assert_eq!(Extent::of(&bare).unwrap(), Some(Extent { head: bare.len(), body: 0 }));
        assert!(Extent::of(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n").is_err());
        let answer = Message { head: message, body: b"" };
        assert_eq!(answer.status(), Some(200));
    }
}
