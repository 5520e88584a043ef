//! Webhook URLs, their signing keys, and the subscriptions that they come to.

use std::collections::HashMap;
use std::ops::ControlFlow;

use gatepost_model::custom_header::CustomHeader;
use gatepost_model::secret::Sealed;
use gatepost_model::{
    ApiClient, ClientNumber, ClientStatus, FailureClock, Method, SigningKey, Timestamp, UrlState, WebhookUrl,
    WorkspaceNumber,
};

use super::url_clocks;
use crate::{Change, Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &UPDATE,
    &REMOVE,
    &OF_CLIENT,
    &OWNER,
    &INSERT_KEY,
    &DELETE_KEYS,
    &KEYS,
    &INSERT_HEADER,
    &DELETE_HEADERS,
    &HEADERS,
    &SUBSCRIBE,
    &UNSUBSCRIBE,
    &SUBSCRIBED,
    &DISABLE,
    &UNSUBSCRIBE_URL,
];

static INSERT: Sql = Sql::new(
    "INSERT INTO webhook_url (id, client_number, url, state, reason, created_at)
     VALUES ($1, $2, $3, $4, $5, $6)",
);

static UPDATE: Sql = Sql::new("UPDATE webhook_url SET url = $2, state = $3, reason = $4 WHERE id = $1");

static REMOVE: Sql = Sql::new("UPDATE webhook_url SET removed_at = $2 WHERE id = $1");

static OF_CLIENT: Sql = Sql::new(
    "SELECT id, url, state, reason, created_at, failing_since, failed_at, disables_at FROM webhook_url
     WHERE client_number = $1 AND removed_at IS NULL ORDER BY id",
);

static OWNER: Sql = Sql::new("SELECT client_number FROM webhook_url WHERE id = $1 AND removed_at IS NULL");

static INSERT_KEY: Sql = Sql::new(
    "INSERT INTO signing_key (url_id, number, sealed, expires_at, public_key) VALUES ($1, $2, $3, $4, $5)",
);

static DELETE_KEYS: Sql = Sql::new("DELETE FROM signing_key WHERE url_id = $1");

static KEYS: Sql =
    Sql::new("SELECT sealed, expires_at, public_key FROM signing_key WHERE url_id = $1 ORDER BY number");

static INSERT_HEADER: Sql = Sql::new("INSERT INTO webhook_header (url_id, name, sealed) VALUES ($1, $2, $3)");

static DELETE_HEADERS: Sql = Sql::new("DELETE FROM webhook_header WHERE url_id = $1");

static HEADERS: Sql = Sql::new(
    "SELECT h.url_id, h.name, h.sealed FROM webhook_header h JOIN webhook_url u ON u.id = h.url_id
     WHERE u.client_number = $1 ORDER BY h.url_id, h.name",
);

static SUBSCRIBE: Sql = Sql::new(
    "INSERT INTO subscription (workspace_number, method, url_id, client_number)
     VALUES ($1, $2, $3, $4)",
);

static UNSUBSCRIBE: Sql = Sql::new("DELETE FROM subscription WHERE client_number = $1");

static SUBSCRIBED: Sql =
    Sql::new("SELECT url_id, client_number FROM subscription WHERE workspace_number = $1 AND method = $2");

static DISABLE: Sql = Sql::new(
    "UPDATE webhook_url SET state = $2, reason = $3
     WHERE id = $1 AND state <> $2 AND removed_at IS NULL",
);

static UNSUBSCRIBE_URL: Sql = Sql::new("DELETE FROM subscription WHERE client_number = $1 AND url_id = $2");

/// Who gets an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// The webhook URL.
    pub url_id: String,
    /// Whose it is.
    pub client: ClientNumber,
}

/// The webhook URLs that get `method` from `workspace`.
///
/// # Errors
/// If the store fails.
pub fn list_subscribers(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    method: &Method,
) -> Result<Vec<Subscriber>, StoreError> {
    tx.all(&SUBSCRIBED, params![workspace, method.as_str()], |row| {
        Ok(Subscriber { url_id: row.get(0)?, client: row.get(1)? })
    })
}

/// The client whose URL this is, unless it was removed.
///
/// # Errors
/// If the store fails.
pub fn lookup_owner(tx: &Tx<'_>, url_id: &str) -> Result<Option<ClientNumber>, StoreError> {
    tx.opt(&OWNER, params![url_id], |row| row.get(0))
}

/// Stops sending to a URL because its receiver answered that it is gone. Says whether it was active until now.
///
/// # Errors
/// If the store fails.
pub fn disable(tx: &Tx<'_>, client: ClientNumber, url_id: &str, reason: &str) -> Result<bool, StoreError> {
    let changed = tx.exec(&DISABLE, params![url_id, UrlState::Disabled.as_str(), reason])? > 0;
    if changed {
        url_clocks::gone(tx, url_id)?;
        unsubscribe_url(tx, client, url_id)?;
    }
    Ok(changed)
}

