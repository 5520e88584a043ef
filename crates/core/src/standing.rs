//! How clients are doing: the first that applies of a few words, with what it is about (ui.md 5). What is counted is of the
//! last 24 hours. So that a list of ten thousand clients stays cheap, each kind of trouble is read for all of them at once.

use std::collections::BTreeMap;
use std::time::Duration;

use gatepost_model::{ApiClient, ClientNumber, ClientStatus, Timestamp, UrlState, WorkspaceNumber};
use gatepost_store::tables::attempt_counts;
use gatepost_store::tables::calls::{self, Replaced};
use gatepost_store::tables::client_list::{self, Summary};
use gatepost_store::{StoreError, Tx};

use crate::calls::hour_of;
use crate::counts::name_of;
use crate::gate::Reason;
use crate::{Error, Gatepost};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Fewer attempts than this say nothing about a receiver.
const ATTEMPTS_THAT_TELL: u64 = 5;

/// A client that was never used says so once it is so old.
const NEVER_USED_AFTER: Duration = DAY;

/// How a client is doing: the first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is stopped for good.
    Revoked,
    /// It is stopped for now.
    Disabled,
    /// Webhook URLs were disabled by what their receivers answered.
    UrlDisabled {
        /// How many.
        urls: u64,
    },
    /// Of the attempts to deliver something, at least half failed.
    WebhookFailing {
        /// How many failed.
        failed: u64,
        /// How many there were: a few at least.
        attempts: u64,
    },
    /// Calls came without the `business` header.
    NoWorkspace {
        /// How many were refused for that.
        calls: u64,
    },
    /// Calls named workspaces that the client is not enabled for.
    ForeignWorkspace {
        /// How many were refused for that.
        calls: u64,
        /// The workspace, if it exists and all of them named the same.
        workspace: Option<WorkspaceNumber>,
    },
    /// A newer secret is there, and the old one is used all the same.
    OldSecret {
        /// How many calls were made with it in this hour and the one before.
        calls: u64,
    },
    /// A secret that was used today comes to its end.
    SecretEnds {
        /// When.
        at: Timestamp,
    },
    /// Calls were refused because there were too many.
    OverLimit {
        /// How many were refused for that.
        calls: u64,
    },
    /// It was made a while ago and has never called.
    NeverUsed,
    /// It works.
    Active,
}

impl Standing {
    /// Whether somebody should do something about it.
    #[must_use]
    pub const fn needs_attention(self) -> bool {
        !matches!(self, Self::Revoked | Self::Disabled | Self::NeverUsed | Self::Active)
    }

    /// Its place in a list: what needs somebody first, what is stopped last.
    pub(crate) const fn place(self) -> u8 {
        match self {
            Self::UrlDisabled { .. } | Self::WebhookFailing { .. } => 0,
            Self::NoWorkspace { .. } => 1,
            Self::ForeignWorkspace { .. } => 2,
            Self::OldSecret { .. } => 3,
            Self::SecretEnds { .. } => 4,
            Self::OverLimit { .. } => 5,
            Self::Active => 6,
            Self::NeverUsed => 7,
            Self::Disabled => 8,
            Self::Revoked => 9,
        }
    }

    /// The action of the audit trail that led to it, where it was one.
    pub(crate) const fn action(self) -> Option<&'static str> {
        match self {
            Self::Disabled => Some("client.disable"),
            Self::Revoked => Some("client.revoke"),
            _ => None,
        }
    }
}

/// What was counted about one client.
#[derive(Clone, Copy, Debug, Default)]
struct Signs {
    disabled_urls: u64,
    failing: Option<(u64, u64)>,
    without_workspace: u64,
    foreign: Option<(u64, Option<WorkspaceNumber>)>,
    replaced: Option<Replaced>,
    over_limit: u64,
}

impl Signs {
    fn trouble(&self) -> Option<Standing> {
        Some(match (self.failing, self.foreign, self.replaced) {
            _ if self.disabled_urls > 0 => Standing::UrlDisabled { urls: self.disabled_urls },
            (Some((failed, attempts)), ..) => Standing::WebhookFailing { failed, attempts },
            _ if self.without_workspace > 0 => Standing::NoWorkspace { calls: self.without_workspace },
            (_, Some((calls, workspace)), _) => Standing::ForeignWorkspace { calls, workspace },
            (.., Some(replaced)) if replaced.lately > 0 => Standing::OldSecret { calls: replaced.lately },
            (.., Some(Replaced { ends_at: Some(at), .. })) => Standing::SecretEnds { at },
            _ if self.over_limit > 0 => Standing::OverLimit { calls: self.over_limit },
            _ => return None,
        })
    }
}

