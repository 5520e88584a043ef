//! One webhook URL of a client: its address, its pause, its return. Its keys are in [`crate::signing_keys`], its headers in
//! [`crate::custom_headers`].
//!
//! Adding and removing is part of [`crate::clients`]. Each change here is a change of the client: made for a revision,
//! refused if the client has another one by then, and left in the audit trail.

use std::sync::Arc;

use gatepost_model::{ApiClient, Timestamp, UrlState, WebhookUrl};
use gatepost_store::Tx;
pub use gatepost_store::handover::Broken;
use gatepost_store::tables::delivery_control as control;

use crate::custom_headers::HeaderChange;
use crate::{Actor, Error, Gatepost};

/// Why deliveries that had been held back were not sent.
const NOT_WANTED: &str = "called off when the webhook URL was resumed";
const SUPERSEDED: &str = "a newer one of the same record was sent when the webhook URL was resumed";

/// Which URL, and for which revision of its client the change was made, if for one.
#[derive(Clone, Copy, Debug)]
pub struct UrlAt<'a> {
    /// The client's id or client id.
    pub client: &'a str,
    /// `whu_…`.
    pub url: &'a str,
    /// The revision.
    pub revision: Option<i64>,
}

/// What becomes of the deliveries that were held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// All are sent.
    All,
    /// Of each record, the newest is sent; the others are cancelled.
    NewestPerRecord,
    /// All are cancelled.
    Nothing,
}

impl Resume {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::All, Self::NewestPerRecord, Self::Nothing];

    /// As it stands in JSON and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::NewestPerRecord => "newest",
            Self::Nothing => "nothing",
        }
    }

    /// From that text.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == text)
    }
}

impl Gatepost {
    /// Gives a webhook URL another address, if one is named, and changes the headers that are sent to it. It stays the same
    /// URL: its keys, its state and its log remain.
    ///
    /// # Errors
    /// If there is no such client or URL for the actor, the revision is another, webhooks cannot be sent to the address, the
    /// client has it already, a header is refused (see [`Gatepost::change_webhook_headers`]), or the store fails.
    pub async fn change_webhook_url(
        self: &Arc<Self>,
        actor: &Actor,
        at: UrlAt<'_>,
        address: Option<String>,
        headers: Vec<HeaderChange>,
    ) -> Result<ApiClient, Error> {
        let Some(address) = address else {
            return self.change_webhook_headers(actor, at, headers).await;
        };
        let (this, url_id) = (Arc::clone(self), at.url.to_owned());
        let changed =
            self.change_client(actor, at.client, ("webhook-url.move", at.revision), move |_, client, _| {
                if client.webhook_urls.iter().any(|other| other.url == address && other.id != url_id) {
                    return Err(Error::invalid("webhookUrls", "the client has this webhook URL already"));
                }
                (this.vet_url)(&address, &this.settings.webhook_networks)
                    .map_err(|problem| Error::invalid("webhookUrls", problem))?;
                let url = url_of(client, &url_id)?;
                url.url.clone_from(&address);
                // What is known of the old address says nothing about the new one.
                if url.state != UrlState::Disabled {
                    url.failing = None;
                }
                this.apply_headers(url, &headers)
            });
        let client = changed.await?.0;
        self.handover.no_room().mend_circuit(at.url);
        Ok(client)
    }

    /// Holds a webhook URL's deliveries back: they are made, and stay pending until it is resumed.
    ///
    /// # Errors
    /// If there is no such client or URL for the actor, the revision is another, the URL is disabled, or the store fails.
    pub async fn pause_webhook_url(
        self: &Arc<Self>,
        actor: &Actor,
        at: UrlAt<'_>,
    ) -> Result<ApiClient, Error> {
        let pause = |url: &mut WebhookUrl, _| {
            if url.state == UrlState::Disabled {
                let problem = "the webhook URL is disabled: nothing is sent to it";
                return Err(Error::Conflict(problem.to_owned()));
            }
            url.state = UrlState::Paused;
            Ok(())
        };
        Ok(self.change_url(actor, at, "webhook-url.pause", pause).await?.0)
    }

