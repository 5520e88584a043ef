//! Notices: where a workspace's go, and sending them. A notice is an event with a delivery in the transaction of what it tells
//! of, so that it is as durable as every other webhook, goes through the same egress, and is signed alike.

use std::sync::Arc;
use std::time::Duration;

use gatepost_keys::Plain;
use gatepost_model::notice::{NOTICES, Notice};
use gatepost_model::webhook::{Event, PayloadShape};
use gatepost_model::{
    ApiClient, ApiVersion, Method, SigningKey, SigningScheme, Timestamp, UrlState, WebhookUrl,
    WorkspaceNumber, ids,
};
use gatepost_store::Tx;
use gatepost_store::tables::deliveries::{self, NewDelivery};
use gatepost_store::tables::ending_secrets;
pub use gatepost_store::tables::notice_urls::NoticeUrl;
use gatepost_store::tables::{clients, notice_urls, records, workspaces};
use serde_json::{Value, json};

use crate::audit::Note;
use crate::deliveries::{Recipient, Withheld};
use crate::workspaces::administered_workspace;
use crate::{Actor, Error, Gatepost};

/// So long before a secret ends its owner is told.
const SECRET_TOLD_BEFORE: Duration = Duration::from_secs(24 * 3600);

/// Secrets that one transaction looks at.
const PAGE: u32 = 100;

/// What a notice says about something of a client's.
pub(crate) struct Told<'a> {
    pub(crate) notice: Notice,
    /// What it is about.
    pub(crate) subject_id: &'a str,
    /// What it says, beside who the client is.
    pub(crate) data: Value,
}

impl Gatepost {
    /// Where a workspace's notices go, if anywhere.
    ///
    /// # Errors
    /// If the actor administers no such workspace, or the store fails.
    pub async fn notice_url(&self, actor: &Actor, subdomain: &str) -> Result<Option<NoticeUrl>, Error> {
        let (actor, subdomain) = (actor.clone(), subdomain.to_owned());
        self.store
            .read(move |tx| {
                let workspace = administered_workspace(tx, &actor, &subdomain)?;
                Ok(notice_urls::lookup(tx, workspace.number)?)
            })
            .await
    }

    /// Sets where a workspace's notices go, and gives the new key that signs them: `whsec_…`. It is shown this once; setting
    /// the same URL again makes another.
    ///
    /// # Errors
    /// If the actor administers no such workspace, webhooks cannot be sent to the address, or the store fails.
    pub async fn set_notice_url(
        self: &Arc<Self>,
        actor: &Actor,
        subdomain: &str,
        address: &str,
    ) -> Result<(NoticeUrl, Plain), Error> {
        (self.vet_url)(address, &self.settings.webhook_networks)
            .map_err(|problem| Error::invalid("url", problem))?;
        let now = self.now();
        let id = ids::sortable(ids::WEBHOOK_URL, now, &*self.random);
        let key = self.new_signing_key(SigningScheme::Hmac, &id);
        let (this, actor, subdomain) = (Arc::clone(self), actor.clone(), subdomain.to_owned());
        let (url, sealed) = (address.to_owned(), key.stored.sealed);
        let set = self.store.write(move |tx| {
            let workspace = administered_workspace(tx, &actor, &subdomain)?;
            let (id, url, sealed) = (id.clone(), url.clone(), sealed.clone());
            let notice_url = NoticeUrl { workspace: workspace.number, id, url, sealed, created_at: now };
            notice_urls::put(tx, &notice_url)?;
            let what = json!({ "url": notice_url.url });
            let (action, subject_id) = ("notice-url.set", &workspace.id);
            this.note(
                tx,
                now,
                &Note { actor: &actor, action, subject_id, before: None, after: Some(&what) },
            )?;
            Ok::<_, Error>(notice_url)
        });
        Ok((set.await?, key.shown))
    }

