//! Receivers that fail in every way: what each is recorded as, of a delivery and of a test send.

mod behaviour;
mod moving;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use gatepost::Internet;
use gatepost_core::Actor;
use gatepost_core::webhook_urls::UrlAt;
use gatepost_model::DeliveryState;
use gatepost_model::webhook::{Attempt, Outcome};
use gatepost_testkit::authority::{Authority, self_signed};
use gatepost_testkit::{App, Names, Receiver, TestClient, make};
use serde_json::json;
use tokio::task::JoinSet;

use self::behaviour::{Behaviour, Then, full, refusing};

/// The one deadline of a try, here: long for what works, on a busy machine too; short for what never comes.
const CONFIG: &str =
    "[webhooks]\nallow_networks = [\"127.0.0.0/8\"]\ntimeout = \"5s\"\nretry_schedule = [\"1h\"]\n";
/// The most of a reply that is kept (security.md row 31).
const REPLY_CAP: usize = 16 * 1024;

const NO_CONNECTION: &str = "No connection could be made";
const NO_ANSWER: &str = "The receiver did not answer in time";
const BROKEN: &str = "The connection broke before an answer came, or the answer was not HTTP";
const NO_TLS: &str = "TLS could not be agreed on";
const UNKNOWN: &str = "The receiver's certificate is not signed by a known authority";
const EXPIRED: &str = "The receiver's certificate has expired";
const OTHER_NAME: &str = "The receiver's certificate is for another host name";
const NO_NAME: &str = "The host name could not be resolved";
const BLOCKED: &str = "The URL leads to an address where webhooks are never sent";
const REDIRECTS: &str = "redirects are not followed";

/// The end of an answer after which the connection takes no other request.
const LAST: &str = "connection: close\r\ncontent-length: 0\r\n\r\n";

/// A receiver, and what is recorded of a try.
struct Case {
    url: String,
    outcome: Outcome,
    status: Option<u16>,
    /// A part of the sentence for the URL's owner; nothing, if all is well.
    says: &'static str,
}

impl Case {
    /// No answer.
    fn fails(url: String, outcome: Outcome, says: &'static str) -> Self {
        Self { url, outcome, status: None, says }
    }

    /// An answer, and none that counts as taken.
    fn refuses(url: String, status: u16, says: &'static str) -> Self {
        Self { url, outcome: Outcome::Status, status: Some(status), says }
    }

    /// The status was there: the receiver has taken it, whatever becomes of the rest of the answer.
    fn takes(url: String) -> Self {
        Self { url, outcome: Outcome::Delivered, status: Some(200), says: "" }
    }
}

/// A receiver without TLS that reads the request and then says this.
async fn says(says: impl Into<String>, then: Then) -> String {
    let address = Behaviour { tls: None, reads: true, says: says.into(), then }.start().await;
    format!("http://{address}/hooks")
}

async fn without_answer() -> Vec<Case> {
    let silent = Behaviour { tls: None, reads: false, says: String::new(), then: Then::Hangs }.start().await;
    let plain = String::from("HTTP/1.1 400 Bad Request\r\n\r\n");
    let plain = Behaviour { tls: None, reads: false, says: plain, then: Then::Hangs }.start().await;
    vec![
        Case::fails(says("", Then::Resets).await, Outcome::Protocol, BROKEN),
        Case::fails(format!("https://{silent}/"), Outcome::Timeout, NO_ANSWER),
        Case::fails(says("", Then::Hangs).await, Outcome::Timeout, NO_ANSWER),
        Case::fails(says("HTTP/1.1 200 OK\r\nx-half: ", Then::Hangs).await, Outcome::Timeout, NO_ANSWER),
        Case::fails(says("HTTP/1.1 200 OK\r\nx: ", Then::Drips("x")).await, Outcome::Timeout, NO_ANSWER),
        Case::fails(
            says("HTTP/1.1 200 OK\r\n", Then::Floods("x-flood: yes\r\n")).await,
            Outcome::Protocol,
            BROKEN,
        ),
        Case::fails(says("", Then::Closes).await, Outcome::Protocol, BROKEN),
        Case::fails(says("HTTP/1.1 200 OK\r\nx-half: ", Then::Closes).await, Outcome::Protocol, BROKEN),
        Case::fails(says("SSH-2.0-OpenSSH_9.2\r\n", Then::Hangs).await, Outcome::Protocol, BROKEN),
        Case::fails(format!("https://{plain}/"), Outcome::Tls, NO_TLS),
    ]
}

async fn with_answer(elsewhere: &Receiver) -> Vec<Case> {
    let to = elsewhere.url("/elsewhere");
    let redirect = |status: &str| format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {to}\r\n{LAST}");
    vec![
        Case::refuses(says(redirect("301"), Then::Closes).await, 301, REDIRECTS),
        Case::refuses(says(redirect("307"), Then::Closes).await, 307, REDIRECTS),
        Case::refuses(says(redirect("308"), Then::Closes).await, 308, REDIRECTS),
        Case::refuses(says(format!("HTTP/1.1 500 No\r\n{LAST}"), Then::Hangs).await, 500, "500"),
        Case::takes(says(format!("HTTP/1.1 200 OK\r\n{LAST}"), Then::Hangs).await),
        Case::takes(says("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf", Then::Hangs).await),
        Case::takes(says("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf", Then::Closes).await),
        Case::takes(says("HTTP/1.1 200 OK\r\n\r\n", Then::Drips("x")).await),
        Case::takes(says("HTTP/1.1 200 OK\r\n\r\n", Then::Floods("endless ")).await),
        // What unpacks to something huge is not unpacked.
        Case::takes(
            says("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n\x1f", Then::Floods("\x08")).await,
        ),
    ]
}

