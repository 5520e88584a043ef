//! Receivers and consents that follow a script.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending};
use gatepost_model::webhook::Outcome;
use gatepost_model::{ClientNumber, Clock, Method, Timestamp, WorkspaceNumber};
use http::HeaderMap;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::support::{CLIENT, HOUR, WORKSPACE, method, recipient};
use crate::dispatch::{Consent, Recipients};
use crate::transport::{Exchange, Request, Transport};

/// What a receiver does with a request.
#[derive(Clone)]
pub(super) enum Answer {
    Status(u16),
    /// A status after so long.
    Slow(u16, Duration),
    /// A status, with the wish to be left alone for so long.
    Later(u16, Duration),
    Lost(Outcome),
    Hangs,
    Panics,
    /// What else happens before the status is answered, with a long reply.
    Meanwhile(Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>, u16),
}

/// A request as it was received.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) url: String,
    pub(super) at: Instant,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(super) fn webhook_id(&self) -> &str {
        self.header("webhook-id")
    }
}

/// Receivers by the ids of their URLs. The last answer of a script is repeated; who has none takes everything.
pub(super) struct Receivers {
    scripts: Mutex<HashMap<String, VecDeque<Answer>>>,
    calls: watch::Sender<Vec<Call>>,
    clock: Arc<dyn Clock>,
}

impl Receivers {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { scripts: Mutex::default(), calls: watch::Sender::new(Vec::new()), clock }
    }

    pub(super) fn script(&self, url_id: &str, answers: impl IntoIterator<Item = Answer>) {
        self.scripts.lock().unwrap().insert(recipient(url_id).url, answers.into_iter().collect());
    }

    /// The requests so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    /// The requests to one URL so far.
    pub(super) fn calls_to(&self, url_id: &str) -> Vec<Call> {
        let url = recipient(url_id).url;
        self.calls().into_iter().filter(|call| call.url == url).collect()
    }

    /// Waits until so many requests have come. Ten days of paused time are over soon.
    pub(super) async fn wait_for(&self, count: usize) {
        let mut calls = self.calls.subscribe();
        timeout(HOUR * 240, calls.wait_for(|calls| calls.len() >= count)).await.unwrap().unwrap();
    }

    fn next_answer(&self, url: &str) -> Answer {
        let mut scripts = self.scripts.lock().unwrap();
        match scripts.get_mut(url) {
            Some(script) if script.len() > 1 => script.pop_front().unwrap(),
            Some(script) => script.front().unwrap().clone(),
            None => Answer::Status(200),
        }
    }

    fn exchange(&self, started: Timestamp, outcome: Outcome, status: Option<u16>) -> Exchange {
        Exchange {
            outcome,
            status,
            retry_after: None,
            headers: vec![(String::from("x-receiver"), String::from("1"))],
            reply: String::from("noted"),
            reply_truncated: false,
            address: Some("203.0.113.9:443".parse().unwrap()),
            resent: false,
            phases: gatepost_model::Phases::default(),
            started,
            duration: self.clock.now().since(started),
            error: (outcome != Outcome::Delivered).then(|| format!("It ended as {}.", outcome.as_str())),
        }
    }

    fn answered(&self, started: Timestamp, status: u16) -> Exchange {
        let good = (200..300).contains(&status);
        let outcome = if good { Outcome::Delivered } else { Outcome::Status };
        self.exchange(started, outcome, Some(status))
    }
}

impl Transport for Receivers {
    fn send(&self, request: Request) -> BoxFuture<'_, Exchange> {
        let started = self.clock.now();
        let answer = self.next_answer(&request.url);
        let Request { url, headers, body } = request;
        self.calls.send_modify(|calls| calls.push(Call { url, at: Instant::now(), headers, body }));
        async move {
            match answer {
                Answer::Status(status) => self.answered(started, status),
                Answer::Slow(status, takes) => {
                    sleep(takes).await;
                    self.answered(started, status)
                }
                Answer::Later(status, after) => {
                    Exchange { retry_after: Some(after), ..self.answered(started, status) }
                }
                Answer::Lost(outcome) => self.exchange(started, outcome, None),
                Answer::Hangs => pending().await,
                Answer::Panics => panic!("a defect in the transport"),
                Answer::Meanwhile(happens, status) => {
                    happens().await;
                    Exchange { reply: "x".repeat(16 * 1024), ..self.answered(started, status) }
                }
            }
        }
        .boxed()
    }
}

/// Consents by the ids of URLs; for others it is given.
#[derive(Default)]
pub(super) struct Consents {
    scripted: Mutex<HashMap<String, Consent>>,
    panics: Mutex<usize>,
}

impl Consents {
    pub(super) fn set(&self, url_id: &str, consent: Consent) {
        self.scripted.lock().unwrap().insert(url_id.to_owned(), consent);
    }

    /// Has the next questions end in a panic.
    pub(super) fn panic_next(&self, times: usize) {
        *self.panics.lock().unwrap() = times;
    }
}

impl Recipients for Consents {
    fn consent<'a>(
        &'a self,
        client: ClientNumber,
        url_id: &'a str,
        workspace: WorkspaceNumber,
        asked: &'a Method,
    ) -> BoxFuture<'a, Consent> {
        assert_eq!((client, workspace, asked), (CLIENT, WORKSPACE, &method()));
        async move {
            let panics = {
                let mut left = self.panics.lock().unwrap();
                let panics = *left > 0;
                *left = left.saturating_sub(1);
                panics
            };
            assert!(!panics, "a defect in the directory");
            let scripted = self.scripted.lock().unwrap().get(url_id).cloned();
            scripted.unwrap_or_else(|| Consent::Given(Arc::new(recipient(url_id))))
        }
        .boxed()
    }
}
