//! API clients: making, changing, cutting off.

use std::sync::Arc;
use std::time::Duration;

use gatepost_keys::{Plain, Sealing, secret};
use gatepost_model::client::{SHORTEST_TOKEN_LIFETIME, TOKEN_LIFETIME};
use gatepost_model::network::Networks;
use gatepost_model::webhook::PayloadShape;
use gatepost_model::{
    ApiClient, ApiVersion, ClientNumber, ClientStatus, Method, Secret, SecretPolicy, SigningScheme,
    Timestamp, UrlState, WebhookUrl, ids,
};
use gatepost_store::Tx;
use gatepost_store::tables::{clients, workspaces};

use crate::access::{admit_workspaces, load_managed, no_workspace};
use crate::audit::Note;
use crate::workspaces::checked_name;
use crate::{Actor, Error, Gatepost, view};

/// What a new client is to be.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// What people call it.
    pub name: String,
    /// Subdomains of the workspaces that it is enabled for.
    pub workspaces: Vec<String>,
    /// Where its webhooks go.
    pub webhook_urls: Vec<String>,
    /// The methods that are ticked; `task.*` and `*` stand for several.
    pub methods: Vec<String>,
    /// Its version of the API; the newest if none is named.
    pub api_version: Option<ApiVersion>,
    /// Whether its secret can be seen again.
    pub secret_policy: SecretPolicy,
    /// How long its tokens live; 72 hours if nothing is said.
    pub token_lifetime: Option<Duration>,
    /// Requests per hour, if not the deployment's default.
    pub rate_limit: Option<u32>,
    /// Where it may call from.
    pub allow_list: Networks,
}

impl NewClient {
    /// A client with a name and nothing else.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            workspaces: Vec::new(),
            webhook_urls: Vec::new(),
            methods: Vec::new(),
            api_version: None,
            secret_policy: SecretPolicy::Revealable,
            token_lifetime: None,
            rate_limit: None,
            allow_list: Networks::default(),
        }
    }
}

/// A change of a list: replaced whole, or by what is added and removed.
#[derive(Clone, Debug, Default)]
pub struct ListChange {
    /// The whole new list.
    pub set: Option<Vec<String>>,
    /// What to add.
    pub add: Vec<String>,
    /// What to take off.
    pub remove: Vec<String>,
}

/// A change of a client: what is none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// The revision that the change was made for; if the client has another by then, nothing is changed.
    pub revision: Option<i64>,
    /// A new name.
    pub name: Option<String>,
    /// Another version of the API.
    pub api_version: Option<ApiVersion>,
    /// Another lifetime of tokens issued from now on.
    pub token_lifetime: Option<Duration>,
    /// Another limit, or the deployment's default.
    pub rate_limit: Option<Option<u32>>,
    /// Another allow list.
    pub allow_list: Option<Networks>,
    /// Another shape of webhook bodies.
    pub payload: Option<PayloadShape>,
    /// Another policy. *Once* destroys the copies that could be revealed.
    pub secret_policy: Option<SecretPolicy>,
    /// Subdomains of workspaces.
    pub workspaces: ListChange,
    /// Webhook URLs; to take one off, its id or its text.
    pub webhook_urls: ListChange,
    /// Methods; `task.*` and `*` stand for several.
    pub methods: ListChange,
}

/// A client with the secrets that were just made for it, to be shown this once.
#[derive(Clone, Debug)]
pub struct WithSecrets {
    /// The client.
    pub client: ApiClient,
    /// Its new secret, if one was made.
    pub secret: Option<Plain>,
    /// The signing keys of webhook URLs that were added: URL id and key.
    pub signing_keys: Vec<(String, Plain)>,
}

