//! One try of a delivery: consent, the request, the answer, and what it means.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use gatepost_model::webhook::{Attempt, Outcome};
use gatepost_model::{CrashPoint, DeliveryState, Phases, Timestamp};
use gatepost_store::tables::deliveries::{Claimed, Progress};
use tokio::time::{Instant, timeout};

use super::news::{Found, News};
use super::{Consent, Dispatcher, message, recorder, settle};
use crate::transport::{Exchange, Request};

/// A transport keeps its own deadline, and knows best what it waited for; one that does not is cut off this much later.
const TRANSPORTS_GRACE: Duration = Duration::from_secs(1);

/// What is held back is asked about again after so long: whoever lets it go makes it due, but cannot see what is being
/// looked at in that very moment.
const HELD_FOR: Duration = Duration::from_secs(15 * 60);

impl Dispatcher {
    /// One try. None if consent cannot be told now.
    pub(super) async fn attempt(&self, delivery: &Claimed) -> Option<recorder::Result> {
        let consent =
            self.recipients.consent(delivery.client, &delivery.url_id, delivery.workspace, &delivery.method);
        let recipient = match consent.await {
            Consent::Given(recipient) => recipient,
            Consent::Gone(reason) => return Some(self.skipped(delivery, reason)),
            Consent::Held(reason) => return Some(self.held(delivery, reason)),
            Consent::Unknown => return None,
        };
        let number = delivery.attempts.saturating_add(1);
        let request = message::request(delivery, &recipient, number, self.clock.now());
        let request_headers = message::headers_json(&request.headers);
        let exchange = self.send(request).await;
        self.crash_points.reached(CrashPoint::Sent);
        self.counts.tried(number, delivery.event_at, &exchange);
        let ended = self.clock.now();
        let jitter = unit_interval(self.random.next_u64());
        let verdict = settle::settle(number, &exchange, &self.options.schedule, ended, jitter);
        let attempt = Attempt {
            delivery_id: delivery.id.clone(),
            number,
            started_at: exchange.started,
            duration_us: i64::try_from(exchange.duration.as_micros()).unwrap_or(i64::MAX),
            outcome: exchange.outcome,
            status: exchange.status,
            error: exchange.error,
            address: exchange.address.map(|address| address.to_string()),
            request_headers,
            response_headers: exchange.status.map(|_| message::pairs_json(&exchange.headers)),
            reply: exchange.status.map(|_| exchange.reply),
            client_revision: recipient.client_revision,
        };
        self.recipients.tried(delivery, &attempt);
        let progress = Progress {
            state: verdict.state,
            reason: verdict.reason,
            attempts: number,
            ended_at: verdict.ended_at,
            attempt: Some(attempt),
            ..unchanged(delivery, verdict.due_at)
        };
        let found = match (exchange.outcome, verdict.disables_url) {
            (Outcome::Delivered, _) => Found::Takes,
            (_, false) => Found::Fails(ended, self.options.disable_after),
            (_, true) => Found::Gone,
        };
        let news = News { client: delivery.client, url_id: delivery.url_id.clone(), found };
        Some(recorder::Result { progress, news: Some(news) })
    }

    /// Sends, whatever the transport does: one that hangs or panics has failed this try and nothing else.
    async fn send(&self, request: Request) -> Exchange {
        let _on_the_wire = self.counts.begun();
        let started = self.clock.now();
        let begun = Instant::now();
        // In a block of its own, so that a panic of `send` itself is caught as well.
        let sending = AssertUnwindSafe(async { self.transport.send(request).await }).catch_unwind();
        let (outcome, error) = match timeout(self.options.send_timeout + TRANSPORTS_GRACE, sending).await {
            Ok(Ok(exchange)) => return exchange,
            Ok(Err(_)) => (Outcome::Protocol, "Sending broke off because of an error within Gatepost."),
            Err(_) => (Outcome::Timeout, "The receiver did not answer in time."),
        };
        Exchange {
            outcome,
            status: None,
            retry_after: None,
            headers: Vec::new(),
            reply: String::new(),
            reply_truncated: false,
            address: None,
            resent: false,
            phases: Phases::default(),
            started,
            duration: begun.elapsed(),
            error: Some(error.to_owned()),
        }
    }

    fn held(&self, delivery: &Claimed, reason: &str) -> recorder::Result {
        let again = unchanged(delivery, self.clock.now().plus(HELD_FOR));
        recorder::Result { progress: Progress { reason: Some(reason.to_owned()), ..again }, news: None }
    }

    fn skipped(&self, delivery: &Claimed, reason: &str) -> recorder::Result {
        self.counts.skipped();
        let now = self.clock.now();
        let progress = Progress {
            state: DeliveryState::Skipped,
            reason: Some(reason.to_owned()),
            ended_at: Some(now),
            ..unchanged(delivery, now)
        };
        recorder::Result { progress, news: None }
    }
}

/// A delivery given back untried, due again at `due_at`.
pub(super) fn unchanged(delivery: &Claimed, due_at: Timestamp) -> Progress {
    Progress {
        id: delivery.id.clone(),
        workspace: delivery.workspace,
        fence: delivery.fence,
        state: DeliveryState::Pending,
        reason: None,
        attempts: delivery.attempts,
        due_at,
        ended_at: None,
        attempt: None,
    }
}

/// A number from 0 to 1 of a random one.
fn unit_interval(random: u64) -> f64 {
    // 53 bits are what a double holds exactly.
    (random >> 11) as f64 / (1u64 << 53) as f64
}
