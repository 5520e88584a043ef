//! One delivery: its attempts, what was sent and answered, and sending it again.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::Gatepost;
use gatepost_core::deliveries::Detailed;
use gatepost_model::webhook::{Attempt, Outcome};
use gatepost_model::{ApiClient, DeliveryState};
use serde_json::Value;

use super::deliveries::{chip_of, reason_of};
use super::standing::who;
use super::{Answer, changed, framed};
use crate::BASE;
use crate::flash::Flash;
use crate::frame::{Frame, Section};
use crate::parts::{Chip, Tone};
use crate::session::Visit;
use crate::words::took;

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryPage<'a> {
    frame: &'a Frame,
    detailed: &'a Detailed,
    client: &'a ApiClient,
    chip: Chip,
    reason: Option<String>,
    url: &'a str,
    workspace: &'a str,
    caused_by: String,
    body: Option<String>,
}

impl DeliveryPage<'_> {
    fn is_pending(&self) -> bool {
        self.detailed.shown.delivery.state == DeliveryState::Pending
    }

    fn tone(&self, attempt: &Attempt) -> &'static str {
        let tone = if attempt.outcome == Outcome::Delivered { Tone::Ok } else { Tone::Bad };
        tone.name()
    }

    fn is_ok(&self, attempt: &Attempt) -> bool {
        attempt.outcome == Outcome::Delivered
    }

    fn said(&self, attempt: &Attempt) -> String {
        let time = took(Duration::from_micros(u64::try_from(attempt.duration_us).unwrap_or(0)));
        match (attempt.status, attempt.outcome) {
            (Some(status), _) => format!("{status} in {time}"),
            (None, Outcome::Timeout) => format!("No answer within {time}"),
            (None, Outcome::Dns) => String::from("The name was not found"),
            (None, Outcome::Connect) => format!("No connection after {time}"),
            (None, Outcome::Tls) => format!("TLS failed after {time}"),
            (None, Outcome::Blocked) => String::from("The address is not allowed"),
            (None, _) => format!("The connection broke after {time}"),
        }
    }

    fn headers(&self, json: &str) -> Vec<(String, String)> {
        let Ok(Value::Object(headers)) = serde_json::from_str(json) else {
            return Vec::new();
        };
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        headers.into_iter().map(|(name, value)| (name, text(value))).collect()
    }
}

/// `GET /deliveries/{id}`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let (detailed, client) = gatepost.delivery_seen_by(visit.user(), &id).await?;
    let names = gatepost.user_names().await?;
    let delivery = &detailed.shown.delivery;
    let workspace = visit.user().administered().find(|known| known.number == delivery.workspace);
    let event = detailed.event.as_ref();
    let record = event.and_then(|event| serde_json::from_str::<Value>(&event.record).ok());
    let frame = Frame::new(&visit, Section::Deliveries);
    let caused_by = event.map_or(String::new(), |event| event.caused_by.clone());
    let caused_by = if caused_by == client.id { client.name.clone() } else { who(&caused_by, &names) };
    framed(
        &gatepost,
        &frame,
        &DeliveryPage {
            frame: &frame,
            client: &client,
            chip: chip_of(delivery.state),
            reason: reason_of(delivery, visit.now),
            url: detailed.shown.url.as_deref().unwrap_or("a URL that was removed"),
            workspace: workspace.map_or("", |workspace| workspace.subdomain.as_str()),
            caused_by,
            body: record.and_then(|record| serde_json::to_string_pretty(&record).ok()),
            detailed: &detailed,
        },
    )
}

/// `POST /deliveries/{id}/replay`: leads to the new delivery.
pub(super) async fn replay(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let made = gatepost.replay_delivery(&visit.actor(), &id).await?;
    changed(&gatepost, Flash::Replayed, &format!("{BASE}/deliveries/{}", made.delivery.id))
}

/// `POST /deliveries/{id}/send`: tries a pending one at once.
pub(super) async fn send_now(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    gatepost.send_delivery_now(&visit.actor(), &id).await?;
    changed(&gatepost, Flash::SentNow, &format!("{BASE}/deliveries/{id}"))
}

/// `POST /deliveries/{id}/cancel`
pub(super) async fn cancel(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    gatepost.cancel_delivery(&visit.actor(), &id).await?;
    changed(&gatepost, Flash::Cancelled, &format!("{BASE}/deliveries/{id}"))
}
