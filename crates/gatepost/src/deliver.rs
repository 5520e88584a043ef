//! The senders of webhooks, put together: the dispatcher, the guarded way out, and who says whether a delivery may go.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use gatepost_core::deliveries::{Recipient, Withheld};
use gatepost_core::test_send::{Sending, TestAnswer, TestSend, TestSender};
use gatepost_core::{Error, Gatepost};
use gatepost_keys::{Keyring, Sealing, WebhookKey};
use gatepost_model::webhook::Attempt;
use gatepost_model::{ApiClient, ClientNumber, Method, WorkspaceNumber};
use gatepost_store::handover::Handed;
use gatepost_store::tables::deliveries::Claimed;
use gatepost_webhook::dispatch::counts::AttemptCounts;
use gatepost_webhook::dispatch::message;
use gatepost_webhook::dispatch::{self, Consent, Dispatcher, Options, Recipients};
use gatepost_webhook::egress::resolver::{DnsResolver, Resolve};
use gatepost_webhook::egress::{CertificateDer, Egress, EgressConfig};
use gatepost_webhook::transport::Transport;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, Webhooks};
use crate::deployment::Sources;

/// Recipients that are kept ready; at this many the shelf is cleared.
const MOST_READY: usize = 10_000;

/// The internet as webhooks see it: by default as this machine does. Tests have one of their own.
#[derive(Clone, Default)]
pub struct Internet {
    /// Who resolves names; the machine's name servers, if nobody else does.
    pub resolver: Option<Arc<dyn Resolve>>,
    /// Certificate authorities to trust besides the public ones.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

/// What the senders work with.
pub struct Senders<'a> {
    /// Who gets what.
    pub gatepost: &'a Arc<Gatepost>,
    /// Opens signing keys.
    pub keyring: Arc<Keyring>,
    /// Time and randomness.
    pub sources: &'a Sources,
    /// Fresh deliveries.
    pub handed: Handed,
}

/// Starts the senders; they end after `stop`, when what is on the wire has ended or its time is up. Gives where their tries
/// are counted.
///
/// # Errors
/// If names cannot be resolved, or TLS cannot be set up, on this machine.
pub fn start(
    senders: Senders<'_>,
    config: &Config,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<Arc<AttemptCounts>> {
    let Senders { gatepost, keyring, sources, handed } = senders;
    let transport = Arc::new(egress(&config.webhooks, sources)?);
    gatepost
        .connect_test_sender(Arc::new(Tests { transport: transport.clone(), keyring: Arc::clone(&keyring) }));
    let dispatcher = Dispatcher::new(dispatch::Parts {
        store: gatepost.store().clone(),
        transport,
        recipients: Arc::new(Consents { gatepost: Arc::clone(gatepost), keyring, ready: Mutex::default() }),
        clock: Arc::clone(&sources.clock),
        random: Arc::clone(&sources.random),
        options: options(&config.webhooks),
    })
    .crashing_at(Arc::clone(&sources.crash_points));
    let counts = Arc::clone(dispatcher.counts());
    tasks.spawn(dispatcher.run(handed, stop.clone()));
    Ok(counts)
}

fn egress(config: &Webhooks, sources: &Sources) -> anyhow::Result<Egress> {
    let Internet { resolver, extra_roots } = sources.internet.clone();
    let resolver = resolver.map_or_else(names_of_the_machine, Ok)?;
    let mut egress = EgressConfig::new(resolver, Arc::clone(&sources.clock));
    egress.extra_roots = extra_roots;
    egress.opened = config.allow_networks.clone();
    egress.connect_timeout = egress.connect_timeout.min(config.timeout);
    egress.timeout = config.timeout;
    Egress::new(egress).context("webhooks cannot be sent from this machine")
}

fn names_of_the_machine() -> anyhow::Result<Arc<dyn Resolve>> {
    let resolver = DnsResolver::system().context("the machine's resolver of names cannot be used")?;
    Ok(Arc::new(resolver))
}

fn options(config: &Webhooks) -> Options {
    Options {
        schedule: config.retry_schedule.clone(),
        concurrency: usize::try_from(config.concurrency).unwrap_or(usize::MAX),
        concurrency_per_url: usize::try_from(config.concurrency_per_url).unwrap_or(usize::MAX),
        lease: config.lease,
        fresh_lease: config.lease,
        send_timeout: config.timeout,
        disable_after: config.disable_after,
        ..Options::default()
    }
}

/// Asks the use cases for consent, and keeps the opened signing keys of URLs at hand: opening them for each delivery
/// would cost more than signing it.
struct Consents {
    gatepost: Arc<Gatepost>,
    keyring: Arc<Keyring>,
    ready: Mutex<HashMap<(String, WorkspaceNumber), Ready>>,
}

/// What was made ready for one state of a client, and is good only for that one.
struct Ready {
    client: Arc<ApiClient>,
    recipient: Arc<dispatch::Recipient>,
}

impl Recipients for Consents {
    fn consent<'a>(
        &'a self,
        client: ClientNumber,
        url_id: &'a str,
        workspace: WorkspaceNumber,
        method: &'a Method,
    ) -> Pin<Box<dyn Future<Output = Consent> + Send + 'a>> {
        Box::pin(async move {
            let asked = self.gatepost.recipient(client, url_id, workspace, method).await;
            match asked.map(|consent| consent.map(|recipient| self.prepared(workspace, recipient))) {
                Ok(Ok(Ok(recipient))) => Consent::Given(recipient),
                Ok(Err(Withheld::Gone(reason))) => Consent::Gone(reason),
                Ok(Err(Withheld::Held(reason))) => Consent::Held(reason),
                Ok(Ok(Err(error))) | Err(error) => {
                    tracing::warn!(%error, url.id = url_id, "a delivery has to wait: whether it may be sent cannot be told");
                    Consent::Unknown
                }
            }
        })
    }

    fn tried(&self, delivery: &Claimed, attempt: &Attempt) {
        self.gatepost.note_attempt(delivery.client, &delivery.url_id, &delivery.method, attempt);
    }
}