    /// Has a workspace's notices go nowhere, as they may already.
    ///
    /// # Errors
    /// If the actor administers no such workspace, or the store fails.
    pub async fn remove_notice_url(self: &Arc<Self>, actor: &Actor, subdomain: &str) -> Result<(), Error> {
        let now = self.now();
        let (this, actor, subdomain) = (Arc::clone(self), actor.clone(), subdomain.to_owned());
        self.store
            .write(move |tx| {
                let workspace = administered_workspace(tx, &actor, &subdomain)?;
                if !notice_urls::remove(tx, workspace.number)? {
                    return Ok(());
                }
                let (action, subject_id) = ("notice-url.remove", &workspace.id);
                this.note(tx, now, &Note { actor: &actor, action, subject_id, before: None, after: None })
            })
            .await
    }

    /// Tells those who run the client's workspaces something, where there is a notice URL. Whoever commits the transaction
    /// rings for the senders.
    pub(crate) fn tell(
        &self,
        tx: &Tx<'_>,
        client: &ApiClient,
        told: &Told<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut data = told.data.clone();
        data["client"] = json!({ "id": client.id, "name": client.name });
        let method: Method = told.notice.into();
        for workspace in &client.workspaces {
            let Some(url) = notice_urls::lookup(tx, workspace.number)? else { continue };
            let event = Event {
                id: ids::sortable(ids::EVENT, now, &*self.random),
                workspace: workspace.number,
                method: method.clone(),
                record_id: told.subject_id.to_owned(),
                record: data.to_string(),
                caused_by: String::from("system"),
                at: now,
            };
            records::insert_event(tx, &event)?;
            let new = NewDelivery {
                id: &ids::sortable(ids::DELIVERY, now, &*self.random),
                event_id: &event.id,
                url_id: &url.id,
                client: NOTICES,
                workspace: workspace.number,
                method: &event.method,
                created_at: now,
                leased_until: None,
                replay_of: None,
            };
            deliveries::insert(tx, &new)?;
        }
        Ok(())
    }

    /// Who gets a notice now.
    pub(crate) async fn notice_recipient(
        &self,
        url_id: &str,
        workspace: WorkspaceNumber,
    ) -> Result<Result<Recipient, Withheld>, Error> {
        let found = self.store.read(move |tx| {
            Ok::<_, Error>((notice_urls::lookup(tx, workspace)?, workspaces::lookup(tx, workspace)?))
        });
        let (Some(url), Some(workspace)) = found.await? else {
            return Ok(Err(Withheld::Gone("the notice URL was removed")));
        };
        if url.id != url_id {
            return Ok(Err(Withheld::Gone("notices go to another URL now")));
        }
        let key = SigningKey { sealed: url.sealed, public_key: None, expires_at: None };
        let url = WebhookUrl {
            id: url.id,
            url: url.url,
            state: UrlState::Active,
            reason: None,
            failing: None,
            signing_keys: vec![key],
            headers: Vec::new(),
            created_at: url.created_at,
        };
        Ok(Ok(Recipient {
            url,
            workspace: workspace.subdomain.as_str().to_owned(),
            api_version: ApiVersion::NEWEST,
            payload: PayloadShape::Envelope,
            client: None,
        }))
    }

    /// Tells of secrets that end within a day, each once.
    ///
    /// # Errors
    /// If the store fails. What was told until then is told; the next run goes on.
    pub async fn tell_of_ending_secrets(self: &Arc<Self>) -> Result<(), Error> {
        let now = self.now();
        let until = now.plus(SECRET_TOLD_BEFORE);
        while !self.store.read(move |tx| ending_secrets::list(tx, now, until, 1)).await?.is_empty() {
            let this = Arc::clone(self);
            let look = move |tx: &Tx<'_>| {
                for secret in ending_secrets::list(tx, now, until, PAGE)? {
                    let client = clients::lookup(tx, secret.client)?;
                    let is_told = ending_secrets::tell(tx, &secret, now)?;
                    if let Some(client) = client.filter(|_| is_told) {
                        let data = json!({
                            "secret": { "number": secret.number, "hint": secret.hint },
                            "expiresAt": secret.expires_at.iso(),
                        });
                        let told = Told { notice: Notice::SecretExpiring, subject_id: &client.id, data };
                        this.tell(tx, &client, &told, now)?;
                    }
                }
                Ok::<_, Error>(())
            };
            self.store.write(look).await?;
            self.handover.look();
        }
        Ok(())
    }
}