impl Gatepost {
    /// Makes a client. The product chooses its client id and secret (contract A7).
    ///
    /// # Errors
    /// If a value cannot be what it was given as, or the store fails.
    pub async fn create_client(
        self: &Arc<Self>,
        actor: &Actor,
        new: NewClient,
    ) -> Result<WithSecrets, Error> {
        let now = self.now();
        let name = checked_name("name", &new.name)?;
        let lifetime = checked_lifetime(new.token_lifetime.unwrap_or(TOKEN_LIFETIME))?;
        let plain = secret::generate(&*self.random);
        let (this, actor) = (Arc::clone(self), actor.clone());
        self.store
            .write(move |tx| {
                let mut client = ApiClient {
                    id: ids::sortable(ids::CLIENT, now, &*this.random),
                    number: clients::next_number(tx)?,
                    name: name.clone(),
                    client_id: ids::client_id(&*this.random),
                    status: ClientStatus::Active,
                    api_version: new.api_version.unwrap_or(ApiVersion::NEWEST),
                    secret_policy: new.secret_policy,
                    payload: PayloadShape::Record,
                    token_lifetime: lifetime,
                    rate_limit: new.rate_limit,
                    allow_list: new.allow_list.clone(),
                    not_before: now,
                    revision: 1,
                    workspaces: Vec::new(),
                    webhook_urls: Vec::new(),
                    methods: Default::default(),
                    secrets: Vec::new(),
                    revoked_tokens: Vec::new(),
                    created_by: actor.creator(),
                    created_at: now,
                    last_used: None,
                };
                this.add_secret(&mut client, &plain, &actor, now);
                this.change_workspaces(tx, &mut client, &set(&new.workspaces))?;
                admit_workspaces(tx, &actor, &[], &client.workspaces)?;
                this.change_methods(&mut client, &set(&new.methods))?;
                let signing_keys = this.change_urls(&mut client, &set(&new.webhook_urls), now)?;
                clients::insert(tx, &client)?;
                let after = view::client(&client, now);
                let subject_id = &client.id;
                let note = Note {
                    actor: &actor,
                    action: "client.create",
                    subject_id,
                    before: None,
                    after: Some(&after),
                };
                this.note(tx, now, &note)?;
                Ok(WithSecrets { client, secret: Some(plain.clone()), signing_keys })
            })
            .await
    }

    /// Changes a client. When this returns, the change is in force.
    ///
    /// # Errors
    /// If the client does not exist, has another revision than the change was made for, a value cannot be what it was
    /// given as, or the store fails.
    pub async fn update_client(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        change: ClientChange,
    ) -> Result<WithSecrets, Error> {
        let revision = change.revision;
        let this = Arc::clone(self);
        let (client, signing_keys) = self
            .change_client(actor, id, ("client.update", revision), move |tx, client, now| {
                this.apply(tx, client, &change, now)
            })
            .await?;
        Ok(WithSecrets { client, secret: None, signing_keys })
    }

