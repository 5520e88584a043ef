//! The clients that a user manages, as a list that is searched, filtered, sorted and paged.
//!
//! Every client is looked at in few words, which costs little even for ten thousand; only the page is loaded whole.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gatepost_model::{ApiClient, ApiVersion, ClientNumber, ClientStatus, Timestamp, User, WorkspaceNumber};
use gatepost_store::Tx;
use gatepost_store::tables::client_list::{self, Summary};
use gatepost_store::tables::{Page, audit, clients};

use crate::{Error, Gatepost};

/// A client that was never used says so once it is so old.
const NEVER_USED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// So many of a client's audit entries are searched for who stopped it.
const ENTRIES_SEARCHED: u32 = 50;

/// How a client is doing: the first that applies, in the order in which a list shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A webhook URL was disabled by what its receiver answered.
    WebhookFailing,
    /// It works.
    Active,
    /// It was made a while ago and has never called.
    NeverUsed,
    /// It is stopped for now.
    Disabled,
    /// It is stopped for good.
    Revoked,
}

impl Standing {
    fn of(client: &Summary, failing: &BTreeSet<ClientNumber>, now: Timestamp) -> Self {
        match client.status {
            ClientStatus::Revoked => Self::Revoked,
            ClientStatus::Disabled => Self::Disabled,
            ClientStatus::Active if failing.contains(&client.number) => Self::WebhookFailing,
            ClientStatus::Active if is_forgotten(client, now) => Self::NeverUsed,
            ClientStatus::Active => Self::Active,
        }
    }
}

fn is_forgotten(client: &Summary, now: Timestamp) -> bool {
    client.used_at.is_none() && now >= client.created_at.plus(NEVER_USED_AFTER)
}

/// Which clients are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// All of them.
    #[default]
    All,
    /// Those that somebody must do something about.
    Attention,
    /// Those that may act and do.
    Active,
    /// Those that have never called.
    NeverUsed,
    /// Those that are stopped for now.
    Disabled,
    /// Those that are stopped for good.
    Revoked,
}

impl Group {
    /// Every group, as pages offer them.
    pub const ALL: [Self; 6] =
        [Self::All, Self::Attention, Self::Active, Self::NeverUsed, Self::Disabled, Self::Revoked];

    const fn has(self, standing: Standing) -> bool {
        match self {
            Self::All => true,
            Self::Attention => matches!(standing, Standing::WebhookFailing),
            Self::Active => matches!(standing, Standing::WebhookFailing | Standing::Active),
            Self::NeverUsed => matches!(standing, Standing::NeverUsed),
            Self::Disabled => matches!(standing, Standing::Disabled),
            Self::Revoked => matches!(standing, Standing::Revoked),
        }
    }
}

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Those that need attention first, then by last use.
    #[default]
    Standing,
    /// By name.
    Name,
    /// By version of the API, newest first.
    Version,
    /// By last use, latest first.
    LastUsed,
}

/// Which page: of the clients after this one, before this one, or from the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cursor {
    /// The first page.
    #[default]
    Start,
    /// The page that follows the client with this id.
    After(String),
    /// The page that ends before the client with this id.
    Before(String),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Part of a name, a client id, an id or a webhook URL; empty for all.
    pub search: String,
    /// Enabled for the workspace with this subdomain.
    pub workspace: Option<String>,
    /// Of this version.
    pub version: Option<ApiVersion>,
    /// Of this group.
    pub group: Group,
    /// Sorted by this.
    pub order: Order,
    /// The other way round.
    pub reversed: bool,
    /// From here.
    pub cursor: Cursor,
    /// So many at most.
    pub limit: usize,
}

/// One client of the page.
#[derive(Clone, Debug)]
pub struct Row {
    /// The client, whole.
    pub client: ApiClient,
    /// How it is doing.
    pub standing: Standing,
    /// Who stopped it and when, if it is stopped and that is known.
    pub stopped: Option<(String, Timestamp)>,
}

