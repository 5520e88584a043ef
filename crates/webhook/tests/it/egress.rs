//! Deadlines, connections, replies.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, pending};
use gatepost_model::webhook::Outcome;
use gatepost_webhook::egress::Egress;
use gatepost_webhook::egress::resolver::{Resolve, ResolveError};
use gatepost_webhook::transport::Exchange;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{
    NOW, OK, Receiver, SHORT, Script, answer_all, config, egress, plain_egress, post, read_request,
};

fn hurried(resolver: Arc<dyn Resolve>) -> Egress {
    let mut config = config(&["127.0.0.1"], resolver);
    config.timeout = SHORT;
    Egress::new(config).unwrap()
}

#[track_caller]
fn assert_timed_out(exchange: &Exchange) {
    assert_eq!(exchange.outcome, Outcome::Timeout);
    assert_eq!(exchange.error.as_deref(), Some("The receiver did not answer in time."));
    assert!(exchange.duration >= SHORT && exchange.duration < SHORT * 20, "{:?}", exchange.duration);
}

#[tokio::test]
async fn a_delivery_is_described() {
    let seen = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&seen);
    let receiver = Receiver::start("127.0.0.1:0", move |stream, _| {
        let sink = Arc::clone(&sink);
        let response = "HTTP/1.1 202 Accepted\r\nX-Id: 7\r\nContent-Length: 6\r\n\r\nthanks";
        answer_all(stream, response.to_owned(), move |request| *sink.lock().unwrap() = request)
    })
    .await;
    let exchange = post(&plain_egress(&["127.0.0.1"]), &format!("{}?a='1'&b=%20", receiver.url())).await;
    let expected = Exchange {
        outcome: Outcome::Delivered,
        status: Some(202),
        retry_after: None,
        headers: vec![("x-id".into(), "7".into()), ("content-length".into(), "6".into())],
        reply: "thanks".into(),
        reply_truncated: false,
        address: Some(receiver.address),
        resent: false,
        phases: exchange.phases,
        started: NOW,
        duration: exchange.duration,
        error: None,
    };
    assert_eq!(exchange, expected);
    let parts: Vec<_> = exchange.phases.named().map(|(name, _)| name).collect();
    assert_eq!(parts, ["dns", "connect", "firstByte"]);
    let seen = seen.lock().unwrap();
    assert!(seen.starts_with("POST /hook?a='1'&b=%20 HTTP/1.1\r\n"), "{seen}");
    assert!(
        seen.ends_with("\r\n\r\n{\"_id\":\"x\"}") && seen.contains("accept-encoding: identity\r\n"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_refusal_says_when_to_come_back() {
    let response =
        |value: &str| format!("HTTP/1.1 503 Busy\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n");
    for (value, seconds) in [("120", 120), ("Sun, 06 Nov 1994 08:49:37 GMT", 30)] {
        let receiver = Receiver::answering(&response(value)).await;
        let exchange = post(&plain_egress(&["127.0.0.1"]), &receiver.url()).await;
        assert_eq!((exchange.outcome, exchange.status), (Outcome::Status, Some(503)));
        assert_eq!(exchange.retry_after, Some(Duration::from_secs(seconds)));
        assert!(exchange.error.unwrap().starts_with("The receiver answered 503;"));
    }
}

#[tokio::test]
async fn the_deadline_covers_resolving() {
    struct Silent;
    impl Resolve for Silent {
        fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<std::net::IpAddr>, ResolveError>> {
            Box::pin(pending())
        }
    }
    let exchange = post(&hurried(Arc::new(Silent)), "https://hooks.example.com/").await;
    assert_timed_out(&exchange);
    assert_eq!(exchange.address, None);
}

#[tokio::test]
async fn the_deadline_covers_connecting() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts; once the queue is full, connecting hangs.
    let mut queue = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
        queue.push(connected.unwrap());
    }
    let exchange = post(&hurried(Script::new(&[])), &format!("http://{address}/")).await;
    assert_timed_out(&exchange);

    // The budget for connecting is shorter than the deadline, and knows whom it waited for.
    let mut config = config(&["127.0.0.1"], Script::new(&[]));
    config.connect_timeout = SHORT;
    let exchange = post(&Egress::new(config).unwrap(), &format!("http://{address}/")).await;
    assert_timed_out(&exchange);
    assert_eq!(exchange.address, Some(address));
}

#[tokio::test]
async fn the_deadline_covers_tls() {
    let receiver = Receiver::start("127.0.0.1:0", |stream, _| async move {
        let _open = stream;
        pending::<()>().await;
    })
    .await;
    let https = receiver.url().replace("http", "https");
    assert_timed_out(&post(&hurried(Script::new(&[])), &https).await);

    let mut config = config(&["127.0.0.1"], Script::new(&[]));
    config.connect_timeout = SHORT;
    assert_timed_out(&post(&Egress::new(config).unwrap(), &https).await);
}

