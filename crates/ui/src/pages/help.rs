//! The help area: what API clients are, and how to receive webhooks.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use gatepost_core::Gatepost;
use gatepost_model::ApiVersion;
use gatepost_model::retry::RetrySchedule;

use super::{Answer, framed, lifetime_words};
use crate::frame::{Frame, Section};
use crate::session::Visit;

/// Languages and how a signature is checked in them. What stands here is run by a test where it can be.
const SNIPPETS: [(&str, &str); 6] = [
    ("Python", include_str!("../../assets/verify/verify.py")),
    ("JavaScript", include_str!("../../assets/verify/verify.mjs")),
    ("Rust", include_str!("../../assets/verify/verify.rs.txt")),
    ("Go", include_str!("../../assets/verify/verify.go")),
    ("PHP", include_str!("../../assets/verify/verify.php.txt")),
    ("JavaScript, with a public key", include_str!("../../assets/verify/verify-ed25519.mjs")),
];

#[derive(Template)]
#[template(path = "help/clients.html")]
struct ClientsPage<'a> {
    frame: &'a Frame,
    public_url: &'a str,
    version: &'a str,
}

#[derive(Template)]
#[template(path = "help/webhooks.html")]
struct WebhooksPage<'a> {
    frame: &'a Frame,
    snippets: [(&'static str, &'static str); 6],
    pauses: Vec<Pause>,
}

/// A retry: how long after the attempt before it, and how long after the first one.
struct Pause {
    attempt: usize,
    pause: String,
    in_all: String,
}

/// `GET /help/api-client-management` (contract.md A4).
pub(super) async fn clients(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::ClientHelp);
    let public_url = &gatepost.settings().public_url;
    let version = ApiVersion::NEWEST.as_str();
    framed(&gatepost, &frame, &ClientsPage { frame: &frame, public_url, version })
}

/// `GET /help/webhook-integration` (contract.md A37).
pub(super) async fn webhooks(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::WebhookHelp);
    let pauses = pauses(&gatepost.settings().retry_schedule);
    framed(&gatepost, &frame, &WebhooksPage { frame: &frame, snippets: SNIPPETS, pauses })
}

fn pauses(schedule: &RetrySchedule) -> Vec<Pause> {
    let mut in_all = Duration::ZERO;
    let mut rows = Vec::new();
    for (index, pause) in schedule.pauses().iter().enumerate() {
        in_all += *pause;
        rows.push(Pause { attempt: index + 2, pause: lifetime_words(*pause), in_all: rough(in_all) });
    }
    rows
}

impl WebhooksPage<'_> {
    /// "tried again up to 10 times".
    fn tries(&self) -> String {
        match self.pauses.as_slice() {
            [] => String::from("not tried again"),
            [_] => String::from("tried again once"),
            pauses => format!("tried again up to {} times", pauses.len()),
        }
    }
}

/// A time in the two greatest units that it has, since nobody reads 5,115 minutes.
fn rough(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) if minutes == 0 => format!("{} s", time.as_secs()),
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h {minutes} min"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}