/// A page of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The clients, in order.
    pub rows: Vec<Row>,
    /// How many come before them.
    pub skipped: usize,
    /// How many there are in all pages.
    pub total: usize,
    /// How many each group has, whatever is searched for.
    pub counts: Vec<(Group, usize)>,
    /// Where the page before ends, if there is one.
    pub previous: Option<Cursor>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl Gatepost {
    /// A page of the clients that `user` manages.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_managed_clients(
        self: &Arc<Self>,
        user: &User,
        wanted: Wanted,
    ) -> Result<Listed, Error> {
        let (user, now) = (user.clone(), self.now());
        self.store.read(move |tx| listed(tx, &user, &wanted, now)).await
    }

    /// How many clients `user` manages.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count_managed_clients(&self, user: &User) -> Result<u64, Error> {
        let id = user.id.clone();
        self.store.read(move |tx| client_list::count_managed(tx, &id)).await.map_err(Error::Store)
    }

    /// Whether `user` manages a client that people call so, whatever the case of its letters.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn has_managed_client_named(&self, user: &User, name: &str) -> Result<bool, Error> {
        let (id, name) = (user.id.clone(), name.trim().to_lowercase());
        let managed = self.store.read(move |tx| client_list::list_managed(tx, &id)).await?;
        Ok(managed.iter().any(|client| client.name.to_lowercase() == name))
    }

    /// What people call each of the clients that `user` manages.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_client_names(&self, user: &User) -> Result<BTreeMap<ClientNumber, String>, Error> {
        let id = user.id.clone();
        let managed = self.store.read(move |tx| client_list::list_managed(tx, &id)).await?;
        Ok(managed.into_iter().map(|client| (client.number, client.name)).collect())
    }

    /// How many of the clients that `user` manages are enabled for each workspace that they administer.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count_clients_by_workspace(
        &self,
        user: &User,
    ) -> Result<BTreeMap<WorkspaceNumber, usize>, Error> {
        let user = user.clone();
        self.store
            .read(move |tx| {
                let managed = client_list::list_managed(tx, &user.id)?;
                let managed: BTreeSet<_> = managed.into_iter().map(|client| client.number).collect();
                let mut counts = BTreeMap::new();
                for workspace in user.administered() {
                    let enabled = client_list::list_enabled(tx, workspace.number)?;
                    let many = enabled.iter().filter(|number| managed.contains(number)).count();
                    counts.insert(workspace.number, many);
                }
                Ok::<_, Error>(counts)
            })
            .await
    }

    /// How one client is doing, and who stopped it if it is stopped.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn client_standing(&self, client: ApiClient) -> Result<Row, Error> {
        let now = self.now();
        let failing = client.webhook_urls.iter().any(|url| url.state == gatepost_model::UrlState::Disabled);
        let failing = failing.then_some(client.number).into_iter().collect();
        let standing = Standing::of(&summary(&client), &failing, now);
        self.store.read(move |tx| row(tx, client, standing)).await
    }
}

fn summary(client: &ApiClient) -> Summary {
    Summary {
        number: client.number,
        id: client.id.clone(),
        client_id: client.client_id.clone(),
        name: client.name.clone(),
        status: client.status,
        api_version: client.api_version,
        created_at: client.created_at,
        used_at: client.last_used.as_ref().map(|last| last.at),
    }
}

fn listed(tx: &Tx<'_>, user: &User, wanted: &Wanted, now: Timestamp) -> Result<Listed, Error> {
    let failing: BTreeSet<_> = client_list::list_with_disabled_url(tx)?.into_iter().collect();
    let all: Vec<_> = client_list::list_managed(tx, &user.id)?
        .into_iter()
        .map(|client| (Standing::of(&client, &failing, now), client))
        .collect();
    let counts = Group::ALL
        .map(|group| (group, all.iter().filter(|(standing, _)| group.has(*standing)).count()))
        .to_vec();
    let mut matching = matching(tx, user, wanted, all)?;
    matching.sort_by(|one, other| ordered(wanted, one, other));
    let (skipped, page) = page(&matching, wanted);
    let mut rows = Vec::with_capacity(page.len());
    for (standing, summary) in page {
        if let Some(client) = clients::lookup(tx, summary.number)? {
            rows.push(row(tx, client, *standing)?);
        }
    }
    let id = |at: usize| matching.get(at).map(|(_, client)| client.id.clone());
    let end = skipped + page.len();
    Ok(Listed {
        rows,
        skipped,
        total: matching.len(),
        counts,
        previous: if skipped > 0 { id(skipped).map(Cursor::Before) } else { None },
        next: if end < matching.len() { id(end.saturating_sub(1)).map(Cursor::After) } else { None },
    })
}

