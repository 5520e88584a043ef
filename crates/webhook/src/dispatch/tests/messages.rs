//! What goes over the wire, and into the log.

use std::time::Duration;

use gatepost_model::webhook::PayloadShape;
use gatepost_store::tables::deliveries::Claimed;
use http::{HeaderMap, HeaderValue};

use super::support::{START, World, key, recipient};
use crate::dispatch::message::{headers_json, pairs_json, request};

async fn delivery() -> Claimed {
    let (world, _) = World::manual().await;
    world.insert(&[(String::from("a"), "whu_a")], false).await.remove(0)
}

#[tokio::test]
async fn headers_and_the_plain_body() {
    let request = request(&delivery().await, &recipient("whu_a"), 3, START.plus(Duration::from_millis(1500)));
    assert_eq!(request.url, "https://whu_a.example/hook");
    assert_eq!(request.body, r#"{"_id":"a"}"#);
    let signature = request.headers["webhook-signature"].to_str().unwrap().to_owned();
    assert!(key(1).verify("evt_a", START.seconds() + 1, &request.body, &signature));
    let headers: Vec<_> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let expected = [
        ("content-type", "application/json"),
        ("user-agent", concat!("Gatepost/", env!("CARGO_PKG_VERSION"))),
        ("webhook-id", "evt_a"),
        ("webhook-timestamp", "1773275895"),
        ("webhook-signature", signature.as_str()),
        ("gatepost-method", "task.edit"),
        ("gatepost-workspace", "acme"),
        ("gatepost-delivery", "dlv_a"),
        ("gatepost-attempt", "3"),
        ("gatepost-api-version", "v1.11"),
    ];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn the_envelope_names_the_method_and_the_moment_of_the_event() {
    let mut recipient = recipient("whu_a");
    recipient.payload = PayloadShape::Envelope;
    let request = request(&delivery().await, &recipient, 1, START.plus(Duration::from_secs(60)));
    let expected = r#"{"type":"task.edit","timestamp":"2026-03-12T00:38:14.000Z","data":{"_id":"a"}}"#;
    assert_eq!(request.body, expected);
    serde_json::from_slice::<serde_json::Value>(&request.body).unwrap();
    let signature = request.headers["webhook-signature"].to_str().unwrap();
    assert!(key(1).verify("evt_a", START.seconds() + 60, &request.body, signature));
}

#[tokio::test]
async fn each_key_that_has_not_ended_signs() {
    let mut recipient = recipient("whu_a");
    let minute = START.plus(Duration::from_secs(60));
    recipient.keys = vec![(key(2), None), (key(1), Some(minute)), (key(3), Some(START))];
    let delivery = delivery().await;
    let during = request(&delivery, &recipient, 1, START);
    let signature = during.headers["webhook-signature"].to_str().unwrap();
    assert_eq!(signature.split(' ').count(), 2);
    let verifies = |number| key(number).verify("evt_a", START.seconds(), &during.body, signature);
    assert!(verifies(1) && verifies(2) && !verifies(3));
    let after = request(&delivery, &recipient, 1, minute);
    assert_eq!(after.headers["webhook-signature"].to_str().unwrap().split(' ').count(), 1);
}

#[test]
fn logged_headers_are_one_json_object() {
    let mut headers = HeaderMap::new();
    headers.append("x-one", HeaderValue::from_static("a \"quoted\" value"));
    headers.append("x-two", HeaderValue::from_static("1"));
    headers.append("x-two", HeaderValue::from_static("2"));
    headers.append("x-bytes", HeaderValue::from_bytes(b"\xff").unwrap());
    let expected = r#"{"x-one":"a \"quoted\" value","x-two":"1, 2","x-bytes":"�"}"#;
    assert_eq!(headers_json(&headers), expected);
    let pairs = [("set-cookie", "a=1"), ("via", "x"), ("set-cookie", "b=2")];
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(pairs_json(&pairs), r#"{"set-cookie":"a=1, b=2","via":"x"}"#);
    assert_eq!(pairs_json(&[]), "{}");
}