/// Has a URL get no more deliveries, and says so to every node.
pub(super) fn unsubscribe_url(tx: &Tx<'_>, client: ClientNumber, url_id: &str) -> Result<(), StoreError> {
    tx.exec_later(&UNSUBSCRIBE_URL, params![client, url_id])?;
    tx.announce(Change::Client(client));
    Ok(())
}

/// A client's webhook URLs, oldest first.
pub(super) fn of_client(tx: &Tx<'_>, client: ClientNumber) -> Result<Vec<WebhookUrl>, StoreError> {
    let mut urls = tx.all(&OF_CLIENT, params![client], |row| {
        Ok(WebhookUrl {
            id: row.get(0)?,
            url: row.get(1)?,
            state: super::named("webhook_url.state", row.text(2)?, UrlState::from_name)?,
            reason: row.get(3)?,
            failing: clock_from_row(row, 5)?,
            signing_keys: Vec::new(),
            headers: Vec::new(),
            created_at: row.get(4)?,
        })
    })?;
    let mut headers: HashMap<String, Vec<CustomHeader>> = HashMap::new();
    tx.scan(&HEADERS, params![client], |row| {
        let header = CustomHeader { name: row.get(1)?, sealed: Sealed(row.get(2)?) };
        headers.entry(row.get(0)?).or_default().push(header);
        Ok(ControlFlow::Continue(()))
    })?;
    for url in &mut urls {
        url.signing_keys = tx.all(&KEYS, params![&url.id], |row| {
            Ok(SigningKey { sealed: Sealed(row.get(0)?), expires_at: row.get(1)?, public_key: row.get(2)? })
        })?;
        url.headers = headers.remove(&url.id).unwrap_or_default();
    }
    Ok(urls)
}

/// The clock in three columns from `first` on, if it runs.
pub(super) fn clock_from_row(row: &Row<'_>, first: usize) -> Result<Option<FailureClock>, StoreError> {
    let Some(since) = row.get(first)? else { return Ok(None) };
    Ok(Some(FailureClock { since, last: row.get(first + 1)?, disables_at: row.get(first + 2)? }))
}

/// Brings a client's stored URLs from `before` to `after`.
pub(super) fn save(
    tx: &Tx<'_>,
    client: ClientNumber,
    before: &[WebhookUrl],
    after: &[WebhookUrl],
    now: Timestamp,
) -> Result<(), StoreError> {
    for gone in before.iter().filter(|old| after.iter().all(|new| new.id != old.id)) {
        tx.exec_later(&REMOVE, params![&gone.id, now])?;
        tx.exec_later(&DELETE_KEYS, params![&gone.id])?;
        tx.exec_later(&DELETE_HEADERS, params![&gone.id])?;
    }
    for url in after {
        match before.iter().find(|old| old.id == url.id) {
            Some(old) if old == url => continue,
            Some(old) => {
                tx.exec_later(&UPDATE, params![&url.id, &url.url, url.state.as_str(), &url.reason])?;
                tx.exec_later(&DELETE_KEYS, params![&url.id])?;
                tx.exec_later(&DELETE_HEADERS, params![&url.id])?;
                let has_returned = old.state == UrlState::Disabled && url.state != UrlState::Disabled;
                if has_returned || (old.failing.is_some() && url.failing.is_none()) {
                    url_clocks::end(tx, &url.id)?;
                }
            }
            None => {
                tx.exec_later(
                    &INSERT,
                    params![&url.id, client, &url.url, url.state.as_str(), &url.reason, url.created_at],
                )?;
            }
        }
        for (number, key) in (0i64..).zip(&url.signing_keys) {
            let values = params![&url.id, number, &key.sealed.0, key.expires_at, &key.public_key];
            tx.exec_later(&INSERT_KEY, values)?;
        }
        for header in &url.headers {
            tx.exec_later(&INSERT_HEADER, params![&url.id, &header.name, &header.sealed.0])?;
        }
    }
    Ok(())
}

/// Replaces a client's subscriptions by what it now comes to: workspaces × methods × URLs that are not disabled, none
/// unless the client is active. A paused URL is among them: its deliveries are made, and wait.
pub(super) fn resubscribe(tx: &Tx<'_>, client: &ApiClient) -> Result<(), StoreError> {
    unsubscribe(tx, client.number)?;
    if client.status != ClientStatus::Active {
        return Ok(());
    }
    let subscribed = || client.webhook_urls.iter().filter(|url| url.state != UrlState::Disabled);
    for workspace in &client.workspaces {
        for method in &client.methods {
            for url in subscribed() {
                tx.exec_later(
                    &SUBSCRIBE,
                    params![workspace.number, method.as_str(), &url.id, client.number],
                )?;
            }
        }
    }
    Ok(())
}

/// Drops a client's subscriptions.
pub(super) fn unsubscribe(tx: &Tx<'_>, client: ClientNumber) -> Result<(), StoreError> {
    tx.exec_later(&UNSUBSCRIBE, params![client])
}