#[tokio::test]
async fn the_deadline_covers_waiting_for_the_answer() {
    let receiver = Receiver::start("127.0.0.1:0", |mut stream, _| async move {
        read_request(&mut stream).await;
        pending::<()>().await;
    })
    .await;
    let exchange = post(&hurried(Script::new(&[])), &receiver.url()).await;
    assert_timed_out(&exchange);
    assert_eq!(exchange.address, Some(receiver.address));
}

#[tokio::test]
async fn the_deadline_covers_a_head_that_drips() {
    let receiver = Receiver::start("127.0.0.1:0", |mut stream, _| async move {
        read_request(&mut stream).await;
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").await;
        while stream.write_all(b"x").await.is_ok() {
            pace.tick().await;
        }
    })
    .await;
    assert_timed_out(&post(&hurried(Script::new(&[])), &receiver.url()).await);
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let receiver = Receiver::start("127.0.0.1:0", |mut stream, _| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").await;
        while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
    })
    .await;
    let exchange = post(&plain_egress(&["127.0.0.1"]), &receiver.url()).await;
    assert_eq!(exchange.outcome, Outcome::Protocol);
}

#[tokio::test]
async fn connections_are_kept_for_the_next_request() {
    let receiver = Receiver::answering(OK).await;
    let egress = plain_egress(&["127.0.0.1"]);
    for _ in 0..5 {
        assert_eq!(post(&egress, &receiver.url()).await.outcome, Outcome::Delivered);
    }
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn a_connection_with_unread_reply_is_dropped() {
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n{}", "x".repeat(20_000));
    let receiver = Receiver::answering(&response).await;
    let egress = plain_egress(&["127.0.0.1"]);
    for _ in 0..2 {
        assert!(post(&egress, &receiver.url()).await.reply_truncated);
    }
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn a_request_on_a_dead_kept_connection_is_sent_again_at_once() {
    let requests = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&requests);
    // The first connection takes two requests but answers one.
    let receiver = Receiver::start("127.0.0.1:0", move |mut stream, _| {
        let counter = Arc::clone(&counter);
        async move {
            for answered in [true, false] {
                read_request(&mut stream).await;
                *counter.lock().unwrap() += 1;
                if answered {
                    stream.write_all(OK.as_bytes()).await.unwrap();
                }
            }
        }
    })
    .await;
    let egress = plain_egress(&["127.0.0.1"]);
    assert!(!post(&egress, &receiver.url()).await.resent);
    let second = post(&egress, &receiver.url()).await;
    assert_eq!((second.outcome, second.resent), (Outcome::Delivered, true));
    assert_eq!((receiver.accepted(), *requests.lock().unwrap()), (2, 3));
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_a_failed_attempt() {
    let receiver = Receiver::start("127.0.0.1:0", |mut stream, _| async move {
        read_request(&mut stream).await;
    })
    .await;
    let exchange = post(&plain_egress(&["127.0.0.1"]), &receiver.url()).await;
    assert_eq!((exchange.outcome, exchange.resent), (Outcome::Protocol, false));
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_failure() {
    let receiver = Receiver::answering("220 mail.example ESMTP\r\n").await;
    let exchange = post(&plain_egress(&["127.0.0.1"]), &receiver.url()).await;
    assert_eq!((exchange.outcome, exchange.status), (Outcome::Protocol, None));
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_takes_no_connection() {
    let receiver = Receiver::answering(OK).await;
    let egress = egress(&["127.0.0.0/8"], Script::new(&[&["127.0.0.9", "127.0.0.1"]]));
    let exchange = post(&egress, &format!("http://hooks.example.com:{}/", receiver.address.port())).await;
    assert_eq!((exchange.outcome, exchange.address), (Outcome::Delivered, Some(receiver.address)));
}

#[tokio::test]
async fn ipv6_addresses_are_targets_too() {
    let receiver = Receiver::start("[::1]:0", |stream, _| answer_all(stream, OK.to_owned(), drop)).await;
    let exchange = post(&plain_egress(&["::1"]), &receiver.url()).await;
    assert_eq!((exchange.outcome, exchange.address), (Outcome::Delivered, Some(receiver.address)));
}

#[tokio::test]
async fn localhost_means_this_machine_when_it_is_opened() {
    let receiver = Receiver::answering(OK).await;
    let script = Script::new(&[&["10.0.0.1"]]);
    let exchange = post(
        &egress(&["127.0.0.0/8"], script.clone()),
        &format!("http://localhost:{}/", receiver.address.port()),
    )
    .await;
    assert_eq!(exchange.outcome, Outcome::Delivered);
    assert_eq!(script.asked(), [""; 0], "nobody is asked what localhost is");
}
