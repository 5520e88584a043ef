//! From a delivery that is due to one that is recorded.
//!
//! claim (a lease with a fence) → consent → send → record. No transaction is open while bytes move, and what a crash
//! leaves behind is found again when its lease ends. The parts, each for itself:
//!
//! - [`message`]: the request that carries an event, signed.
//! - [`settle`]: what an answer means for the delivery: a pure function.
//! - [`lanes`]: whose turn it is: one lane per webhook URL, so that a slow one delays no other.
//! - [`recorder`]: results, many in one transaction.
//! - [`Dispatcher::run`]: the loop that ties them together.

pub mod lanes;
pub mod message;
pub mod recorder;
pub mod settle;

mod run;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_util::future::BoxFuture;
use gatepost_keys::WebhookKey;
use gatepost_model::retry::RetrySchedule;
use gatepost_model::webhook::{Attempt, PayloadShape};
use gatepost_model::{
    ApiVersion, ClientNumber, Clock, DeliveryState, Method, Random, Timestamp, WorkspaceNumber,
};
use gatepost_store::tables::deliveries::{self, Claimed, Progress};
use gatepost_store::{Store, StoreError};

use crate::transport::Transport;

/// Who gets a delivery: what is in force at the moment of sending.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The webhook URL as its owner gave it.
    pub url: String,
    /// The keys that sign, each with its end if it has one.
    pub keys: Vec<(WebhookKey, Option<Timestamp>)>,
    /// The workspace's subdomain.
    pub workspace: String,
    /// The version in which the record is sent.
    pub api_version: ApiVersion,
    /// What the body looks like.
    pub payload: PayloadShape,
    /// The client's revision, for the log.
    pub client_revision: i64,
}

/// Whether a delivery may be sent, and to whom.
#[derive(Clone, Debug)]
pub enum Consent {
    /// It may.
    Given(Arc<Recipient>),
    /// It may not, and ends as skipped for this reason.
    Gone(&'static str),
    /// It cannot be told now; the delivery is looked at again when its lease ends.
    Unknown,
}

/// Asks for consent at the moment of sending (contract.md H, design.md "Webhooks").
pub trait Recipients: Send + Sync + 'static {
    /// Whether an event of `method` in `workspace` may be sent to this URL of this client now.
    fn consent<'a>(
        &'a self,
        client: ClientNumber,
        url_id: &'a str,
        workspace: WorkspaceNumber,
        method: &'a Method,
    ) -> BoxFuture<'a, Consent>;
}

/// How the dispatcher paces itself.
#[derive(Clone, Debug)]
pub struct Options {
    /// When a failed delivery is tried again.
    pub schedule: RetrySchedule,
    /// Deliveries on the wire at a time, all URLs together.
    pub concurrency: usize,
    /// Deliveries on the wire at a time, for one URL.
    pub concurrency_per_url: usize,
    /// How long a claim holds. Longer than the transport's deadline.
    pub lease: Duration,
    /// How long before the end of its lease a delivery is no longer begun: the transport's deadline.
    pub send_timeout: Duration,
    /// How often the table is looked at when nothing else calls for it.
    pub poll: Duration,
    /// How long deliveries on the wire may still take when the dispatcher stops.
    pub drain: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            schedule: RetrySchedule::default(),
            concurrency: 512,
            concurrency_per_url: 32,
            lease: LEASE,
            send_timeout: Duration::from_secs(15),
            poll: Duration::from_secs(1),
            drain: Duration::from_secs(10),
        }
    }
}

/// How long a claim holds unless the operator says otherwise. Writers lease fresh deliveries for as long.
pub const LEASE: Duration = Duration::from_secs(30);

/// Sends deliveries.
#[derive(Clone)]
pub struct Dispatcher {
    store: Store,
    transport: Arc<dyn Transport>,
    recipients: Arc<dyn Recipients>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    options: Arc<Options>,
}

/// What the dispatcher works with.
pub struct Parts {
    /// Where the deliveries are.
    pub store: Store,
    /// The way out.
    pub transport: Arc<dyn Transport>,
    /// Who asks for consent.
    pub recipients: Arc<dyn Recipients>,
    /// Where the present comes from.
    pub clock: Arc<dyn Clock>,
    /// Where random bytes come from, for jitter.
    pub random: Arc<dyn Random>,
    /// The pace.
    pub options: Options,
}

impl Dispatcher {
    /// A dispatcher of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            store: parts.store,
            transport: parts.transport,
            recipients: parts.recipients,
            clock: parts.clock,
            random: parts.random,
            options: Arc::new(parts.options),
        }
    }

    /// Sends and records everything that is due now, one after the other, and says how many deliveries there were.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn tick(&self) -> Result<usize, StoreError> {
        let claimed = self.claim(u32::MAX).await?;
        let count = claimed.len();
        let mut results = Vec::with_capacity(count);
        for delivery in claimed {
            results.extend(self.attempt(&delivery).await);
        }
        recorder::record(&self.store, results, &AtomicUsize::new(count)).await?;
        Ok(count)
    }

    /// Claims up to `limit` deliveries that are due now.
    async fn claim(&self, limit: u32) -> Result<Vec<Claimed>, StoreError> {
        let now = self.clock.now();
        let until = now.plus(self.options.lease);
        self.store.write(move |tx| deliveries::claim(tx, now, until, limit)).await
    }

    /// One try: consent, the request, the answer, and what it means. None if consent cannot be told now.
    async fn attempt(&self, delivery: &Claimed) -> Option<recorder::Result> {
        let consent =
            self.recipients.consent(delivery.client, &delivery.url_id, delivery.workspace, &delivery.method);
        let recipient = match consent.await {
            Consent::Given(recipient) => recipient,
            Consent::Gone(reason) => return Some(self.skipped(delivery, reason)),
            Consent::Unknown => return None,
        };
        let number = delivery.attempts.saturating_add(1);
        let request = message::request(delivery, &recipient, number, self.clock.now());
        let request_headers = message::headers_json(&request.headers);
        let exchange = self.transport.send(request).await;
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
        let progress = Progress {
            id: delivery.id.clone(),
            workspace: delivery.workspace,
            fence: delivery.fence,
            state: verdict.state,
            reason: verdict.reason.clone(),
            attempts: number,
            due_at: verdict.due_at,
            ended_at: verdict.ended_at,
            attempt: Some(attempt),
        };
        let disable = verdict.disables_url.then(|| (delivery.client, delivery.url_id.clone(), settle::GONE));
        Some(recorder::Result { progress, disable })
    }

    fn skipped(&self, delivery: &Claimed, reason: &str) -> recorder::Result {
        let now = self.clock.now();
        let progress = Progress {
            state: DeliveryState::Skipped,
            reason: Some(reason.to_owned()),
            ended_at: Some(now),
            ..unchanged(delivery, now)
        };
        recorder::Result { progress, disable: None }
    }
}

/// A delivery given back untried, due again at `due_at`.
fn unchanged(delivery: &Claimed, due_at: Timestamp) -> Progress {
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
