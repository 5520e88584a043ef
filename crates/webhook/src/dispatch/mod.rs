//! From a delivery that is due to one that is recorded.
//!
//! claim (a lease with a fence) → consent → send → record. No transaction is open while bytes move, and what a crash
//! leaves behind is found again when its lease ends. The parts, each for itself:
//!
//! - [`message`]: the request that carries an event, signed.
//! - [`settle`]: what an answer means for the delivery: a pure function.
//! - [`lanes`]: whose turn it is: one lane per webhook URL, so that a slow one delays no other.
//! - [`breaker`]: whether a receiver that does not answer is worth a try.
//! - [`hold`]: how many deliveries are in memory, which bounds what writers hand over.
//! - [`recorder`]: results, many in one transaction.
//! - [`news`]: what results say about their webhook URL.
//! - [`counts`], [`spread`]: how tries ended and how long they took, for whoever watches.
//! - [`Dispatcher::run`]: the loop that ties them together.

pub mod breaker;
pub mod counts;
pub mod hold;
pub mod lanes;
pub mod message;
pub mod news;
pub mod recorder;
pub mod settle;
pub mod spread;

mod attempt;
mod run;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use gatepost_keys::WebhookKey;
use gatepost_model::retry::RetrySchedule;
use gatepost_model::webhook::{Attempt, PayloadShape};
use gatepost_model::{
    ApiVersion, ClientNumber, Clock, CrashPoints, Method, NoCrash, Random, Timestamp, WorkspaceNumber,
};
use gatepost_store::tables::deliveries::{self, Claimed};
use gatepost_store::{Store, StoreError};
use http::HeaderMap;

use self::counts::AttemptCounts;
use crate::transport::Transport;

/// Who gets a delivery: what is in force at the moment of sending.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The webhook URL as its owner gave it.
    pub url: String,
    /// The keys that sign, each with its end if it has one.
    pub keys: Vec<(WebhookKey, Option<Timestamp>)>,
    /// The headers that its owner has sent along, their values marked as sensitive.
    pub headers: HeaderMap,
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
    /// A person holds it back for this reason: it stays pending, and is asked about again after a while. Whoever lets it go
    /// makes it due.
    Held(&'static str),
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

    /// Told of each try when it has come to its end, for whoever counts them.
    fn tried(&self, _delivery: &Claimed, _attempt: &Attempt) {}
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
    /// How long a claim holds; longer if that is too short for a try.
    pub lease: Duration,
    /// For how long writers lease the fresh deliveries that they hand over.
    pub fresh_lease: Duration,
    /// The transport's deadline. A delivery whose lease ends sooner is not begun any more.
    pub send_timeout: Duration,
    /// A webhook URL to which every attempt has failed for so long is disabled.
    pub disable_after: Duration,
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
            fresh_lease: LEASE,
            send_timeout: Duration::from_secs(15),
            disable_after: DISABLE_AFTER,
            poll: Duration::from_secs(1),
            drain: Duration::from_secs(10),
        }
    }
}

/// How long a claim holds, and writers lease fresh deliveries, unless the options say otherwise.
pub const LEASE: Duration = Duration::from_secs(30);

/// After how long a webhook URL is disabled unless the options say otherwise: a day more than the schedule has, so that no
/// delivery loses one of its attempts to that.
pub const DISABLE_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);

/// What a try takes beside the sending: asking for consent, and writing down.
const BESIDE_SENDING: Duration = Duration::from_secs(3);

/// Sends deliveries.
#[derive(Clone)]
pub struct Dispatcher {
    store: Store,
    transport: Arc<dyn Transport>,
    recipients: Arc<dyn Recipients>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    options: Arc<Options>,
    counts: Arc<AttemptCounts>,
    crash_points: Arc<dyn CrashPoints>,
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
        let mut options = parts.options;
        options.lease = options.lease.max(options.send_timeout + BESIDE_SENDING * 2);
        Self {
            store: parts.store,
            transport: parts.transport,
            recipients: parts.recipients,
            clock: parts.clock,
            random: parts.random,
            options: Arc::new(options),
            counts: Arc::default(),
            crash_points: Arc::new(NoCrash),
        }
    }

    /// The same, telling where it is.
    #[must_use]
    pub fn crashing_at(self, crash_points: Arc<dyn CrashPoints>) -> Self {
        Self { crash_points, ..self }
    }

    /// Where tries are counted.
    #[must_use]
    pub const fn counts(&self) -> &Arc<AttemptCounts> {
        &self.counts
    }

    /// Sends and records everything that is due now, one after the other, and says how many tries there were.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn tick(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        while let Some(delivery) = self.claim(1).await?.pop() {
            count += 1;
            if let Some(result) = self.attempt(&delivery).await {
                recorder::record(&self.store, Arc::from([result])).await?;
            }
        }
        Ok(count)
    }

    /// Claims up to `limit` deliveries that are due now.
    async fn claim(&self, limit: u32) -> Result<Vec<Claimed>, StoreError> {
        let now = self.clock.now();
        let until = now.plus(self.options.lease);
        self.store.write(move |tx| deliveries::claim(tx, now, until, limit)).await
    }
    /// [`Dispatcher::claim`], but makes due later what is for these URLs. Also says how many of which those were.
    async fn claim_others(
        &self,
        limit: u32,
        put_off: HashMap<String, Timestamp>,
    ) -> Result<(Vec<Claimed>, HashMap<String, u32>), StoreError> {
        let now = self.clock.now();
        let until = now.plus(self.options.lease);
        self.store.write(move |tx| deliveries::claim_others(tx, now, until, limit, &put_off)).await
    }
}
