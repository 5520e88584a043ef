//! API clients: loaded and saved whole, because the gate, the pages and the use cases look at them whole.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use gatepost_model::client::{LastUsed, RevokedToken};
use gatepost_model::network::Networks;
use gatepost_model::secret::{Sealed, Verifier};
use gatepost_model::webhook::PayloadShape;
use gatepost_model::{
    ApiClient, ClientNumber, ClientStatus, Method, Secret, SecretPolicy, Timestamp, Workspace,
};

use super::{named, webhook_urls, workspaces};
use crate::{Change, Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &UPDATE,
    &DELETE,
    &BY_NUMBER,
    &NUMBER_BY_ID,
    &NUMBER_BY_CLIENT_ID,
    &NUMBERS,
    &ENABLE,
    &DISABLE,
    &WORKSPACES,
    &TICK,
    &UNTICK,
    &METHODS,
    &INSERT_SECRET,
    &UPDATE_SECRET,
    &DELETE_SECRETS,
    &SECRETS,
    &REVOKE_TOKEN,
    &REVOKED_TOKENS,
    &DROP_REVOKED,
    &DROP_ALL_REVOKED,
    &NOTE_USE,
    &NOTE_SECRET_USE,
    &DROP_USE,
    &DROP_SECRET_USES,
];

static INSERT: Sql = Sql::new(
    "INSERT INTO api_client (number, id, client_id, name, status, api_version, secret_policy, payload,
     token_lifetime_seconds, rate_limit, allow_list, not_before, revision, created_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
);

static UPDATE: Sql = Sql::new(
    "UPDATE api_client SET name = $3, status = $4, api_version = $5, secret_policy = $6, payload = $7,
     token_lifetime_seconds = $8, rate_limit = $9, allow_list = $10, not_before = $11, revision = $12
     WHERE number = $1 AND revision = $2",
);

static DELETE: Sql = Sql::new("DELETE FROM api_client WHERE number = $1");

static BY_NUMBER: Sql = Sql::new(
    "SELECT c.number, c.id, c.client_id, c.name, c.status, c.api_version, c.secret_policy, c.payload,
     c.token_lifetime_seconds, c.rate_limit, c.allow_list, c.not_before, c.revision, c.created_by,
     c.created_at, u.at, u.address, u.workspace
     FROM api_client c LEFT JOIN client_use u ON u.client_number = c.number WHERE c.number = $1",
);

static NUMBER_BY_ID: Sql = Sql::new("SELECT number FROM api_client WHERE id = $1");

static NUMBER_BY_CLIENT_ID: Sql = Sql::new("SELECT number FROM api_client WHERE client_id = $1");

static NUMBERS: Sql = Sql::new("SELECT number FROM api_client WHERE number > $1 ORDER BY number LIMIT $2");

static ENABLE: Sql =
    Sql::new("INSERT INTO client_workspace (client_number, workspace_number) VALUES ($1, $2)");

static DISABLE: Sql =
    Sql::new("DELETE FROM client_workspace WHERE client_number = $1 AND workspace_number = $2");

static WORKSPACES: Sql = Sql::new(
    "SELECT w.number, w.id, w.subdomain, w.name, w.created_at
     FROM client_workspace c JOIN workspace w ON w.number = c.workspace_number
     WHERE c.client_number = $1 ORDER BY w.subdomain",
);

static TICK: Sql = Sql::new("INSERT INTO client_method (client_number, method) VALUES ($1, $2)");

static UNTICK: Sql = Sql::new("DELETE FROM client_method WHERE client_number = $1 AND method = $2");

static METHODS: Sql = Sql::new("SELECT method FROM client_method WHERE client_number = $1");

