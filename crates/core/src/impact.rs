//! What a change of a client would break: its traffic of the time that pages look back ([`crate::calls::SHOWN`]).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use gatepost_model::network::Networks;
use gatepost_model::{ClientNumber, Method, WorkspaceNumber};
use gatepost_store::tables::delivery_control;
pub use gatepost_store::tables::delivery_control::Pending;
use gatepost_store::tables::{attempt_counts, calls};

use crate::attempts::Ends;
use crate::calls::{SHOWN, Tally, by_workspace, day_of, hour_of};
use crate::{Error, Gatepost};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// So many pending deliveries of all clients are looked at to count one's.
const MOST_PENDING: u32 = 5_000;

/// A client's recent traffic.
#[derive(Clone, Debug, Default)]
pub struct Impact {
    /// Calls by workspace. Whoever shows these to a person leaves out the workspaces that they do not administer.
    pub calls: BTreeMap<Option<WorkspaceNumber>, Tally>,
    /// From how many addresses calls with a good token came.
    pub addresses: usize,
    /// Calls that passed, by the number of the secret behind their token: in the whole time, and in the last 24 hours.
    pub secrets: BTreeMap<u16, (u64, u64)>,
    /// Deliveries that were delivered, by method.
    pub methods: BTreeMap<Method, u64>,
    /// Attempts by the id of the webhook URL.
    pub urls: BTreeMap<String, Ends>,
}

impl Impact {
    /// Calls that passed.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.calls.values().map(|tally| tally.passed).sum()
    }

    /// Calls in a workspace.
    #[must_use]
    pub fn calls_in(&self, workspace: WorkspaceNumber) -> Tally {
        self.calls.get(&Some(workspace)).copied().unwrap_or_default()
    }

    /// Calls that passed by a secret: in the whole time, and in the last 24 hours.
    #[must_use]
    pub fn calls_by(&self, secret: u16) -> (u64, u64) {
        self.secrets.get(&secret).copied().unwrap_or_default()
    }

    /// Deliveries that were delivered.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.methods.values().sum()
    }

    /// Deliveries of a method that were delivered.
    #[must_use]
    pub fn delivered_of(&self, method: &Method) -> u64 {
        self.methods.get(method).copied().unwrap_or_default()
    }

    /// Attempts to a webhook URL.
    #[must_use]
    pub fn attempts_to(&self, url_id: &str) -> Ends {
        self.urls.get(url_id).cloned().unwrap_or_default()
    }
}

/// Who of the recent callers would no longer be let in: by the address and their calls, the busiest first.
///
/// Callers whom the list of today leaves out are cut off already.
#[must_use]
pub fn cut_off(callers: &[(IpAddr, u64)], today: &Networks, new: &Networks) -> Vec<(IpAddr, u64)> {
    let admits = |list: &Networks, address| list.is_empty() || list.contains(address);
    let lost = |(address, _): &&(IpAddr, u64)| admits(today, *address) && !admits(new, *address);
    callers.iter().filter(lost).copied().collect()
}

impl Gatepost {
    /// A client's recent traffic.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn impact(&self, client: ClientNumber) -> Result<Impact, Error> {
        let now = self.now();
        let since = now.minus(SHOWN);
        self.store
            .read(move |tx| {
                let mut secrets: BTreeMap<u16, (u64, u64)> = BTreeMap::new();
                for (secret, calls) in calls::sum_by_secret(tx, client, hour_of(since))? {
                    secrets.entry(secret).or_default().0 = calls;
                }
                for (secret, calls) in calls::sum_by_secret(tx, client, hour_of(now.minus(DAY)))? {
                    secrets.entry(secret).or_default().1 = calls;
                }
                Ok(Impact {
                    calls: by_workspace(&calls::list_of_client(tx, client, hour_of(since))?),
                    addresses: calls::sum_by_address(tx, client, day_of(since))?.len(),
                    secrets,
                    methods: attempt_counts::sum_by_method(tx, client, day_of(since))?.into_iter().collect(),
                    urls: crate::attempts::ends(attempt_counts::list_by_url(tx, client, hour_of(since))?),
                })
            })
            .await
            .map_err(Error::Store)
    }

    /// How attempts to each of a client's webhook URLs ended, in the time that pages look back.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn attempts_by_url(&self, client: ClientNumber) -> Result<BTreeMap<String, Ends>, Error> {
        let since = hour_of(self.now().minus(SHOWN));
        let rows = self.store.read(move |tx| attempt_counts::list_by_url(tx, client, since)).await;
        rows.map(crate::attempts::ends).map_err(Error::Store)
    }

    /// A client's pending deliveries, or those to one of its webhook URLs, as far as they can be counted at once.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn pending_of(&self, client: ClientNumber, url_id: Option<&str>) -> Result<Pending, Error> {
        let url_id = url_id.map(str::to_owned);
        let found = self.store.read(move |tx| {
            delivery_control::count_pending_among(tx, client, url_id.as_deref(), MOST_PENDING)
        });
        found.await.map_err(Error::Store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_cuts_off_whom_it_leaves_out_and_today_s_does_not() {
        let list = |networks: &[&str]| Networks::parse(networks).unwrap();
        let callers: Vec<(IpAddr, u64)> = [("203.0.113.24", 9), ("198.51.100.7", 5), ("2001:db8::1", 1)]
            .map(|(at, calls)| (at.parse().unwrap(), calls))
            .into();
        let lost = |today: &[&str], new: &[&str]| -> Vec<u64> {
            cut_off(&callers, &list(today), &list(new)).into_iter().map(|(_, calls)| calls).collect()
        };
        assert_eq!(lost(&[], &[]), [0; 0]);
        assert_eq!(lost(&[], &["203.0.113.0/24"]), [5, 1]);
        assert_eq!(lost(&["203.0.113.0/24"], &["203.0.113.24"]), [0; 0]);
        assert_eq!(lost(&["203.0.113.0/24"], &["2001:db8::/32"]), [9]);
        assert_eq!(lost(&["203.0.113.0/24"], &[]), [0; 0]);
    }
}