    /// Has a paused webhook URL sent to again, and says what becomes of what was held back. Gives
    /// how many deliveries were cancelled.
    ///
    /// # Errors
    /// If there is no such client or URL for the actor, the revision is another, the URL is not paused, or the store fails.
    pub async fn resume_webhook_url(
        self: &Arc<Self>,
        actor: &Actor,
        at: UrlAt<'_>,
        resume: Resume,
    ) -> Result<(ApiClient, usize), Error> {
        let changed = self.activate(actor, at, (UrlState::Paused, "webhook-url.resume"), resume).await?;
        self.handover.no_room().mend_circuit(at.url);
        self.let_go(&changed.0, at.url).await?;
        Ok(changed)
    }

    /// Has a disabled webhook URL sent to again from now on, and says what becomes of what was pending when it was disabled.
    /// Begins with one delivery as a probe; the others follow when that is answered. Gives how many were cancelled.
    ///
    /// # Errors
    /// If there is no such client or URL for the actor, the revision is another, the URL is not disabled, or the store fails.
    pub async fn enable_webhook_url(
        self: &Arc<Self>,
        actor: &Actor,
        at: UrlAt<'_>,
        resume: Resume,
    ) -> Result<(ApiClient, usize), Error> {
        let changed = self.activate(actor, at, (UrlState::Disabled, "webhook-url.enable"), resume).await?;
        let now = self.now();
        self.handover.no_room().break_circuit(at.url, Broken { since: now, probe_at: now });
        self.let_go(&changed.0, at.url).await?;
        Ok(changed)
    }

    /// Makes a URL active that is `from` now, and cancels what is not wanted of what was held back.
    async fn activate(
        self: &Arc<Self>,
        actor: &Actor,
        at: UrlAt<'_>,
        (from, action): (UrlState, &'static str),
        resume: Resume,
    ) -> Result<(ApiClient, usize), Error> {
        let url_id = at.url.to_owned();
        let change = move |tx: &Tx<'_>, client: &mut ApiClient, now| {
            let url = url_of(client, &url_id)?;
            if url.state != from {
                return Err(Error::Conflict(format!("the webhook URL is not {}", from.as_str())));
            }
            url.state = UrlState::Active;
            url.reason = None;
            url.failing = None;
            let number = client.number;
            match resume {
                Resume::All => Ok(0),
                Resume::NewestPerRecord => control::cancel_older(tx, number, &url_id, SUPERSEDED, now),
                Resume::Nothing => control::cancel_all(tx, number, &url_id, NOT_WANTED, now),
            }
            .map_err(Error::Store)
        };
        self.change_client(actor, at.client, (action, at.revision), change).await
    }

    /// Makes due what was held back. Only after the change that it follows, when every node knows: one that did not would hold
    /// it back once more.
    async fn let_go(&self, client: &ApiClient, url_id: &str) -> Result<(), Error> {
        let (number, url_id, now) = (client.number, url_id.to_owned(), self.now());
        self.store.write(move |tx| control::release(tx, number, &url_id, now)).await?;
        self.handover.look();
        Ok(())
    }

    /// Changes nothing of a client but one of its URLs, and calls that `action` in the audit trail.
    pub(crate) async fn change_url<T: Send + 'static>(
        self: &Arc<Self>,
        actor: &Actor,
        at: UrlAt<'_>,
        action: &'static str,
        change: impl Fn(&mut WebhookUrl, Timestamp) -> Result<T, Error> + Send + 'static,
    ) -> Result<(ApiClient, T), Error> {
        let url_id = at.url.to_owned();
        let changed = self.change_client(actor, at.client, (action, at.revision), move |_, client, now| {
            change(url_of(client, &url_id)?, now)
        });
        changed.await
    }

    /// Whether the senders of this node leave a webhook URL alone, for its receiver does not answer, and until when.
    #[must_use]
    pub fn broken_circuit(&self, url_id: &str) -> Option<Broken> {
        self.handover.no_room().broken(url_id)
    }

    /// How many deliveries to a webhook URL are pending.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count_pending(&self, client: &ApiClient, url_id: &str) -> Result<u32, Error> {
        let (number, url_id) = (client.number, url_id.to_owned());
        let count = self.store.read(move |tx: &Tx<'_>| control::count_pending(tx, number, &url_id));
        count.await.map_err(Error::Store)
    }
}

fn url_of<'a>(client: &'a mut ApiClient, url_id: &str) -> Result<&'a mut WebhookUrl, Error> {
    let found = client.webhook_urls.iter_mut().find(|url| url.id == url_id);
    found.ok_or_else(|| Error::not_found("webhook URL", url_id))
}
