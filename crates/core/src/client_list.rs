//! The clients that a user manages, as a list that is searched, filtered, sorted and paged.
//!
//! Every client is looked at in few words, which costs little even for ten thousand; what else a row shows is read for the
//! page alone. The number of statements does not depend on the number of clients.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gatepost_model::{ApiVersion, ClientNumber, Timestamp, User, Workspace, WorkspaceNumber};
use gatepost_store::Tx;
pub use gatepost_store::tables::client_list::{Details, Summary};
use gatepost_store::tables::{calls, client_list, workspaces};

use crate::calls::{PASSED, Tally, day_of};
use crate::standing::{Signals, Standing, Stopped};
use crate::{Error, Gatepost};

/// A list tells of each client's calls on so many days, today among them.
pub const DAYS: usize = 7;

/// How many clients somebody manages is counted up to here where nothing depends on it.
pub const MOST_COUNTED: u32 = 1_000;

const DAY: Duration = Duration::from_secs(24 * 3600);

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
            Self::Attention => standing.needs_attention(),
            Self::Active => standing.needs_attention() || matches!(standing, Standing::Active),
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
    /// In the order in which they were made.
    Created,
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
    /// The client in few words.
    pub client: Summary,
    /// From where it was used, and how much of it there is.
    pub details: Details,
    /// The workspaces that it is enabled for, in the order of their subdomains.
    pub workspaces: Vec<Workspace>,
    /// How it is doing.
    pub standing: Standing,
    /// Its calls on each of the last days (UTC), today last.
    pub calls: [Tally; DAYS],
    /// Who stopped it, if it is stopped and that is known.
    pub stopped: Option<Stopped>,
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

    /// How many clients `user` manages, counted up to one more than [`MOST_COUNTED`].
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count_managed_clients(&self, user: &User) -> Result<u64, Error> {
        let id = user.id.clone();
        let counted = self.store.read(move |tx| client_list::count_managed(tx, &id, MOST_COUNTED + 1));
        counted.await.map_err(Error::Store)
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

    /// The clients that `user` manages, by name.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn managed_clients_by_name(&self, user: &User) -> Result<Vec<Summary>, Error> {
        let id = user.id.clone();
        let mut managed = self.store.read(move |tx| client_list::list_managed(tx, &id)).await?;
        managed.sort_by_cached_key(|client| (client.name.to_lowercase(), client.id.clone()));
        Ok(managed)
    }

    /// How many of the clients that `user` manages are enabled for each workspace; no entry stands for none.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count_clients_by_workspace(
        &self,
        user: &User,
    ) -> Result<BTreeMap<WorkspaceNumber, u64>, Error> {
        let id = user.id.clone();
        let counted = self.store.read(move |tx| client_list::count_by_workspace(tx, &id)).await?;
        Ok(counted.into_iter().collect())
    }
}