impl Consents {
    fn prepared(
        &self,
        workspace: WorkspaceNumber,
        recipient: Recipient,
    ) -> Result<Arc<dispatch::Recipient>, Error> {
        let Some(client) = &recipient.client else {
            return Ok(Arc::new(opened(&self.keyring, &recipient)?));
        };
        let key = (recipient.url.id.clone(), workspace);
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = ready.get(&key).filter(|found| Arc::ptr_eq(&found.client, client)) {
            return Ok(Arc::clone(&found.recipient));
        }
        let made = Arc::new(opened(&self.keyring, &recipient)?);
        if ready.len() >= MOST_READY {
            ready.clear();
        }
        ready.insert(key, Ready { client: Arc::clone(client), recipient: Arc::clone(&made) });
        Ok(made)
    }
}

fn opened(keyring: &Keyring, recipient: &Recipient) -> Result<dispatch::Recipient, Error> {
    let place = Sealing::SigningKey(&recipient.url.id);
    let keys = recipient.url.signing_keys.iter().map(|key| {
        let text = keyring.open(&key.sealed, place).map_err(|_| Error::Sealed)?;
        let opened = WebhookKey::parse(text.expose()).map_err(|_| Error::Sealed)?;
        Ok((opened, key.expires_at))
    });
    let mut headers = HeaderMap::new();
    for header in &recipient.url.headers {
        let place = Sealing::Header(&recipient.url.id, &header.name);
        let text = keyring.open(&header.sealed, place).map_err(|_| Error::Sealed)?;
        let (Ok(name), Ok(mut value)) =
            (header.name.parse::<HeaderName>(), HeaderValue::from_str(text.expose()))
        else {
            return Err(Error::Sealed);
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(dispatch::Recipient {
        headers,
        keys: keys.collect::<Result<_, Error>>()?,
        url: recipient.url.url.clone(),
        workspace: recipient.workspace.clone(),
        api_version: recipient.api_version,
        payload: recipient.payload,
        client_revision: recipient.client.as_ref().map_or(0, |client| client.revision),
    })
}

/// Marks a webhook that tells of nothing that happened.
const TEST: HeaderName = HeaderName::from_static("gatepost-test");

/// Sends samples the way of all webhooks.
struct Tests {
    transport: Arc<Egress>,
    keyring: Arc<Keyring>,
}

impl TestSender for Tests {
    fn send(&self, test_send: TestSend) -> Sending<'_> {
        Box::pin(async move {
            let recipient = opened(&self.keyring, &test_send.recipient)?;
            let mut request = message::request(&sample(&test_send), &recipient, 1, test_send.at);
            request.headers.insert(TEST, HeaderValue::from_static("true"));
            let exchange = Transport::send(&*self.transport, request).await;
            Ok(TestAnswer {
                outcome: exchange.outcome,
                status: exchange.status,
                error: exchange.error,
                address: exchange.address.map(|address| address.to_string()),
                headers: exchange.headers,
                reply: exchange.reply,
                reply_truncated: exchange.reply_truncated,
                phases: exchange.phases,
                duration: exchange.duration,
            })
        })
    }
}

/// A sample in the shape of a delivery, which it never becomes.
fn sample(test_send: &TestSend) -> Claimed {
    Claimed {
        id: test_send.delivery_id.clone(),
        event_id: test_send.event_id.clone(),
        url_id: test_send.recipient.url.id.clone(),
        client: test_send.client,
        workspace: WorkspaceNumber(0),
        method: test_send.method.clone(),
        attempts: 0,
        fence: 0,
        record_id: String::new(),
        record: test_send.record.clone(),
        caused_by: String::from("system"),
        event_at: test_send.at,
    }
}
