//! Callers that are slow, silent, or do not speak HTTP at all (security.md P10): none of them can hold a connection, and
//! none gets in the way of others.

use std::net::SocketAddr;
use std::time::Duration;

use gatepost_testkit::{Http, Process};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use super::PROGRAM;
use super::nonsense::{Dice, garbage};

const CONFIG: &str = "[server]\nheader_timeout = \"1s\"\nrequest_timeout = \"2s\"";
/// Several times what any bound of the configuration comes to.
const LONGEST: Duration = Duration::from_secs(12);
/// How long a sane caller may wait meanwhile.
const PROMPT: Duration = Duration::from_secs(2);
const OF_EACH: usize = 40;
const GARBAGE: usize = 1_000;

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SILENCES: [&str; 8] = [
    "",
    "P",
    "PRI * HTTP/2.0\r\n",
    PREFACE,
    "GET /v1.11/tas",
    "GET /v1.11/tasks HTTP/1.1\r\nhost: x\r\nbusiness: sh",
    "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST /v1.11/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{",
];

#[tokio::test]
async fn silence_cannot_hold_a_connection() {
    let mut server = Process::start(PROGRAM, CONFIG).await;
    let mut callers = JoinSet::new();
    for beginning in SILENCES.iter().cycle().take(OF_EACH * SILENCES.len()) {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        callers.spawn(async move {
            // Closed or reset: it is the caller's no more.
            let closed = timeout(LONGEST, tokio::io::copy(&mut stream, &mut tokio::io::sink())).await;
            closed.is_err().then_some(beginning)
        });
    }
    is_prompt(&server.http).await;
    let held: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    assert!(held.is_empty(), "connections are held by {held:?}");
    is_prompt(&server.http).await;
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn headers_in_drops_are_cut_off() {
    let server = Process::start(PROGRAM, CONFIG).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(b"GET /v1.11/tasks HTTP/1.1\r\nx-drops: ").await.unwrap();
    let dripping = async {
        // One byte at a time, never silent for long: until the server has had enough.
        let mut drops = interval(Duration::from_millis(50));
        while stream.write_all(b"x").await.is_ok() {
            drops.tick().await;
        }
    };
    assert!(timeout(LONGEST, dripping).await.is_ok(), "headers may come in drops for good");
}

#[tokio::test]
async fn a_body_in_drops_is_answered_408_in_time() {
    let server = Process::start(PROGRAM, CONFIG).await;
    let form = "POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                content-length: 1000\r\n\r\ngrant_type=";
    let began = Instant::now();
    let answer = server.http.send_raw(form.as_bytes()).await.unwrap();
    assert!(began.elapsed() < LONGEST);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 408 ") && head.contains("\r\nx-request-id: req_"), "{answer}");
    assert_eq!(serde_json::from_str::<Value>(body).unwrap()["code"], 408);
}

#[tokio::test]
async fn what_is_no_http_is_hung_up_on() {
    let mut server = Process::start(PROGRAM, CONFIG).await;
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        callers.spawn(throw(server.address(), Dice::new(caller), GARBAGE / 8));
    }
    callers.join_all().await;
    is_prompt(&server.http).await;
    assert!(server.terminate().await.success());
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

async fn throw(address: SocketAddr, mut dice: Dice, times: usize) {
    for _ in 0..times {
        let bytes = garbage::bytes(&mut dice);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut answer = Vec::new();
        let exchange = async {
            // The server may hang up while this is written, or reset while it is read.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            let _ = stream.read_to_end(&mut answer).await;
        };
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
        assert!(timeout(LONGEST, exchange).await.is_ok(), "held by {start}");
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.contains("HTTP/1.1 5"), "{answer}\nto {start}");
    }
}

/// Whoever asks properly is answered at once, whatever the others do.
async fn is_prompt(http: &Http) {
    let began = Instant::now();
    assert_eq!(Http::new(http.base()).get("/readyz", &[]).await.status, 200);
    assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
}
