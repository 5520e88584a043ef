//! API clients: making, looking at, changing, cutting off.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use gatepost_core::client_list::{Cursor, Group, Order, Wanted};
use gatepost_core::clients::{ClientChange, ListChange, NewClient, WithSecrets};
use gatepost_core::{Error, Gatepost, view};
use gatepost_http::Problem;
use gatepost_keys::Plain;
use gatepost_model::webhook::PayloadShape;
use gatepost_model::{ApiClient, ClientNumber, SecretPolicy, Timestamp, User};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::matching::{revision, tagged};
use super::members::{Members, invalid};
use super::query::{Parameters, checked_limit};
use super::secrets::with_secrets;

/// Which clients: `after` is the id of the last one of the page before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    q: Option<String>,
    workspace: Option<String>,
    version: Option<String>,
    status: Option<String>,
    sort: Option<String>,
    reversed: Option<bool>,
    after: Option<String>,
    limit: Option<u32>,
}

impl Listed {
    /// Whether nothing is asked for but a page in the usual order.
    const fn is_plain(&self) -> bool {
        self.q.is_none()
            && self.workspace.is_none()
            && self.version.is_none()
            && self.status.is_none()
            && self.sort.is_none()
            && self.reversed.is_none()
    }

    fn wanted(self, limit: u32) -> Result<Wanted, Problem> {
        let version = self.version.map(|version| version.parse());
        Ok(Wanted {
            search: self.q.unwrap_or_default(),
            workspace: self.workspace,
            version: version.transpose().map_err(|error| invalid("version", error))?,
            group: chosen("status", self.status, (GROUP_NAMES, &Group::ALL))?.unwrap_or_default(),
            order: chosen("sort", self.sort, (ORDER_NAMES, &ORDERS))?.unwrap_or(Order::Created),
            reversed: self.reversed.unwrap_or(false),
            cursor: self.after.map_or(Cursor::Start, Cursor::After),
            limit: limit as usize,
        })
    }
}

const ORDERS: [Order; 5] = [Order::Created, Order::Standing, Order::Name, Order::Version, Order::LastUsed];

/// The names of what lists can be narrowed to, and sorted by.
pub(super) const GROUP_NAMES: &[&str] = &["all", "attention", "active", "never-used", "disabled", "revoked"];
pub(super) const ORDER_NAMES: &[&str] = &["created", "standing", "name", "version", "last-used"];

fn chosen<T: Copy>(
    field: &'static str,
    name: Option<String>,
    (names, choices): (&[&str], &[T]),
) -> Result<Option<T>, Problem> {
    let Some(name) = name else { return Ok(None) };
    let found = names.iter().zip(choices).find(|(known, _)| **known == name);
    let unknown = || invalid(field, format!("must be one of {}", names.join(", ")));
    found.map(|(_, choice)| Some(*choice)).ok_or_else(unknown)
}

/// `GET /clients`: in the order in which they were made, unless another is asked for.
pub(super) async fn list(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Parameters(listed): Parameters<Listed>,
) -> Result<Json<Value>, Problem> {
    let (limit, now) = (checked_limit(listed.limit)?, gatepost.now());
    if !listed.is_plain() {
        let found = gatepost.search_clients(sees_as.as_ref(), listed.wanted(limit)?).await?;
        return Ok(Json(found.iter().map(|client| view::client(client, now)).collect()));
    }
    let after = match listed.after {
        Some(id) => seen_client(&gatepost, sees_as.as_ref(), &id).await?.number,
        None => ClientNumber(0),
    };
    let clients = match &sees_as {
        Some(user) => gatepost.clients_managed_by(user, after, limit).await?,
        None => gatepost.list_clients(after, limit).await?,
    };
    Ok(Json(clients.iter().map(|client| view::client(client, now)).collect()))
}

/// `GET /clients/{id}`: by id or client id.
pub(super) async fn show(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let client = seen_client(&gatepost, sees_as.as_ref(), &id).await?;
    Ok(shown(&client, view::client(&client, gatepost.now())))
}

/// `POST /clients`: the answer holds `clientSecret` and a `signingSecret` for each webhook URL.
pub(super) async fn create(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    mut members: Members,
) -> Result<Response, Problem> {
    let new = NewClient {
        workspaces: members.texts("workspaces")?.unwrap_or_default(),
        webhook_urls: members.texts("webhookUrls")?.unwrap_or_default(),
        methods: members.texts("methods")?.unwrap_or_default(),
        api_version: members.parsed("apiVersion")?,
        secret_policy: secret_policy(&mut members)?.unwrap_or(SecretPolicy::Revealable),
        token_lifetime: members.duration("tokenLifetime")?,
        rate_limit: members.limit("rateLimit")?.flatten(),
        allow_list: members.networks("allowIps")?.unwrap_or_default(),
        ..NewClient::named(members.required_text("name")?)
    };
    members.finish()?;
    let made = gatepost.create_client(&actor, new).await?;
    Ok((StatusCode::CREATED, with_made(&made, gatepost.now())).into_response())
}

