//! The list of deliveries: find what did not arrive.

mod asked;

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect};
use gatepost_core::client_list::Summary;
use gatepost_core::deliveries::Shown;
use gatepost_core::delivery_log::{Count, Counts, FailingUrl, LatestAttempt, MOST_COUNTED, MOST_FAILING};
use gatepost_core::{Error, Gatepost};
use gatepost_model::webhook::{Delivery, Outcome};
use gatepost_model::{DeliveryState, Timestamp, User, ids};

use super::{Answer, changed, framed};
use crate::BASE;
use crate::failure::{Failure, sentence};
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::parts::{Chip, Tone, chip, plain_chip};
use crate::session::Visit;
use crate::words;

use self::asked::Asked;
pub(super) use self::asked::moment;

const PER_PAGE: usize = 25;

/// So many clients are offered to filter by; others have a tab on their own page.
pub(super) const CLIENTS_OFFERED: usize = 200;

/// The URLs of so many clients are offered unless one client is chosen.
const CLIENTS_WITH_URLS: usize = 50;

#[derive(Template)]
#[template(path = "deliveries.html")]
struct DeliveriesPage<'a> {
    frame: &'a Frame,
    asked: &'a Asked,
    lines: Vec<Line>,
    counts: Counts,
    clients: Vec<Summary>,
    methods: Vec<String>,
    urls: Vec<(String, String)>,
    strip: Option<Strip>,
    kept: String,
    next: Option<String>,
}

/// A delivery as the table shows it.
struct Line {
    delivery: Delivery,
    chip: Chip,
    reason: Option<String>,
    answer: Option<(String, String)>,
    url: String,
    client: String,
}

/// The receiver that takes nothing and has most to get.
struct Strip {
    failing: FailingUrl,
    host: String,
    answers: String,
    /// How many more such receivers there are.
    others: usize,
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

    fn many(&self, state: &Option<DeliveryState>) -> String {
        bounded(state.map_or(self.counts.all, |state| self.counts.of(state)))
    }
}

/// A count as people read it: "1,000+" for all that are more.
fn bounded(count: Count) -> String {
    let more = if count.found > MOST_COUNTED || count.may_be_more { "+" } else { "" };
    format!("{}{more}", words::number(count.found.min(MOST_COUNTED)))
}

pub(crate) fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

/// `GET /deliveries`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer {
    let asked = Asked::read(&Form::query(query.as_deref()));
    if asked.search.starts_with(ids::DELIVERY) {
        return Ok(Redirect::to(&format!("{BASE}/deliveries/{}", asked.search)).into_response());
    }
    let clients = offered(&gatepost, visit.user()).await?;
    let (mut lines, mut next, mut counts) = (Vec::new(), None, Counts::default());
    if let Some(wanted) = asked.wanted(visit.now) {
        let place = (asked.before.clone(), PER_PAGE);
        let seen = gatepost.deliveries_seen_by(visit.user(), &wanted, place).await?;
        counts = gatepost.count_deliveries_seen_by(visit.user(), &wanted).await?;
        let latest = gatepost.latest_attempts(&seen.rows).await?;
        for (shown, latest) in seen.rows.into_iter().zip(latest) {
            lines.push(line(&gatepost, shown, latest, visit.now).await);
        }
        next = seen.next.map(|before| Asked { before: Some(before), ..asked.clone() }.address());
    }
    let frame = Frame::new(&visit, Section::Deliveries);
    let page = DeliveriesPage {
        frame: &frame,
        asked: &asked,
        lines,
        counts,
        urls: urls(&gatepost, visit.user(), &asked.client, &clients).await?,
        clients,
        methods: gatepost.catalog().methods().map(|method| method.as_str().to_owned()).collect(),
        strip: strip(gatepost.failing_urls_seen_by(visit.user()).await?),
        kept: words::span(gatepost.settings().retention.deliveries),
        next,
    };
    framed(&gatepost, &frame, &page)
}

