//! A receiver whose name begins to mean another address while webhooks are sent to it.

use std::net::IpAddr;

use gatepost::Internet;
use gatepost_model::webhook::Outcome;
use gatepost_testkit::{App, Names, make};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

const NAME: &str = "moving.example.com";

/// It answers at every local address, and closes each connection, so that the name is looked up for the next webhook.
async fn receiver() -> u16 {
    let listener = TcpListener::bind(("0.0.0.0", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    TaskTracker::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            super::behaviour::read_request(&mut stream).await;
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            // Whoever sends may be gone.
            let _ = stream.write_all(answer).await;
        }
    });
    port
}

#[tokio::test]
async fn a_name_that_moves_is_followed_and_judged_anew() {
    let (names, port) = (Names::new(), receiver().await);
    let internet = Internet { resolver: Some(names.clone()), ..Internet::default() };
    let app = App::builder().internet(internet).retries(r#"["1h"]"#).start().await;
    app.workspace("shop").await;
    let url = format!("http://{NAME}:{port}/");
    let client = app.client(make::subscriber("tool", &["shop"], &[url], &["task.create"])).await;
    let token = app.token(&client).await;

    let address = |last: u8| IpAddr::from([127, 0, 0, last]);
    let steps: [(&[IpAddr], Outcome, Option<u8>); 5] = [
        (&[address(1)], Outcome::Delivered, Some(1)),
        (&[address(2)], Outcome::Delivered, Some(2)),
        // Rebinding: the name passed once, and now leads inside.
        (&[IpAddr::from([169, 254, 169, 254])], Outcome::Blocked, None),
        (&[], Outcome::Dns, None),
        (&[address(3)], Outcome::Delivered, Some(3)),
    ];
    for (number, (addresses, outcome, reached)) in steps.into_iter().enumerate() {
        names.set(NAME, addresses);
        let task = json!({ "title": format!("task {number}") });
        let _ = app.call("POST", "/v1.11/tasks", &token, Some("shop"), Some(task)).await.expect(200);
        let tried = app.deliveries_until(None, |found| {
            found.len() == number + 1 && found.iter().all(|one| one.delivery.attempts > 0)
        });
        let newest = tried.await[0].delivery.id.clone();
        let attempts = app.gatepost().show_delivery(&newest).await.unwrap().attempts;
        let there = reached.map(|last| format!("127.0.0.{last}:{port}"));
        assert_eq!((attempts[0].outcome, &attempts[0].address), (outcome, &there), "step {number}");
    }
}
