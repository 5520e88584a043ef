//! Calls of the REST API, counted by hour for the people who run a client.
//!
//! Each verdict of the gate on a known client adds to counts in memory: no call waits for the store, and calls of different
//! clients hardly ever for each other. [`Gatepost::flush_journal`] adds them to the store's a little later, so a crash loses
//! the last moment of them. The counts say for every hour how many calls of a client passed or were refused for which
//! reason and in which workspace; how many passed by which secret; and for every day from which addresses calls with a
//! good token came. They are kept as long as refused requests, and at least [`SHOWN`].

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatepost_model::{ClientNumber, Timestamp, WorkspaceNumber};
pub use gatepost_store::tables::calls::Counted;
use gatepost_store::tables::calls::{self, Additions, Call};
use gatepost_store::tables::workspaces;
use gatepost_store::{StoreError, Tx};

use crate::gate::{Business, Check, Finding};
use crate::tokens::{Admission, Asked};
use crate::{Error, Gatepost, counts};

/// How the calls that the gate let through are counted.
pub const PASSED: &str = "passed";

/// How far back pages look.
pub const SHOWN: Duration = Duration::from_secs(7 * 24 * 3600);

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The counts are spread over so many locks.
const SHARDS: usize = 16;

/// So many different counts, of each kind, wait in one shard at most. Beyond that only totals are kept: callers who make up
/// workspaces or come from everywhere must not fill memory.
const MOST_WAITING: usize = 2_000;

/// The beginning of the hour.
#[must_use]
pub fn hour_of(at: Timestamp) -> Timestamp {
    floor(at, HOUR)
}

/// The beginning of the day (UTC).
#[must_use]
pub fn day_of(at: Timestamp) -> Timestamp {
    floor(at, DAY)
}

fn floor(at: Timestamp, span: Duration) -> Timestamp {
    let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Timestamp(at.0.div_euclid(span) * span)
}

/// The workspace of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// None was named, or not in a way that could be read.
    None,
    /// The one that it acted in.
    Known(WorkspaceNumber),
    /// What it named and may not act in; which one that is, is looked up when the counts are written down.
    Named(Box<str>),
}

#[derive(Debug, Default)]
struct Shard {
    calls: HashMap<(ClientNumber, Timestamp, &'static str, Place), u64>,
    secrets: HashMap<(Timestamp, ClientNumber, u16), u64>,
    addresses: HashMap<(ClientNumber, Timestamp, IpAddr), u64>,
}

/// Counts that wait to be written down.
#[derive(Debug, Default)]
pub(crate) struct Calls([Mutex<Shard>; SHARDS]);

impl Calls {
    /// Counts a verdict.
    pub(crate) fn count(
        &self,
        (client, secret): (ClientNumber, u16),
        asked: &Asked<'_>,
        admission: &Admission,
        now: Timestamp,
    ) {
        let refusal = admission.trace.failure();
        let verdict = refusal.map_or(PASSED, |(_, reason)| counts::name_of(reason));
        let place = match (admission.workspace, asked.business) {
            (Some(number), _) => Place::Known(number),
            (None, Business::Named(name)) if name.len() <= 100 => Place::Named(name.into()),
            (None, _) => Place::None,
        };
        let Some(shard) = self.0.get(client.0 as usize % SHARDS) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = hour_of(now);
        let place = if shard.calls.len() < MOST_WAITING { place } else { Place::None };
        *shard.calls.entry((client, hour, verdict, place)).or_default() += 1;
        if refusal.is_none() {
            *shard.secrets.entry((hour, client, secret)).or_default() += 1;
        }
        let is_genuine = admission
            .trace
            .iter()
            .any(|(check, finding)| check == Check::Client && finding == Finding::Passed);
        let address = (client, day_of(now), asked.address);
        if is_genuine && (shard.addresses.len() < MOST_WAITING || shard.addresses.contains_key(&address)) {
            *shard.addresses.entry(address).or_default() += 1;
        }
    }

    /// Takes what waits.
    pub(crate) fn take(&self) -> Waiting {
        let shards =
            self.0.iter().map(|shard| mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner)));
        Waiting(shards.collect())
    }
}