/// The webhook URLs of the chosen client, or of the first of those that are offered: id and how it reads.
async fn urls(
    gatepost: &Gatepost,
    user: &User,
    chosen: &str,
    offered: &[Summary],
) -> Result<Vec<(String, String)>, Failure> {
    let mut clients = Vec::new();
    if chosen.is_empty() {
        for client in offered.iter().take(CLIENTS_WITH_URLS) {
            clients.push(gatepost.get_client(&client.id).await?);
        }
    } else {
        clients.push(Arc::new(gatepost.managed_client(user, chosen).await?));
    }
    let urls = clients.iter().flat_map(|client| &client.webhook_urls);
    Ok(urls.map(|url| (url.id.clone(), without_scheme(&url.url).to_owned())).collect())
}

/// `POST /deliveries/chosen`: sends the chosen deliveries again, or calls them off. What cannot be is left as it is.
pub(super) async fn act(State(gatepost): State<Arc<Gatepost>>, visit: Visit, form: Form) -> Answer {
    let chosen = form.all("delivery");
    let cancels = form.text("act") == "cancel";
    for id in chosen.iter().take(PER_PAGE) {
        let done = match cancels {
            true => gatepost.cancel_delivery(&visit.actor(), id).await,
            false => gatepost.replay_delivery(&visit.actor(), id).await,
        };
        match done {
            Ok(_) | Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let flash = if cancels { Flash::ChosenCancelled } else { Flash::ChosenReplayed };
    changed(&gatepost, flash, &format!("{BASE}/deliveries"))
}

fn strip(failing: Vec<FailingUrl>) -> Option<Strip> {
    let others = failing.len().saturating_sub(1);
    let failing = failing.into_iter().next()?;
    let host = without_scheme(&failing.url).split(['/', '?']).next().unwrap_or_default().to_owned();
    let latest = &failing.failing.latest;
    let answers = match latest.status {
        Some(status) => format!("has answered {status}"),
        None => String::from("has not answered"),
    };
    Some(Strip { host, answers, others, failing })
}

impl Strip {
    /// Whether further ones were not looked at.
    fn is_cut(&self) -> bool {
        self.others + 1 >= MOST_FAILING
    }

    /// The list of what is pending for it.
    fn pending(&self) -> String {
        let client = self.failing.client.id.clone();
        let url = self.failing.failing.url_id.clone();
        Asked { client, url, state: Some(DeliveryState::Pending), ..Asked::default() }.address()
    }

    /// The form that replays what it did not get.
    fn replay(&self) -> String {
        let target = format!("{}/{}", self.failing.client.id, self.failing.failing.url_id);
        let since: String = self.failing.failing.since.iso().chars().take(16).collect();
        format!("{BASE}/replays/new?target={target}&since={since}")
    }

    fn url_page(&self) -> String {
        format!("{BASE}/clients/{}/urls/{}", self.failing.client.id, self.failing.failing.url_id)
    }
}

async fn line(gatepost: &Gatepost, shown: Shown, latest: Option<LatestAttempt>, now: Timestamp) -> Line {
    let client = match &shown.client_id {
        Some(id) => gatepost.get_client(id).await.map(|client| client.name.clone()).unwrap_or_default(),
        None => String::new(),
    };
    let url = shown.url.unwrap_or_else(|| String::from("A URL that was removed"));
    Line {
        chip: chip_of(shown.delivery.state),
        reason: reason_of(&shown.delivery, now),
        answer: latest.map(answer),
        url,
        client,
        delivery: shown.delivery,
    }
}

/// What the receiver answered, in a word, and how long that took.
fn answer(latest: LatestAttempt) -> (String, String) {
    let word = match (latest.status, latest.outcome) {
        (Some(status), _) => status.to_string(),
        (None, Outcome::Timeout) => String::from("Timeout"),
        (None, Outcome::Dns) => String::from("DNS"),
        (None, Outcome::Tls) => String::from("TLS"),
        (None, Outcome::Blocked) => String::from("Blocked"),
        (None, _) => String::from("No connection"),
    };
    let micros = u64::try_from(latest.duration_us).unwrap_or(0);
    (word, words::took(Duration::from_micros(micros)))
}

/// The clients that are offered to filter by.
pub(super) async fn offered(gatepost: &Arc<Gatepost>, user: &User) -> Result<Vec<Summary>, Failure> {
    let mut clients = gatepost.managed_clients_by_name(user).await?;
    clients.truncate(CLIENTS_OFFERED);
    Ok(clients)
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