static INSERT_SECRET: Sql = Sql::new(
    "INSERT INTO client_secret
     (client_number, number, hint, verifier, sealed, created_by, created_at, expires_at, killed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);

static UPDATE_SECRET: Sql = Sql::new(
    "UPDATE client_secret SET sealed = $3, expires_at = $4, killed_at = $5
     WHERE client_number = $1 AND number = $2",
);

static DELETE_SECRETS: Sql = Sql::new("DELETE FROM client_secret WHERE client_number = $1");

static SECRETS: Sql = Sql::new(
    "SELECT s.number, s.hint, s.verifier, s.sealed, s.created_by, s.created_at, s.expires_at, s.killed_at,
     u.at, u.address FROM client_secret s
     LEFT JOIN secret_use u ON u.client_number = s.client_number AND u.number = s.number
     WHERE s.client_number = $1 ORDER BY s.number",
);

static REVOKE_TOKEN: Sql = Sql::new(
    "INSERT INTO revoked_token (client_number, token_id, expires_at) VALUES ($1, $2, $3)
     ON CONFLICT (client_number, token_id) DO NOTHING",
);

static REVOKED_TOKENS: Sql =
    Sql::new("SELECT token_id, expires_at FROM revoked_token WHERE client_number = $1");

static DROP_REVOKED: Sql =
    Sql::new("DELETE FROM revoked_token WHERE client_number = $1 AND expires_at <= $2");

static DROP_ALL_REVOKED: Sql = Sql::new("DELETE FROM revoked_token WHERE client_number = $1");

static NOTE_USE: Sql = Sql::new(
    "INSERT INTO client_use (client_number, at, address, workspace) VALUES ($1, $2, $3, $4)
     ON CONFLICT (client_number) DO UPDATE
     SET at = excluded.at, address = excluded.address, workspace = excluded.workspace",
);

static NOTE_SECRET_USE: Sql = Sql::new(
    "INSERT INTO secret_use (client_number, number, at, address) VALUES ($1, $2, $3, $4)
     ON CONFLICT (client_number, number) DO UPDATE SET at = excluded.at, address = excluded.address",
);

static DROP_SECRET_USES: Sql = Sql::new("DELETE FROM secret_use WHERE client_number = $1");

static DROP_USE: Sql = Sql::new("DELETE FROM client_use WHERE client_number = $1");

/// A number for a new client, never given out before.
///
/// # Errors
/// If the store fails, or four thousand million clients have been made.
pub fn next_number(tx: &Tx<'_>) -> Result<ClientNumber, StoreError> {
    let number = super::next_number(tx, "api_client")?;
    u32::try_from(number)
        .map(ClientNumber)
        .map_err(|_| StoreError::Corrupt(String::from("every client number has been used")))
}

/// The client with this number, whole.
///
/// # Errors
/// If the store fails.
pub fn lookup(tx: &Tx<'_>, number: ClientNumber) -> Result<Option<ApiClient>, StoreError> {
    let Some(mut client) = tx.opt(&BY_NUMBER, params![number], from_row)? else {
        return Ok(None);
    };
    client.workspaces = tx.all(&WORKSPACES, params![number], |row| workspaces::from_row(row, 0))?;
    client.methods = methods(tx, number)?;
    client.webhook_urls = webhook_urls::of_client(tx, number)?;
    client.secrets = tx.all(&SECRETS, params![number], |row| {
        Ok(Secret {
            number: row.get(0)?,
            hint: row.get(1)?,
            verifier: Verifier(row.get(2)?),
            sealed: row.get::<Option<Vec<u8>>>(3)?.map(Sealed),
            created_by: row.get(4)?,
            created_at: row.get(5)?,
            expires_at: row.get(6)?,
            killed_at: row.get(7)?,
            last_used: match row.get(8)? {
                Some(at) => Some((at, named("secret_use.address", row.text(9)?, |text| text.parse().ok())?)),
                None => None,
            },
        })
    })?;
    client.revoked_tokens = tx.all(&REVOKED_TOKENS, params![number], |row| {
        Ok(RevokedToken { id: row.get(0)?, expires_at: row.get(1)? })
    })?;
    Ok(Some(client))
}

/// The number of the client whose id or client id this is.
///
/// # Errors
/// If the store fails.
pub fn lookup_number(tx: &Tx<'_>, id: &str) -> Result<Option<ClientNumber>, StoreError> {
    let sql =
        if id.starts_with(gatepost_model::ids::CLIENT_ID) { &NUMBER_BY_CLIENT_ID } else { &NUMBER_BY_ID };
    tx.opt(sql, params![id], |row| row.get(0))
}

/// Up to `limit` clients with a number above `after`, in the order in which they were made.
///
/// # Errors
/// If the store fails.
pub fn list(tx: &Tx<'_>, after: ClientNumber, limit: u32) -> Result<Vec<ApiClient>, StoreError> {
    let numbers: Vec<ClientNumber> = tx.all(&NUMBERS, params![after, limit], |row| row.get(0))?;
    let mut clients = Vec::with_capacity(numbers.len());
    for number in numbers {
        clients.extend(lookup(tx, number)?);
    }
    Ok(clients)
}

/// Stores a new client with all that belongs to it.
///
/// # Errors
/// [`StoreError::Unique`] if an id is taken.
pub fn insert(tx: &Tx<'_>, client: &ApiClient) -> Result<(), StoreError> {
    tx.exec_later(
        &INSERT,
        params![
            client.number,
            &client.id,
            &client.client_id,
            &client.name,
            client.status.as_str(),
            client.api_version.as_str(),
            client.secret_policy.as_str(),
            client.payload.as_str(),
            lifetime_seconds(client),
            client.rate_limit,
            &allow_list_json(client)?,
            client.not_before,
            client.revision,
            &client.created_by,
            client.created_at,
        ],
    )?;
    save_parts(tx, None, client, client.created_at)
}

/// Brings the stored client from `before` to `after`, and announces it. False if the stored revision is no longer that
/// of `before`: then nothing was changed.
///
/// # Errors
/// If the store fails.
pub fn save(tx: &Tx<'_>, before: &ApiClient, after: &ApiClient, now: Timestamp) -> Result<bool, StoreError> {
    let changed = tx.exec(
        &UPDATE,
        params![
            before.number,
            before.revision,
            &after.name,
            after.status.as_str(),
            after.api_version.as_str(),
            after.secret_policy.as_str(),
            after.payload.as_str(),
            lifetime_seconds(after),
            after.rate_limit,
            &allow_list_json(after)?,
            after.not_before,
            after.revision,
        ],
    )?;
    if changed == 0 {
        return Ok(false);
    }
    save_parts(tx, Some(before), after, now)?;
    Ok(true)
}

/// Removes the client and all that belongs to it but its deliveries, which stay as a record.
///
/// # Errors
/// If the store fails.
pub fn delete(tx: &Tx<'_>, client: &ApiClient, now: Timestamp) -> Result<(), StoreError> {
    for workspace in &client.workspaces {
        tx.exec_later(&DISABLE, params![client.number, workspace.number])?;
    }
    for method in &client.methods {
        tx.exec_later(&UNTICK, params![client.number, method.as_str()])?;
    }
    webhook_urls::unsubscribe(tx, client.number)?;
    webhook_urls::save(tx, client.number, &client.webhook_urls, &[], now)?;
    for sql in [&DELETE_SECRETS, &DROP_ALL_REVOKED, &DROP_USE, &DROP_SECRET_USES, &DELETE] {
        tx.exec_later(sql, params![client.number])?;
    }
    tx.announce(Change::Client(client.number));
    Ok(())
}

/// Revokes one token until it would have ended anyway, and drops those of the client that have ended.
///
/// # Errors
/// If the store fails.
pub fn revoke_token(
    tx: &Tx<'_>,
    client: ClientNumber,
    token: &RevokedToken,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.exec_later(&DROP_REVOKED, params![client, now])?;
    tx.exec_later(&REVOKE_TOKEN, params![client, &token.id, token.expires_at])?;
    tx.announce(Change::Client(client));
    Ok(())
}

/// Notes a client's latest use.
///
/// # Errors
/// If the store fails.
pub fn note_use(tx: &Tx<'_>, client: ClientNumber, last: &LastUsed) -> Result<(), StoreError> {
    let address = last.address.to_string();
    tx.exec_later(&NOTE_USE, params![client, last.at, &address, &last.workspace])
}

/// Notes that a token was asked for with a secret.
///
/// # Errors
/// If the store fails.
pub fn note_secret_use(
    tx: &Tx<'_>,
    client: ClientNumber,
    number: u16,
    at: Timestamp,
    address: IpAddr,
) -> Result<(), StoreError> {
    tx.exec_later(&NOTE_SECRET_USE, params![client, number, at, &address.to_string()])
}

fn save_parts(
    tx: &Tx<'_>,
    before: Option<&ApiClient>,
    after: &ApiClient,
    now: Timestamp,
) -> Result<(), StoreError> {
    let client = after.number;
    let none = BTreeSet::new();
    save_workspaces(tx, client, before.map_or(&[], |client| &client.workspaces), &after.workspaces)?;
    save_methods(tx, client, before.map_or(&none, |client| &client.methods), &after.methods)?;
    save_secrets(tx, client, before.map_or(&[], |client| &client.secrets), &after.secrets)?;
    let urls = before.map_or(&[][..], |client| &client.webhook_urls);
    webhook_urls::save(tx, client, urls, &after.webhook_urls, now)?;
    webhook_urls::resubscribe(tx, after)?;
    tx.announce(Change::Client(client));
    Ok(())
}

fn save_workspaces(
    tx: &Tx<'_>,
    client: ClientNumber,
    before: &[Workspace],
    after: &[Workspace],
) -> Result<(), StoreError> {
    for gone in before.iter().filter(|old| after.iter().all(|new| new.number != old.number)) {
        tx.exec_later(&DISABLE, params![client, gone.number])?;
    }
    for added in after.iter().filter(|new| before.iter().all(|old| old.number != new.number)) {
        tx.exec_later(&ENABLE, params![client, added.number])?;
    }
    Ok(())
}

fn save_methods(
    tx: &Tx<'_>,
    client: ClientNumber,
    before: &BTreeSet<Method>,
    after: &BTreeSet<Method>,
) -> Result<(), StoreError> {
    for gone in before.difference(after) {
        tx.exec_later(&UNTICK, params![client, gone.as_str()])?;
    }
    for added in after.difference(before) {
        tx.exec_later(&TICK, params![client, added.as_str()])?;
    }
    Ok(())
}

fn save_secrets(
    tx: &Tx<'_>,
    client: ClientNumber,
    before: &[Secret],
    after: &[Secret],
) -> Result<(), StoreError> {
    for secret in after {
        let sealed = secret.sealed.as_ref().map(|sealed| sealed.0.as_slice());
        match before.iter().find(|old| old.number == secret.number) {
            Some(old) if old == secret => {}
            Some(_) => {
                tx.exec_later(
                    &UPDATE_SECRET,
                    params![client, secret.number, sealed, secret.expires_at, secret.killed_at],
                )?;
            }
            None => {
                tx.exec_later(
                    &INSERT_SECRET,
                    params![
                        client,
                        secret.number,
                        &secret.hint,
                        &secret.verifier.0,
                        sealed,
                        &secret.created_by,
                        secret.created_at,
                        secret.expires_at,
                        secret.killed_at,
                    ],
                )?;
            }
        }
    }
    Ok(())
}

fn methods(tx: &Tx<'_>, client: ClientNumber) -> Result<BTreeSet<Method>, StoreError> {
    let methods = tx.all(&METHODS, params![client], |row| {
        named("client_method.method", row.text(0)?, |text| text.parse().ok())
    })?;
    Ok(methods.into_iter().collect())
}

fn from_row(row: &Row<'_>) -> Result<ApiClient, StoreError> {
    let used_at: Option<Timestamp> = row.get(15)?;
    let last_used = match used_at {
        Some(at) => Some(LastUsed {
            at,
            address: named("client_use.address", row.text(16)?, |text| text.parse().ok())?,
            workspace: row.get(17)?,
        }),
        None => None,
    };
    let lifetime: i64 = row.get(8)?;
    Ok(ApiClient {
        number: row.get(0)?,
        id: row.get(1)?,
        client_id: row.get(2)?,
        name: row.get(3)?,
        status: named("api_client.status", row.text(4)?, ClientStatus::from_name)?,
        api_version: named("api_client.api_version", row.text(5)?, |text| text.parse().ok())?,
        secret_policy: named("api_client.secret_policy", row.text(6)?, SecretPolicy::from_name)?,
        payload: named("api_client.payload", row.text(7)?, PayloadShape::from_name)?,
        token_lifetime: Duration::from_secs(u64::try_from(lifetime).unwrap_or(0)),
        rate_limit: row.get(9)?,
        allow_list: named("api_client.allow_list", row.text(10)?, |text| {
            let texts: Vec<String> = serde_json::from_str(text).ok()?;
            Networks::parse(&texts).ok()
        })?,
        not_before: row.get(11)?,
        revision: row.get(12)?,
        workspaces: Vec::new(),
        webhook_urls: Vec::new(),
        methods: BTreeSet::new(),
        secrets: Vec::new(),
        revoked_tokens: Vec::new(),
        created_by: row.get(13)?,
        created_at: row.get(14)?,
        last_used,
    })
}

fn allow_list_json(client: &ApiClient) -> Result<String, StoreError> {
    serde_json::to_string(&client.allow_list)
        .map_err(|error| StoreError::Corrupt(format!("an allow list cannot be written: {error}")))
}

fn lifetime_seconds(client: &ApiClient) -> i64 {
    i64::try_from(client.token_lifetime.as_secs()).unwrap_or(i64::MAX)
}