/// `PATCH /clients/{id}`: what is not named stays as it is. The answer holds a `signingSecret` for each webhook URL that
/// was added.
pub(super) async fn update(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    headers: HeaderMap,
    mut members: Members,
) -> Result<Response, Problem> {
    let change = ClientChange {
        revision: revision(&headers, members.number("revision")?)?,
        name: members.text("name")?,
        api_version: members.parsed("apiVersion")?,
        token_lifetime: members.duration("tokenLifetime")?,
        rate_limit: members.limit("rateLimit")?,
        allow_list: members.networks("allowIps")?,
        payload: members.named("payload", "record or envelope", PayloadShape::from_name)?,
        secret_policy: secret_policy(&mut members)?,
        workspaces: list_change(&mut members, ["workspaces", "addWorkspaces", "removeWorkspaces"])?,
        webhook_urls: list_change(&mut members, ["webhookUrls", "addWebhookUrls", "removeWebhookUrls"])?,
        methods: list_change(&mut members, ["methods", "addMethods", "removeMethods"])?,
    };
    members.finish()?;
    let changed = gatepost.update_client(&actor, &id, change).await?;
    Ok(with_made(&changed, gatepost.now()))
}

/// `DELETE /clients/{id}`: answers what was deleted.
pub(super) async fn remove(
    State(gatepost): Shared,
    Administrator { actor, sees_as }: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let client = seen_client(&gatepost, sees_as.as_ref(), &id).await?;
    gatepost.delete_client(&actor, &client.id).await?;
    let ApiClient { id, client_id, name, .. } = client;
    Ok(Json(json!({ "id": id, "clientId": client_id, "name": name, "deleted": true })))
}

/// `POST /clients/{id}/disable`
pub(super) async fn disable(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Response, Problem> {
    members.finish()?;
    answer(&gatepost, gatepost.disable_client(&actor, &id).await)
}

/// `POST /clients/{id}/enable`
pub(super) async fn enable(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Response, Problem> {
    members.finish()?;
    answer(&gatepost, gatepost.enable_client(&actor, &id).await)
}

/// `POST /clients/{id}/revoke`
pub(super) async fn revoke(
    State(gatepost): Shared,
    Administrator { actor, .. }: Administrator,
    Path(id): Path<String>,
    members: Members,
) -> Result<Response, Problem> {
    members.finish()?;
    answer(&gatepost, gatepost.revoke_client(&actor, &id).await)
}

/// A client as it is stored now, if whoever calls may see it.
pub(super) async fn seen_client(
    gatepost: &Gatepost,
    sees_as: Option<&User>,
    id: &str,
) -> Result<ApiClient, Error> {
    match sees_as {
        Some(user) => gatepost.managed_client(user, id).await,
        None => gatepost.show_client(id).await,
    }
}

/// A client as the answer to a change of it.
pub(super) fn answer(gatepost: &Gatepost, client: Result<ApiClient, Error>) -> Result<Response, Problem> {
    let client = client?;
    Ok(shown(&client, view::client(&client, gatepost.now())))
}

/// A client whose webhook URL got a new signing key.
pub(super) fn with_signing_key(client: &ApiClient, key: Option<(String, Plain)>, now: Timestamp) -> Response {
    shown(client, with_secrets(client, None, key.as_slice(), now))
}

/// A client with what was just made for it.
pub(super) fn with_made(made: &WithSecrets, now: Timestamp) -> Response {
    let body = with_secrets(&made.client, made.secret.as_ref(), &made.signing_keys, now);
    shown(&made.client, body)
}

/// The revision goes along as `ETag`, to be sent back as `If-Match`.
pub(super) fn shown(client: &ApiClient, body: Value) -> Response {
    tagged(client.revision, body)
}

fn secret_policy(members: &mut Members) -> Result<Option<SecretPolicy>, Problem> {
    members.named("secretPolicy", "revealable or once", SecretPolicy::from_name)
}

fn list_change(members: &mut Members, [set, add, remove]: [&'static str; 3]) -> Result<ListChange, Problem> {
    Ok(ListChange {
        set: members.texts(set)?,
        add: members.texts(add)?.unwrap_or_default(),
        remove: members.texts(remove)?.unwrap_or_default(),
    })
}