fn matching(
    tx: &Tx<'_>,
    user: &User,
    wanted: &Wanted,
    mut clients: Vec<(Standing, Summary)>,
) -> Result<Vec<(Standing, Summary)>, Error> {
    clients.retain(|(standing, client)| {
        wanted.group.has(*standing) && wanted.version.is_none_or(|version| client.api_version == version)
    });
    if let Some(subdomain) = &wanted.workspace {
        // A workspace of others is one without clients: whether it exists is not told.
        let workspace = user.administered().find(|known| known.subdomain.as_str() == subdomain);
        let enabled: BTreeSet<_> = match workspace {
            Some(workspace) => client_list::list_enabled(tx, workspace.number)?.into_iter().collect(),
            None => BTreeSet::new(),
        };
        clients.retain(|(_, client)| enabled.contains(&client.number));
    }
    let search = wanted.search.trim().to_lowercase();
    if !search.is_empty() {
        let urls = client_list::list_with_url(tx, |url| url.to_lowercase().contains(&search))?;
        let urls: BTreeSet<_> = urls.into_iter().collect();
        clients.retain(|(_, client)| {
            client.name.to_lowercase().contains(&search)
                || client.client_id.to_lowercase().contains(&search)
                || client.id == search
                || urls.contains(&client.number)
        });
    }
    Ok(clients)
}

/// The order of two clients. It always ends with the id, so that pages fit together.
fn ordered(wanted: &Wanted, one: &(Standing, Summary), other: &(Standing, Summary)) -> Ordering {
    let ((standing, client), (other_standing, other)) = (one, other);
    let used = || Reverse(client.used_at).cmp(&Reverse(other.used_at));
    let name = || client.name.to_lowercase().cmp(&other.name.to_lowercase());
    let order = match wanted.order {
        Order::Standing => standing.cmp(other_standing).then_with(used).then_with(name),
        Order::Name => name(),
        Order::Version => Reverse(client.api_version).cmp(&Reverse(other.api_version)).then_with(name),
        Order::LastUsed => used().then_with(name),
    };
    let order = order.then_with(|| client.id.cmp(&other.id));
    if wanted.reversed { order.reverse() } else { order }
}

/// The clients of the page, and how many come before them. A cursor whose client is gone shows the first page.
fn page<'c>(clients: &'c [(Standing, Summary)], wanted: &Wanted) -> (usize, &'c [(Standing, Summary)]) {
    let place = |id: &str| clients.iter().position(|(_, client)| client.id == id);
    let start = match &wanted.cursor {
        Cursor::Start => 0,
        Cursor::After(id) => place(id).map_or(0, |at| at + 1),
        Cursor::Before(id) => place(id).map_or(0, |at| at.saturating_sub(wanted.limit)),
    };
    let rest = clients.get(start..).unwrap_or_default();
    (start, rest.get(..wanted.limit).unwrap_or(rest))
}

fn row(tx: &Tx<'_>, client: ApiClient, standing: Standing) -> Result<Row, Error> {
    let action = match standing {
        Standing::Disabled => Some("client.disable"),
        Standing::Revoked => Some("client.revoke"),
        _ => None,
    };
    let stopped = match action {
        Some(action) => {
            let page = Page { before: None, limit: ENTRIES_SEARCHED };
            let entries = audit::list(tx, Some(&client.id), &page)?;
            entries.into_iter().find(|entry| entry.action == action).map(|entry| (entry.actor, entry.at))
        }
        None => None,
    };
    Ok(Row { client, standing, stopped })
}