/// What was counted about clients.
#[derive(Debug, Default)]
pub(crate) struct Signals(BTreeMap<ClientNumber, Signs>);

impl Signals {
    /// Of every client: a handful of statements, however many there are.
    pub(crate) fn of_all(tx: &Tx<'_>, now: Timestamp) -> Result<Self, StoreError> {
        Self::read(tx, client_list::count_disabled_urls(tx)?, now, None)
    }

    fn of_one(tx: &Tx<'_>, client: &ApiClient, now: Timestamp) -> Result<Self, StoreError> {
        let disabled = client.webhook_urls.iter().filter(|url| url.state == UrlState::Disabled).count();
        Self::read(tx, vec![(client.number, disabled as u64)], now, Some(client.number))
    }

    fn read(
        tx: &Tx<'_>,
        disabled_urls: Vec<(ClientNumber, u64)>,
        now: Timestamp,
        client: Option<ClientNumber>,
    ) -> Result<Self, StoreError> {
        let (since, lately) = (hour_of(now.minus(DAY)), hour_of(now.minus(HOUR)));
        let mut signals = Self::default();
        for (number, urls) in disabled_urls {
            signals.about(number).disabled_urls = urls;
        }
        for (number, failed, attempts) in attempt_counts::list_failing(tx, since, client)? {
            if attempts >= ATTEMPTS_THAT_TELL && failed * 2 >= attempts {
                signals.about(number).failing = Some((failed, attempts));
            }
        }
        for (number, refused) in calls::sum_refused(tx, name_of(Reason::NoWorkspace), since, client)? {
            signals.about(number).without_workspace = refused;
        }
        for (number, refused) in calls::sum_refused(tx, name_of(Reason::OverLimit), since, client)? {
            signals.about(number).over_limit = refused;
        }
        let foreign = name_of(Reason::ForeignWorkspace);
        for (number, workspace, refused) in calls::sum_refused_in(tx, foreign, since, client)? {
            let signs = signals.about(number);
            signs.foreign = match signs.foreign {
                None => Some((refused, workspace)),
                Some((others, _)) => Some((others + refused, None)),
            };
        }
        for replaced in calls::sum_of_replaced(tx, (since, lately), now, client)? {
            signals.about(replaced.client).replaced = Some(replaced);
        }
        Ok(signals)
    }

    fn about(&mut self, client: ClientNumber) -> &mut Signs {
        self.0.entry(client).or_default()
    }

    /// How a client is doing.
    pub(crate) fn standing(&self, client: &Summary, now: Timestamp) -> Standing {
        let signs = self.0.get(&client.number).copied().unwrap_or_default();
        match client.status {
            ClientStatus::Revoked => Standing::Revoked,
            ClientStatus::Disabled => Standing::Disabled,
            ClientStatus::Active => signs.trouble().unwrap_or(match is_forgotten(client, now) {
                true => Standing::NeverUsed,
                false => Standing::Active,
            }),
        }
    }
}

fn is_forgotten(client: &Summary, now: Timestamp) -> bool {
    client.used_at.is_none() && now >= client.created_at.plus(NEVER_USED_AFTER)
}

/// Who stopped a client, as the audit trail names them, and when.
pub type Stopped = (String, Timestamp);

impl Gatepost {
    /// How one client is doing, and who stopped it if it is stopped and that is known.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn client_standing(&self, client: &ApiClient) -> Result<(Standing, Option<Stopped>), Error> {
        let (client, now) = (client.clone(), self.now());
        let found = self.store.read(move |tx| {
            let standing = Signals::of_one(tx, &client, now)?.standing(&summary(&client), now);
            Ok::<_, StoreError>((standing, stopped(tx, &client.id, standing)?))
        });
        found.await.map_err(Error::Store)
    }
}

fn stopped(tx: &Tx<'_>, id: &str, standing: Standing) -> Result<Option<Stopped>, StoreError> {
    let Some(action) = standing.action() else { return Ok(None) };
    let last = client_list::list_last_actions(tx, &[id], action)?;
    Ok(last.into_iter().next().map(|(_, actor, at)| (actor, at)))
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