/// TLS that cannot be trusted, and some that can.
async fn certificates(names: &Names, authority: &Authority) -> Vec<Case> {
    let mut cases = Vec::new();
    let answer = format!("HTTP/1.1 200 OK\r\n{LAST}");
    for (tls, says) in [
        (authority.vouches_for("tls.example.com"), ""),
        (authority.vouches_for("other.example.com"), OTHER_NAME),
        (authority.vouched_for("tls.example.com"), EXPIRED),
        (Authority::new("unknown").vouches_for("tls.example.com"), UNKNOWN),
        (self_signed("tls.example.com"), UNKNOWN),
    ] {
        let behaviour = Behaviour { tls: Some(tls), reads: true, says: answer.clone(), then: Then::Hangs };
        let url = format!("https://tls.example.com:{}/", behaviour.start().await.port());
        cases.push(if says.is_empty() { Case::takes(url) } else { Case::fails(url, Outcome::Tls, says) });
    }
    names.set("tls.example.com", &[IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    cases
}

fn bad_names(names: &Names) -> Vec<Case> {
    let inside = IpAddr::from([10, 0, 0, 1]);
    names.set("inside.example.com", &[inside]);
    names.set("mixed.example.com", &[IpAddr::from([1, 1, 1, 1]), inside]);
    names.set("empty.example.com", &[]);
    vec![
        Case::fails(String::from("https://missing.example.com/"), Outcome::Dns, NO_NAME),
        Case::fails(String::from("https://empty.example.com/"), Outcome::Dns, NO_NAME),
        Case::fails(String::from("https://inside.example.com/"), Outcome::Blocked, BLOCKED),
        Case::fails(String::from("https://mixed.example.com/"), Outcome::Blocked, BLOCKED),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_of_failing_is_recorded_as_what_it_is() {
    let (names, authority, elsewhere) = (Names::new(), Authority::new("known"), Receiver::start().await);
    let (refused, _kept) = refusing();
    let (hangs, _listener, _queue) = full().await;
    let mut cases = vec![
        Case::fails(format!("http://{refused}/"), Outcome::Connect, NO_CONNECTION),
        Case::fails(format!("http://{hangs}/"), Outcome::Timeout, NO_ANSWER),
    ];
    cases.extend(without_answer().await);
    cases.extend(with_answer(&elsewhere).await);
    cases.extend(certificates(&names, &authority).await);
    cases.extend(bad_names(&names));

    let internet = Internet { resolver: Some(names), extra_roots: vec![authority.root()] };
    let app = Arc::new(App::builder().with_closed_networks().config(CONFIG).internet(internet).start().await);
    app.workspace("shop").await;
    let mut clients = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let name = format!("tool {number}");
        let client = make::subscriber(&name, &["shop"], std::slice::from_ref(&case.url), &["task.create"]);
        clients.push(app.client(client).await);
    }
    let token = app.token(&clients[0]).await;
    let task = json!({ "title": "glaze" });
    let _ = app.call("POST", "/v1.11/tasks", &token, Some("shop"), Some(task)).await.expect(200);

    let mut checks = JoinSet::new();
    for (case, client) in cases.into_iter().zip(clients) {
        let app = Arc::clone(&app);
        checks.spawn(async move {
            tokio::join!(check_delivery(&app, &case, &client), check_test_send(&app, &case, &client));
        });
    }
    checks.join_all().await;
    assert!(elsewhere.received().is_empty(), "a redirect was followed");
}

async fn check_delivery(app: &App, case: &Case, client: &TestClient) {
    let Case { url, outcome, status, says } = case;
    let tried = app.deliveries_until(Some(client), |found| found.iter().all(|one| one.delivery.attempts > 0));
    let [shown] = &tried.await[..] else { panic!("{url}: one delivery") };
    let attempts = app.gatepost().show_delivery(&shown.delivery.id).await.unwrap().attempts;
    let [attempt] = &attempts[..] else { panic!("{url}: {attempts:?}") };
    assert_eq!((attempt.outcome, attempt.status), (*outcome, *status), "{url}: {attempt:?}");
    assert!(attempt.error.as_deref().unwrap_or_default().contains(says), "{url}: {attempt:?}");
    assert_eq!(attempt.error.is_none(), says.is_empty(), "{url}: {attempt:?}");
    assert!(attempt.reply.as_ref().is_none_or(|reply| reply.len() <= REPLY_CAP), "{url}");
    assert!(attempt.address.is_some() || !was_connected(attempt), "{url}: {attempt:?}");
    let state =
        if *outcome == Outcome::Delivered { DeliveryState::Delivered } else { DeliveryState::Pending };
    assert_eq!(shown.delivery.state, state, "{url}: it is tried again unless it was taken");
}

/// Whether the try got as far as to send its request: the log names the address then.
const fn was_connected(attempt: &Attempt) -> bool {
    matches!(attempt.outcome, Outcome::Delivered | Outcome::Status | Outcome::Protocol)
}

async fn check_test_send(app: &App, case: &Case, client: &TestClient) {
    let Case { url, outcome, status, says } = case;
    let shown = app.gatepost().show_client(&client.id).await.unwrap();
    let at = UrlAt { client: &client.id, url: &shown.webhook_urls[0].id, revision: None };
    let answer = app.gatepost().test_webhook_url(&Actor::Cli, at).await.unwrap();
    assert_eq!((answer.outcome, answer.status), (*outcome, *status), "{url}: {answer:?}");
    assert!(answer.error.as_deref().unwrap_or_default().contains(says), "{url}: {answer:?}");
    assert!(answer.reply.len() <= REPLY_CAP, "{url}");
}
