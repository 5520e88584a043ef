//! Sending a sample to a webhook URL while somebody waits for the answer.
//!
//! It goes the way of every webhook, through the same guard and signed with the same keys, but it is no delivery: it is
//! not stored, not tried again, and says of itself that it is a test.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gatepost_model::webhook::Outcome;
use gatepost_model::{ApiClient, ClientNumber, ClientStatus, Method, Phases, Timestamp, ids};
use serde_json::json;

use crate::access::load_managed;
use crate::allowance::Allowance;
use crate::audit::Note;
use crate::deliveries::Recipient;
use crate::webhook_urls::UrlAt;
use crate::{Actor, Error, Gatepost};

/// Tests of one client's URLs in [`WINDOW`], on one node: enough for a person, too few for a flood (security.md 6).
const MOST_TESTS: u32 = 6;
const WINDOW: Duration = Duration::from_secs(60);

/// A sample to be sent.
#[derive(Clone, Debug)]
pub struct TestSend {
    /// Whose URL it is.
    pub client: ClientNumber,
    /// To whom.
    pub recipient: Recipient,
    /// What it pretends has happened.
    pub method: Method,
    /// `evt_…`, which no event has.
    pub event_id: String,
    /// `dlv_…`, which no delivery has.
    pub delivery_id: String,
    /// The record: JSON text.
    pub record: String,
    /// When it was asked for.
    pub at: Timestamp,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestAnswer {
    /// How it ended.
    pub outcome: Outcome,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong, as a sentence for the URL's owner.
    pub error: Option<String>,
    /// The address that was connected to.
    pub address: Option<String>,
    /// The answer's headers, up to a cap.
    pub headers: Vec<(String, String)>,
    /// The start of the answer's body.
    pub reply: String,
    /// Whether the body went on after that.
    pub reply_truncated: bool,
    /// What its parts took.
    pub phases: Phases,
    /// How long it took.
    pub duration: Duration,
}

/// What a sender gives back, when it has an answer.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<TestAnswer, Error>> + Send + 'a>>;

/// Sends samples: the delivery engine, which is above this crate.
pub trait TestSender: Send + Sync + 'static {
    /// Sends one and waits for the answer.
    fn send(&self, test_send: TestSend) -> Sending<'_>;
}

/// The sender, once there is one, and how often each client may have it send.
pub(crate) struct TestSends {
    sender: OnceLock<Arc<dyn TestSender>>,
    allowance: Allowance,
}

impl Default for TestSends {
    fn default() -> Self {
        Self { sender: OnceLock::new(), allowance: Allowance::new(MOST_TESTS, WINDOW) }
    }
}

impl Gatepost {
    /// Says who sends samples. The first one stays.
    pub fn connect_test_sender(&self, sender: Arc<dyn TestSender>) {
        let _ = self.test_sends.sender.set(sender);
    }

    /// Sends a sample to a webhook URL, whatever its state, and waits for the answer. That it was asked for is kept in the
    /// audit trail.
    ///
    /// # Errors
    /// If there is no such client or URL for the actor, the client was revoked, there were six tests of it within a minute,
    /// this process sends no webhooks, or the store fails. That the receiver cannot be reached is an answer.
    pub async fn test_webhook_url(
        self: &Arc<Self>,
        actor: &Actor,
        at: UrlAt<'_>,
    ) -> Result<TestAnswer, Error> {
        let sender = self.test_sends.sender.get().ok_or_else(|| {
            Error::Conflict(String::from(
                "webhooks are sent by a running server only: start it, then try again",
            ))
        })?;
        let now = self.now();
        let (this, actor) = (Arc::clone(self), actor.clone());
        let (id, url_id) = (at.client.to_owned(), at.url.to_owned());
        let (asker, named) = (actor.clone(), id.clone());
        let client = self.store.read(move |tx| load_managed(tx, &asker, &named)).await?;
        // Not in the transaction, which may run more than once.
        self.test_sends.allowance.take(&client.id, now).map_err(|wait| {
            let seconds = wait.as_secs().max(1);
            Error::Conflict(format!("{MOST_TESTS} tests a minute are enough: wait {seconds} seconds"))
        })?;
        let test_send = self.store.write(move |tx| {
            let client = load_managed(tx, &actor, &id)?;
            let subject_id = &client.id.clone();
            let test_send = this.test_send(client, &url_id, now)?;
            let what = json!({ "webhookUrl": url_id });
            let action = "webhook-url.test";
            this.note(
                tx,
                now,
                &Note { actor: &actor, action, subject_id, before: None, after: Some(&what) },
            )?;
            Ok::<_, Error>(test_send)
        });
        let test_send = test_send.await?;
        sender.send(test_send).await
    }

    fn test_send(&self, client: ApiClient, url_id: &str, now: Timestamp) -> Result<TestSend, Error> {
        if client.status == ClientStatus::Revoked {
            return Err(Error::Conflict(String::from("the client was revoked: nothing is sent for it")));
        }
        let url = client.webhook_url(url_id).ok_or_else(|| Error::not_found("webhook URL", url_id))?.clone();
        let ticked = client.methods.first().cloned();
        let method = ticked.or_else(|| self.catalog.methods().next());
        let method = method.ok_or_else(|| Error::Conflict(String::from("no entity type has events")))?;
        let workspace = client.workspaces.first().map_or("", |workspace| workspace.subdomain.as_str());
        Ok(TestSend {
            record: self.sample_record(&method, now).to_string(),
            event_id: ids::sortable(ids::EVENT, now, &*self.random),
            delivery_id: ids::sortable(ids::DELIVERY, now, &*self.random),
            at: now,
            method,
            client: client.number,
            recipient: Recipient {
                url,
                workspace: workspace.to_owned(),
                api_version: client.api_version,
                payload: client.payload,
                client: Some(Arc::new(client)),
            },
        })
    }
}