fn listed(tx: &Tx<'_>, user: &User, wanted: &Wanted, now: Timestamp) -> Result<Listed, Error> {
    let signals = Signals::of_all(tx, now)?;
    let all: Vec<_> = client_list::list_managed(tx, &user.id)?
        .into_iter()
        .map(|client| (signals.standing(&client, now), client))
        .collect();
    let counts = Group::ALL
        .map(|group| (group, all.iter().filter(|(standing, _)| group.has(*standing)).count()))
        .to_vec();
    let mut matching = matching(tx, Some(user), wanted, all)?;
    matching.sort_by(|one, other| ordered(wanted, one, other));
    let (skipped, page) = page(&matching, wanted);
    let rows = rows(tx, page, now)?;
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

/// Those of the clients that are asked for, as `user` or, without one, the operator sees them.
pub(crate) fn matching(
    tx: &Tx<'_>,
    user: Option<&User>,
    wanted: &Wanted,
    mut clients: Vec<(Standing, Summary)>,
) -> Result<Vec<(Standing, Summary)>, Error> {
    clients.retain(|(standing, client)| {
        wanted.group.has(*standing) && wanted.version.is_none_or(|version| client.api_version == version)
    });
    if let Some(subdomain) = &wanted.workspace {
        // A workspace of others is one without clients: whether it exists is not told.
        let workspace = match user {
            Some(user) => user.administered().find(|known| known.subdomain.as_str() == subdomain).cloned(),
            None => workspaces::lookup_by_subdomain(tx, subdomain)?,
        };
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
pub(crate) fn ordered(wanted: &Wanted, one: &(Standing, Summary), other: &(Standing, Summary)) -> Ordering {
    let ((standing, client), (other_standing, other)) = (one, other);
    let used = || Reverse(client.used_at).cmp(&Reverse(other.used_at));
    let name = || client.name.to_lowercase().cmp(&other.name.to_lowercase());
    let order = match wanted.order {
        Order::Standing => standing.place().cmp(&other_standing.place()).then_with(used).then_with(name),
        Order::Name => name(),
        Order::Version => Reverse(client.api_version).cmp(&Reverse(other.api_version)).then_with(name),
        Order::LastUsed => used().then_with(name),
        Order::Created => client.number.cmp(&other.number),
    };
    let order = order.then_with(|| client.id.cmp(&other.id));
    if wanted.reversed { order.reverse() } else { order }
}

/// The clients of the page, and how many come before them. A cursor whose client is gone shows the first page.
pub(crate) fn page<'c>(
    clients: &'c [(Standing, Summary)],
    wanted: &Wanted,
) -> (usize, &'c [(Standing, Summary)]) {
    let place = |id: &str| clients.iter().position(|(_, client)| client.id == id);
    let start = match &wanted.cursor {
        Cursor::Start => 0,
        Cursor::After(id) => place(id).map_or(0, |at| at + 1),
        Cursor::Before(id) => place(id).map_or(0, |at| at.saturating_sub(wanted.limit)),
    };
    let rest = clients.get(start..).unwrap_or_default();
    (start, rest.get(..wanted.limit).unwrap_or(rest))
}

/// The rows of a page, with the same number of statements however many rows there are.
fn rows(tx: &Tx<'_>, page: &[(Standing, Summary)], now: Timestamp) -> Result<Vec<Row>, Error> {
    let ids: Vec<&str> = page.iter().map(|(_, client)| client.id.as_str()).collect();
    let mut details: BTreeMap<_, _> = client_list::list_details(tx, &ids)?.into_iter().collect();
    let mut workspaces: BTreeMap<ClientNumber, Vec<Workspace>> = BTreeMap::new();
    for (client, workspace) in client_list::list_workspaces(tx, &ids)? {
        workspaces.entry(client).or_default().push(workspace);
    }
    let mut calls = calls_by_day(tx, &ids, now)?;
    let mut stopped = who_stopped(tx, page)?;
    let row = |(standing, client): &(Standing, Summary)| Row {
        details: details.remove(&client.number).unwrap_or_default(),
        workspaces: workspaces.remove(&client.number).unwrap_or_default(),
        standing: *standing,
        calls: calls.remove(&client.number).unwrap_or_default(),
        stopped: stopped.remove(&client.id),
        client: client.clone(),
    };
    Ok(page.iter().map(row).collect())
}

fn calls_by_day(
    tx: &Tx<'_>,
    ids: &[&str],
    now: Timestamp,
) -> Result<BTreeMap<ClientNumber, [Tally; DAYS]>, Error> {
    let since = day_of(now.minus(DAY * (DAYS as u32 - 1)));
    let first = since.seconds() / DAY.as_secs() as i64;
    let mut days: BTreeMap<ClientNumber, [Tally; DAYS]> = BTreeMap::new();
    for counted in calls::list_by_day(tx, ids, since, PASSED)? {
        let place = usize::try_from(counted.day - first).ok();
        let tallies = days.entry(counted.client).or_default();
        if let Some(tally) = place.and_then(|place| tallies.get_mut(place)) {
            *tally = Tally { passed: counted.passed, refused: counted.calls - counted.passed };
        }
    }
    Ok(days)
}

/// Who stopped those clients of a page that are stopped.
fn who_stopped(tx: &Tx<'_>, page: &[(Standing, Summary)]) -> Result<BTreeMap<String, Stopped>, Error> {
    let mut found = BTreeMap::new();
    for standing in [Standing::Disabled, Standing::Revoked] {
        let of_it = page.iter().filter(|(known, _)| *known == standing);
        let ids: Vec<&str> = of_it.map(|(_, client)| client.id.as_str()).collect();
        if let Some(action) = standing.action().filter(|_| !ids.is_empty()) {
            let last = client_list::list_last_actions(tx, &ids, action)?;
            found.extend(last.into_iter().map(|(id, actor, at)| (id, (actor, at))));
        }
    }
    Ok(found)
}