    /// Stops a client until it is enabled again (contract A33 for as long as it lasts).
    ///
    /// # Errors
    /// If the client does not exist or was revoked, or the store fails.
    pub async fn disable_client(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<ApiClient, Error> {
        self.change_status(actor, id, "client.disable", ClientStatus::Disabled).await
    }

    /// Lets a disabled client act again.
    ///
    /// # Errors
    /// If the client does not exist or was revoked, or the store fails.
    pub async fn enable_client(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<ApiClient, Error> {
        self.change_status(actor, id, "client.enable", ClientStatus::Active).await
    }

    /// Cuts a client off for good: every token of it is dead when this returns, and no other client is touched.
    ///
    /// # Errors
    /// If the client does not exist, or the store fails.
    pub async fn revoke_client(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<ApiClient, Error> {
        self.change_status(actor, id, "client.revoke", ClientStatus::Revoked).await
    }

    /// Deletes a client. Its deliveries stay as a record.
    ///
    /// # Errors
    /// If the client does not exist, or the store fails.
    pub async fn delete_client(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<(), Error> {
        let now = self.now();
        let (this, actor, id) = (Arc::clone(self), actor.clone(), id.to_owned());
        self.store
            .write(move |tx| {
                let client = load_managed(tx, &actor, &id)?;
                clients::delete(tx, &client, now)?;
                let before = view::client(&client, now);
                let subject_id = &client.id;
                let note = Note {
                    actor: &actor,
                    action: "client.delete",
                    subject_id,
                    before: Some(&before),
                    after: None,
                };
                this.note(tx, now, &note)
            })
            .await
    }

    /// The client with this id or client id.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn get_client(&self, id: &str) -> Result<Arc<ApiClient>, Error> {
        let found = self.directory.lookup_by_id(&self.store, id).await?;
        found.ok_or_else(|| Error::not_found("API client", id))
    }

    /// The client with this id or client id, as it is stored now, last use included.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn show_client(&self, id: &str) -> Result<ApiClient, Error> {
        let id = id.to_owned();
        self.store.read(move |tx| load(tx, &id)).await
    }

    /// Up to `limit` clients after the one with number `after`, in the order in which they were made.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_clients(&self, after: ClientNumber, limit: u32) -> Result<Vec<ApiClient>, Error> {
        self.store.read(move |tx| clients::list(tx, after, limit)).await.map_err(Error::Store)
    }

    async fn change_status(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        action: &'static str,
        to: ClientStatus,
    ) -> Result<ApiClient, Error> {
        let changed = self.change_client(actor, id, (action, None), move |_, client, now| {
            if client.status == ClientStatus::Revoked && to != ClientStatus::Revoked {
                return Err(Error::Conflict(String::from(
                    "the client was revoked, which is for good: make a new one",
                )));
            }
            client.status = to;
            if to == ClientStatus::Revoked {
                client.not_before = now;
            }
            Ok(())
        });
        Ok(changed.await?.0)
    }

    /// Loads a client, lets `change` work on it, and saves it with an audit entry, all in one transaction.
    pub(crate) async fn change_client<T, F>(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        (action, revision): (&'static str, Option<i64>),
        change: F,
    ) -> Result<(ApiClient, T), Error>
    where
        T: Send + 'static,
        F: Fn(&Tx<'_>, &mut ApiClient, Timestamp) -> Result<T, Error> + Send + 'static,
    {
        let now = self.now();
        let (this, asker, named) = (Arc::clone(self), actor.clone(), id.to_owned());
        let outcome = self
            .store
            .write(move |tx| {
                let before = load_managed(tx, &asker, &named)?;
                if revision.is_some_and(|revision| revision != before.revision) {
                    return Err(stale(&before));
                }
                let mut after = before.clone();
                let made = change(tx, &mut after, now)?;
                admit_workspaces(tx, &asker, &before.workspaces, &after.workspaces)?;
                after.revision = before.revision + 1;
                if !clients::save(tx, &before, &after, now)? {
                    return Err(stale(&before));
                }
                let (old, new) = (view::client(&before, now), view::client(&after, now));
                let subject_id = &after.id;
                let note = Note { actor: &asker, action, subject_id, before: Some(&old), after: Some(&new) };
                this.note(tx, now, &note)?;
                Ok((after, made))
            })
            .await;
        self.note_foreign(actor, id, outcome).await
    }

    /// Adds a secret under the client's policy.
    pub(crate) fn add_secret(&self, client: &mut ApiClient, plain: &Plain, actor: &Actor, now: Timestamp) {
        let number = client.secrets.iter().map(|secret| secret.number).max().unwrap_or(0).saturating_add(1);
        let sealed = (client.secret_policy == SecretPolicy::Revealable)
            .then(|| self.keyring.seal(plain, Sealing::Secret(&client.id, number), &*self.random));
        client.secrets.push(Secret {
            number,
            hint: secret::hint(plain),
            verifier: self.keyring.verifier(plain.expose()),
            sealed,
            created_by: actor.to_string(),
            created_at: now,
            expires_at: None,
            killed_at: None,
            last_used: None,
        });
    }

    fn apply(
        &self,
        tx: &Tx<'_>,
        client: &mut ApiClient,
        change: &ClientChange,
        now: Timestamp,
    ) -> Result<Vec<(String, Plain)>, Error> {
        if let Some(name) = &change.name {
            client.name = checked_name("name", name)?;
        }
        if let Some(version) = change.api_version {
            client.api_version = version;
        }
        if let Some(lifetime) = change.token_lifetime {
            client.token_lifetime = checked_lifetime(lifetime)?;
        }
        if let Some(limit) = change.rate_limit {
            client.rate_limit = limit;
        }
        if let Some(list) = &change.allow_list {
            client.allow_list = list.clone();
        }
        if let Some(payload) = change.payload {
            client.payload = payload;
        }
        if let Some(policy) = change.secret_policy {
            client.secret_policy = policy;
            if policy == SecretPolicy::Once {
                client.secrets.iter_mut().for_each(|secret| secret.sealed = None);
            }
        }
        self.change_workspaces(tx, client, &change.workspaces)?;
        self.change_methods(client, &change.methods)?;
        self.change_urls(client, &change.webhook_urls, now)
    }

    fn change_workspaces(
        &self,
        tx: &Tx<'_>,
        client: &mut ApiClient,
        change: &ListChange,
    ) -> Result<(), Error> {
        if let Some(list) = &change.set {
            client
                .workspaces
                .retain(|workspace| list.iter().any(|name| name == workspace.subdomain.as_str()));
        }
        for name in &change.remove {
            let had = client.workspaces.len();
            client.workspaces.retain(|workspace| workspace.subdomain.as_str() != name);
            if client.workspaces.len() == had {
                return Err(Error::invalid(
                    "workspaces",
                    format!("the client is not enabled for \"{name}\""),
                ));
            }
        }
        for name in change.set.iter().flatten().chain(&change.add) {
            if client.workspace(name).is_some() {
                continue;
            }
            let found = workspaces::lookup_by_subdomain(tx, name)?.ok_or_else(|| no_workspace(name))?;
            client.workspaces.push(found);
        }
        client.workspaces.sort_by(|one, other| one.subdomain.cmp(&other.subdomain));
        Ok(())
    }

    fn change_methods(&self, client: &mut ApiClient, change: &ListChange) -> Result<(), Error> {
        if let Some(list) = &change.set {
            client.methods = self.expand_methods(list)?.into_iter().collect();
        }
        client.methods.extend(self.expand_methods(&change.add)?);
        for method in self.expand_methods(&change.remove)? {
            client.methods.remove(&method);
        }
        Ok(())
    }

    /// `task.edit` as it is, `task.*` and `*` as all that they stand for.
    fn expand_methods(&self, names: &[String]) -> Result<Vec<Method>, Error> {
        let mut methods = Vec::new();
        for name in names {
            let before = methods.len();
            match name.strip_suffix('*') {
                Some("") => methods.extend(self.catalog.methods()),
                Some(start) if start.ends_with('.') => {
                    methods
                        .extend(self.catalog.methods().filter(|method| method.as_str().starts_with(start)));
                }
                _ => {
                    let method: Method =
                        name.parse().map_err(|error| Error::invalid("methods", format!("{error}")))?;
                    methods.extend(self.catalog.knows_method(&method).then_some(method));
                }
            }
            if methods.len() == before {
                let problem = format!("\"{name}\" stands for no method: no such entity type has events");
                return Err(Error::invalid("methods", problem));
            }
        }
        Ok(methods)
    }

    fn change_urls(
        &self,
        client: &mut ApiClient,
        change: &ListChange,
        now: Timestamp,
    ) -> Result<Vec<(String, Plain)>, Error> {
        if let Some(list) = &change.set {
            client.webhook_urls.retain(|url| list.contains(&url.url));
        }
        for given in &change.remove {
            let had = client.webhook_urls.len();
            client.webhook_urls.retain(|url| url.id != *given && url.url != *given);
            if client.webhook_urls.len() == had {
                return Err(Error::invalid(
                    "webhookUrls",
                    format!("the client has no webhook URL \"{given}\""),
                ));
            }
        }
        let mut keys = Vec::new();
        let given: Vec<&String> = change.set.iter().flatten().chain(&change.add).collect();
        // Ids of one moment sort by chance. Sorted first, they keep the URLs in the order in which they were given.
        let mut ids: Vec<_> =
            given.iter().map(|_| ids::sortable(ids::WEBHOOK_URL, now, &*self.random)).collect();
        ids.sort_unstable();
        for (given, id) in given.into_iter().zip(ids) {
            if client.webhook_urls.iter().any(|url| url.url == *given) {
                continue;
            }
            (self.vet_url)(given, &self.settings.webhook_networks)
                .map_err(|problem| Error::invalid("webhookUrls", problem))?;
            let key = self.new_signing_key(SigningScheme::Hmac, &id);
            client.webhook_urls.push(WebhookUrl {
                id: id.clone(),
                url: given.clone(),
                state: UrlState::Active,
                reason: None,
                failing: None,
                signing_keys: vec![key.stored],
                headers: Vec::new(),
                created_at: now,
            });
            keys.push((id, key.shown));
        }
        let most = self.settings.most_webhook_urls;
        if client.webhook_urls.len() > most {
            return Err(Error::invalid(
                "webhookUrls",
                format!("a client can have {most} webhook URLs at most"),
            ));
        }
        Ok(keys)
    }
}

/// The client with this id or client id, as the transaction sees it.
pub(crate) fn load(tx: &Tx<'_>, id: &str) -> Result<ApiClient, Error> {
    let number = clients::lookup_number(tx, id)?;
    let client = match number {
        Some(number) => clients::lookup(tx, number)?,
        None => None,
    };
    client.ok_or_else(|| Error::not_found("API client", id))
}

fn set(list: &[String]) -> ListChange {
    ListChange { set: Some(list.to_vec()), ..ListChange::default() }
}

fn stale(client: &ApiClient) -> Error {
    Error::Conflict(format!(
        "the client was changed by someone else in the meantime (it is now at revision {}): look at it again, then repeat \
         your change",
        client.revision
    ))
}

fn checked_lifetime(lifetime: Duration) -> Result<Duration, Error> {
    if (SHORTEST_TOKEN_LIFETIME..=TOKEN_LIFETIME).contains(&lifetime) {
        return Ok(Duration::from_secs(lifetime.as_secs()));
    }
    Err(Error::invalid("tokenLifetime", "must be from 1 minute to 72 hours"))
}