/// Counts on their way to the store.
pub(crate) struct Waiting(Vec<Shard>);

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|shard| shard.calls.is_empty())
    }

    /// Adds these to the store's.
    pub(crate) fn add(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let mut additions = Additions::default();
        let mut named = BTreeMap::new();
        for shard in &self.0 {
            for ((client, hour, verdict, place), many) in &shard.calls {
                let workspace = match place {
                    Place::None => None,
                    Place::Known(number) => Some(*number),
                    Place::Named(name) => number_of(tx, &mut named, name)?,
                };
                let call = Call { hour: *hour, client: *client, workspace, verdict };
                *additions.calls.entry(call).or_default() += many;
            }
            additions.secrets.extend(shard.secrets.iter().map(|(key, many)| (*key, *many)));
            additions.addresses.extend(shard.addresses.iter().map(|(key, many)| (*key, *many)));
        }
        calls::add(tx, &additions)
    }
}

/// The number of the workspace that people call so, looked up once.
fn number_of<'n>(
    tx: &Tx<'_>,
    known: &mut BTreeMap<&'n str, Option<WorkspaceNumber>>,
    name: &'n str,
) -> Result<Option<WorkspaceNumber>, StoreError> {
    if let Some(number) = known.get(name) {
        return Ok(*number);
    }
    let number = workspaces::lookup_by_subdomain(tx, name)?.map(|workspace| workspace.number);
    known.insert(name, number);
    Ok(number)
}

/// How many calls passed and how many were refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that passed.
    pub passed: u64,
    /// Those that were refused.
    pub refused: u64,
}

impl Tally {
    fn add(&mut self, counted: &Counted) {
        if counted.verdict == PASSED {
            self.passed += counted.calls;
        } else {
            self.refused += counted.calls;
        }
    }
}

/// A client's calls by hour, in the order of time; hours without calls are left out.
#[must_use]
pub fn by_hour(counted: &[Counted]) -> BTreeMap<Timestamp, Tally> {
    tallied(counted, |counted| counted.hour)
}

/// A client's calls by day (UTC).
#[must_use]
pub fn by_day(counted: &[Counted]) -> BTreeMap<Timestamp, Tally> {
    tallied(counted, |counted| day_of(counted.hour))
}

/// A client's calls by workspace; under none are those that named none, or none that exists.
#[must_use]
pub fn by_workspace(counted: &[Counted]) -> BTreeMap<Option<WorkspaceNumber>, Tally> {
    tallied(counted, |counted| counted.workspace)
}

/// A client's calls that were refused, by the name of the reason.
#[must_use]
pub fn by_reason(counted: &[Counted]) -> BTreeMap<&str, u64> {
    let mut reasons = BTreeMap::new();
    for counted in counted.iter().filter(|counted| counted.verdict != PASSED) {
        *reasons.entry(counted.verdict.as_str()).or_default() += counted.calls;
    }
    reasons
}

fn tallied<K: Ord>(counted: &[Counted], key: impl Fn(&Counted) -> K) -> BTreeMap<K, Tally> {
    let mut tallies: BTreeMap<K, Tally> = BTreeMap::new();
    for counted in counted {
        tallies.entry(key(counted)).or_default().add(counted);
    }
    tallies
}

impl Gatepost {
    /// A client's calls since the hour of `since`, for [`by_hour`], [`by_day`] and [`by_workspace`]. Whoever shows these to a
    /// person leaves out the workspaces that they do not administer.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn calls_of(&self, client: ClientNumber, since: Timestamp) -> Result<Vec<Counted>, Error> {
        let since = hour_of(since);
        self.store.read(move |tx| calls::list_of_client(tx, client, since)).await.map_err(Error::Store)
    }

    /// A client's calls that passed since the hour of `since`, by the number of the secret behind their token.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn calls_by_secret(
        &self,
        client: ClientNumber,
        since: Timestamp,
    ) -> Result<Vec<(u16, u64)>, Error> {
        let since = hour_of(since);
        self.store.read(move |tx| calls::sum_by_secret(tx, client, since)).await.map_err(Error::Store)
    }

    /// A client's calls with a good token since the day (UTC) of `since`, by address, the busiest first: what an allow list
    /// would cut off. At most 200 addresses are counted for a day.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn calls_by_address(
        &self,
        client: ClientNumber,
        since: Timestamp,
    ) -> Result<Vec<(IpAddr, u64)>, Error> {
        let since = day_of(since);
        self.store.read(move |tx| calls::sum_by_address(tx, client, since)).await.map_err(Error::Store)
    }
}
