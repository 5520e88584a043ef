//! The list of deliveries: find what did not arrive.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use gatepost_core::client_list::{Cursor, Group, Order, Summary, Wanted};
use gatepost_core::deliveries::Shown;
use gatepost_core::{Gatepost, client_list};
use gatepost_model::webhook::Delivery;
use gatepost_model::{DeliveryState, Timestamp, User};
use url::form_urlencoded;

use super::{Answer, framed};
use crate::BASE;
use crate::failure::{Failure, sentence};
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::parts::{Chip, Tone, chip, plain_chip};
use crate::session::Visit;
use crate::words;

const PER_PAGE: usize = 25;

/// So many clients are offered to filter by; others have a tab on their own page.
const CLIENTS_OFFERED: usize = 200;

#[derive(Template)]
#[template(path = "deliveries.html")]
struct DeliveriesPage<'a> {
    frame: &'a Frame,
    lines: Vec<Line>,
    clients: Vec<Summary>,
    client: &'a str,
    state: Option<DeliveryState>,
    next: Option<String>,
}

/// A delivery as the table shows it.
struct Line {
    delivery: Delivery,
    chip: Chip,
    reason: Option<String>,
    url: String,
    client: String,
}

impl DeliveriesPage<'_> {
    /// The states, and none for all of them.
    fn states(&self) -> [Option<DeliveryState>; 6] {
        let [pending, delivered, failed, cancelled, skipped] = DeliveryState::ALL.map(Some);
        [None, pending, delivered, failed, skipped, cancelled]
    }

    fn label(&self, state: &Option<DeliveryState>) -> String {
        state.map_or_else(|| String::from("All"), |state| words::capital(state.as_str()))
    }

    fn with_state(&self, state: &Option<DeliveryState>) -> String {
        address(self.client, *state, None)
    }

    fn is_state(&self, state: &Option<DeliveryState>) -> bool {
        self.state == *state
    }

    fn state_name(&self) -> &'static str {
        self.state.map_or("", DeliveryState::as_str)
    }
}

/// `GET /deliveries`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = Form::query(query.as_deref());
    let client = query.text("client");
    let state = DeliveryState::from_name(query.text("state"));
    let before = query.given("before").map(str::to_owned);
    let named = (!client.is_empty()).then_some(client);
    let seen = gatepost.deliveries_seen_by(visit.user(), named, state, (before, PER_PAGE)).await?;
    let clients = offered(&gatepost, visit.user()).await?;
    let mut lines = Vec::with_capacity(seen.rows.len());
    for shown in seen.rows {
        lines.push(line(&gatepost, shown, visit.now).await);
    }
    let frame = Frame::new(&visit, Section::Deliveries);
    let next = seen.next.map(|before| address(client, state, Some(&before)));
    framed(&gatepost, &frame, &DeliveriesPage { frame: &frame, lines, clients, client, state, next })
}

async fn line(gatepost: &Gatepost, shown: Shown, now: Timestamp) -> Line {
    let client = match &shown.client_id {
        Some(id) => gatepost.get_client(id).await.map(|client| client.name.clone()).unwrap_or_default(),
        None => String::new(),
    };
    Line {
        chip: chip_of(shown.delivery.state),
        reason: reason_of(&shown.delivery, now),
        url: shown.url.unwrap_or_else(|| String::from("A URL that was removed")),
        client,
        delivery: shown.delivery,
    }
}

/// The clients that are offered to filter by.
pub(super) async fn offered(gatepost: &Arc<Gatepost>, user: &User) -> Result<Vec<Summary>, Failure> {
    let wanted = Wanted {
        search: String::new(),
        workspace: None,
        version: None,
        group: Group::All,
        order: Order::Name,
        reversed: false,
        cursor: Cursor::Start,
        limit: CLIENTS_OFFERED,
    };
    let listed: client_list::Listed = gatepost.list_managed_clients(user, wanted).await?;
    Ok(listed.rows.into_iter().map(|row| row.client).collect())
}

fn address(client: &str, state: Option<DeliveryState>, before: Option<&str>) -> String {
    let state = state.map_or("", DeliveryState::as_str);
    let pairs = [("client", client), ("state", state), ("before", before.unwrap_or_default())];
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { format!("{BASE}/deliveries") } else { format!("{BASE}/deliveries?{query}") }
}

/// Where a delivery stands.
pub(super) const fn chip_of(state: DeliveryState) -> Chip {
    match state {
        DeliveryState::Pending => chip(Tone::Warn, "Pending"),
        DeliveryState::Delivered => plain_chip(Tone::Ok, "Delivered"),
        DeliveryState::Failed => chip(Tone::Bad, "Failed"),
        DeliveryState::Skipped => chip(Tone::Off, "Skipped"),
        DeliveryState::Cancelled => chip(Tone::Off, "Cancelled"),
    }
}

/// Why it stands there, if that needs a word.
pub(super) fn reason_of(delivery: &Delivery, now: Timestamp) -> Option<String> {
    match delivery.state {
        DeliveryState::Pending if delivery.reason.is_some() => {
            delivery.reason.as_deref().map(|reason| sentence(reason).trim_end_matches('.').to_owned())
        }
        DeliveryState::Pending if delivery.attempts == 0 => Some(String::from("First attempt is due")),
        DeliveryState::Pending if delivery.due_at <= now => {
            Some(format!("Attempt {} is due", delivery.attempts + 1))
        }
        DeliveryState::Pending => {
            let wait = words::span(delivery.due_at.since(now));
            Some(format!("Attempt {} in {wait}", delivery.attempts + 1))
        }
        DeliveryState::Delivered if delivery.attempts > 1 => {
            Some(format!("At attempt {}", delivery.attempts))
        }
        _ => delivery.reason.as_deref().map(|reason| sentence(reason).trim_end_matches('.').to_owned()),
    }
}
