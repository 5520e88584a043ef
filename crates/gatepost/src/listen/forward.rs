//! Handing an event on to a program on the developer's machine, as a webhook of it would come.

use std::time::Duration;

use anyhow::Context;
use gatepost_keys::WebhookKey;
use gatepost_model::webhook::PayloadShape;
use gatepost_model::{ApiVersion, ClientNumber, Method, Random, Timestamp, WorkspaceNumber, ids};
use gatepost_store::tables::deliveries::{Claimed, FIRST_FENCE};
use gatepost_webhook::dispatch::{Recipient, message};
use http::{Request, StatusCode};
use tokio::time::Instant;

use super::session::FeedEvent;
use crate::remote::Remote;

/// As for a webhook.
const DEADLINE: Duration = Duration::from_secs(15);

/// Where events go.
pub(super) struct Forward {
    remote: Remote,
    key: WebhookKey,
    payload: PayloadShape,
}

/// What the program answered, and after how long.
pub(super) struct Forwarded {
    pub(super) status: StatusCode,
    pub(super) took: Duration,
}

impl Forward {
    pub(super) const fn new(remote: Remote, key: WebhookKey, payload: PayloadShape) -> Self {
        Self { remote, key, payload }
    }

    /// Where events go.
    pub(super) fn url(&self) -> &str {
        self.remote.base()
    }

    /// Sends one event, once.
    ///
    /// # Errors
    /// If there is no answer.
    pub(super) async fn send(
        &self,
        event: &FeedEvent,
        workspace: &str,
        api_version: ApiVersion,
        now: Timestamp,
        random: &dyn Random,
    ) -> anyhow::Result<Forwarded> {
        let method: Method = event.method.parse().context("the event's method")?;
        let delivery = Claimed {
            id: ids::sortable(ids::DELIVERY, now, random),
            event_id: event.id.clone(),
            url_id: String::new(),
            client: ClientNumber(0),
            workspace: WorkspaceNumber(0),
            method,
            attempts: 0,
            fence: FIRST_FENCE,
            record_id: String::new(),
            record: event.data.get().to_owned(),
            caused_by: String::new(),
            event_at: Timestamp::parse_iso(&event.timestamp).unwrap_or(now),
        };
        let recipient = Recipient {
            url: self.remote.base().to_owned(),
            keys: vec![(self.key.clone(), None)],
            headers: http::HeaderMap::new(),
            workspace: workspace.to_owned(),
            api_version,
            payload: self.payload,
            client_revision: 0,
        };
        let webhook = message::request(&delivery, &recipient, 1, now);
        let mut request = Request::builder().method(http::Method::POST);
        if let Some(headers) = request.headers_mut() {
            *headers = webhook.headers;
        }
        let begun = Instant::now();
        let reply = self.remote.ask(request, "", webhook.body, DEADLINE).await?;
        Ok(Forwarded { status: reply.status, took: begun.elapsed() })
    }
}
