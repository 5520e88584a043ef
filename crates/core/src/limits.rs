//! Limits that are kept in memory: requests per client, and failed attempts at the token endpoint and at signing in.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatepost_model::limit::{WINDOW, Window};
use gatepost_model::{ApiClient, ClientNumber, Timestamp};
use gatepost_store::tables::rate_windows::{self, Part, Unused};
use gatepost_store::{Store, StoreError};
use quick_cache::sync::Cache;

/// How many clients' windows, and how many sources of failed attempts, are kept.
const MOST_TRACKED: usize = 100_000;

/// Names are told apart by so many characters.
const LONGEST_TRACKED_NAME: usize = 254;

/// Requests per client and hour.
///
/// On a store that one node has to itself, the count is kept in memory. On one that several share, each node takes a
/// part of the window in advance ([`rate_windows`]) and counts that down, so that a request costs no call to the
/// database; all nodes together never let more pass than the limit. What one node has taken and not used, another
/// cannot use before that node stops and gives it back: a client may be refused that much early.
pub struct RateLimits {
    default: u32,
    shared: bool,
    entries: Cache<ClientNumber, Arc<Entry>>,
}

#[derive(Default)]
struct Entry {
    count: Mutex<Count>,
    /// Held while a part is taken, so that requests which find none left take one together.
    taking: tokio::sync::Mutex<()>,
}

/// What this node knows of one client's window.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// When it began, and the requests of it that have passed here or are with other nodes.
    window: Window,
    /// Requests of the parts that this node has taken, neither passed nor reserved.
    held: u32,
    /// Requests that are set aside for a judgement that is under way.
    reserved: u32,
}

/// What [`RateLimits::reserve`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reserved {
    /// One request of this node's part is set aside, in the window that began then.
    One(Timestamp),
    /// There is nothing left of the window, anywhere.
    Nothing,
    /// This node's part is used up; it has to take another.
    NeedsPart,
}

/// A node takes so many parts of a window: one part is a twentieth of the limit.
const PARTS: u32 = 20;

/// But no part is larger: taking one for so many requests costs nothing to speak of, and what a node took is lost to the
/// others when it is killed.
const LARGEST_PART: u32 = 1_000;

/// Clients' parts that are given back in one transaction.
const MOST_GIVEN_BACK_AT_ONCE: usize = 1_000;

impl RateLimits {
    /// Limits for clients without one of their own.
    #[must_use]
    pub fn new(default: u32, shared: bool) -> Self {
        Self { default, shared, entries: Cache::new(MOST_TRACKED) }
    }

    /// The client's limit: its own, or the deployment's.
    #[must_use]
    pub fn limit(&self, client: &ApiClient) -> u32 {
        client.rate_limit.unwrap_or(self.default)
    }

    /// How many requests a node takes in advance of a window with this limit.
    #[must_use]
    pub fn part(limit: u32) -> u32 {
        limit.div_ceil(PARTS).clamp(1, LARGEST_PART)
    }

    /// Lets `judge` work on the client's window, with its limit. Where the store is shared, a request of this node's part
    /// is set aside first and given back if `judge` did not use it; it is seldom that a part has to be taken.
    ///
    /// # Errors
    /// If a part had to be taken and the store failed.
    pub async fn judge<T>(
        &self,
        store: &Store,
        client: &ApiClient,
        now: Timestamp,
        judge: impl FnOnce(&mut Window, u32) -> T,
    ) -> Result<T, StoreError> {
        let limit = self.limit(client);
        let Ok(entry) =
            self.entries.get_or_insert_with(&client.number, || Ok::<_, Infallible>(Arc::default()));
        if !self.shared {
            return Ok(judge(&mut entry.count().window, limit));
        }
        let reserved = self.reserve(store, client.number, (limit, now), &entry).await?;
        let mut count = entry.count();
        let before = count.window.used;
        let result = judge(&mut count.window, limit);
        let passed = count.window.used > before;
        count.settle(reserved, passed);
        drop(count);
        Ok(result)
    }

    /// Gives back what this node took in advance and will not use, because it stops.
    ///
    /// # Errors
    /// If the store fails: the parts are then lost to the other nodes until their windows end.
    pub async fn give_back(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let mut unused: Vec<_> =
            self.entries.iter().filter_map(|(client, entry)| entry.count().surrender(client, now)).collect();
        // Nodes that stop together lock the clients' rows in the same order.
        unused.sort_by_key(|part| part.client);
        for parts in unused.chunks(MOST_GIVEN_BACK_AT_ONCE) {
            let parts = parts.to_vec();
            store.write(move |tx| rate_windows::give_back(tx, &parts)).await?;
        }
        Ok(())
    }

    async fn reserve(
        &self,
        store: &Store,
        client: ClientNumber,
        (limit, now): (u32, Timestamp),
        entry: &Entry,
    ) -> Result<Reserved, StoreError> {
        loop {
            let reserved = entry.count().reserve(limit, now);
            if reserved != Reserved::NeedsPart {
                return Ok(reserved);
            }
            let _taking = entry.taking.lock().await;
            let reserved = entry.count().reserve(limit, now);
            if reserved != Reserved::NeedsPart {
                return Ok(reserved);
            }
            let most = Self::part(limit);
            let part = store.write(move |tx| rate_windows::take(tx, client, limit, most, now)).await?;
            entry.count().add(&part, limit);
        }
    }
}

impl Entry {
    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    fn reserve(&mut self, limit: u32, now: Timestamp) -> Reserved {
        if now >= self.window.started.plus(WINDOW) {
            return Reserved::NeedsPart;
        }
        if self.held > 0 {
            self.held -= 1;
            self.reserved += 1;
            return Reserved::One(self.window.started);
        }
        if self.window.used >= limit { Reserved::Nothing } else { Reserved::NeedsPart }
    }

    fn add(&mut self, part: &Part, limit: u32) {
        if self.window.started != part.started {
            *self = Self { window: Window { started: part.started, used: 0 }, ..Self::default() };
        }
        self.held = self.held.saturating_add(part.requests);
        // What is neither untaken nor still this node's to give has passed here or is with other nodes.
        let open = part.left.saturating_add(self.held).saturating_add(self.reserved);
        self.window.used = limit.saturating_sub(open);
    }

    /// Hands out all that is held of a window that goes on: from then on it is with the other nodes.
    fn surrender(&mut self, client: ClientNumber, now: Timestamp) -> Option<Unused> {
        let requests = std::mem::take(&mut self.held);
        self.window.used = self.window.used.saturating_add(requests);
        let goes_on = now < self.window.started.plus(WINDOW);
        (requests > 0 && goes_on).then_some(Unused { client, started: self.window.started, requests })
    }

    /// Ends a reservation: a request that did not pass is given back.
    fn settle(&mut self, reserved: Reserved, passed: bool) {
        match reserved {
            Reserved::One(started) if started == self.window.started => {
                self.reserved = self.reserved.saturating_sub(1);
                self.held += u32::from(!passed);
            }
            // A new window began meanwhile: a request that passed was one of its own.
            _ => self.held = self.held.saturating_sub(u32::from(passed)),
        }
    }
}

/// Failed attempts at the token endpoint or at signing in: by address, and by address and client or account
/// (security.md T20, T21); of accounts also from all addresses together, for whoever has many of them.
///
/// Nobody can lock an account out from elsewhere: what is counted from all addresses does not stop the ones from which
/// the right answer came before.
pub struct FailedAttempts {
    bounds: FailureBounds,
    sources: Cache<Source, Arc<Mutex<Failures>>>,
    /// Where the right answer came from.
    known: Cache<Source, ()>,
}

/// How many failures are borne in which time.
#[derive(Clone, Copy, Debug)]
pub struct FailureBounds {
    /// After this time the count begins anew.
    pub window: Duration,
    /// From one address for one client or account.
    pub most_per_name: u32,
    /// From one address in all.
    pub most_per_address: u32,
    /// From all addresses for one account, if that is counted.
    pub most_anywhere: Option<u32>,
}

impl FailureBounds {
    /// At the token endpoint: tools try often.
    pub const TOKENS: Self = Self::of(Duration::from_secs(60), 20, 100, None);
    /// Passwords: people try a few times.
    pub const PASSWORDS: Self = Self::of(Duration::from_secs(15 * 60), 5, 50, Some(100));
    /// Codes of a second factor: there are a million, and three of them are right at a time. Whoever tries has the
    /// password.
    pub const CODES: Self = Self::of(Duration::from_secs(15 * 60), 5, 50, Some(20));
    /// Links, which are too long to be guessed, and what else one address shall not do all the time.
    pub const LINKS: Self = Self::of(Duration::from_secs(15 * 60), 5, 50, None);

    const fn of(
        window: Duration,
        most_per_name: u32,
        most_per_address: u32,
        most_anywhere: Option<u32>,
    ) -> Self {
        Self { window, most_per_name, most_per_address, most_anywhere }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    Address(IpAddr),
    AddressAndName(IpAddr, String),
    Name(String),
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    started: Timestamp,
    count: u32,
}

impl FailedAttempts {
    /// No failures yet.
    #[must_use]
    pub fn new(bounds: FailureBounds) -> Self {
        Self { bounds, sources: Cache::new(MOST_TRACKED), known: Cache::new(MOST_TRACKED) }
    }

    /// How long `address` has to wait before it may try `name`, a client id or account, again, if it has to.
    #[must_use]
    pub fn wait(&self, address: IpAddr, name: &str, now: Timestamp) -> Option<Duration> {
        let of = |source: &Source, most: u32| {
            let failures = *self.sources.get(source)?.lock().unwrap_or_else(PoisonError::into_inner);
            let end = failures.started.plus(self.bounds.window);
            (failures.count >= most && now < end).then(|| end.since(now))
        };
        let address = network_of(address);
        let by_address = of(&Source::Address(address), self.bounds.most_per_address);
        let source = Source::named(address, name);
        let by_name = of(&source, self.bounds.most_per_name);
        let anywhere = self.bounds.most_anywhere.filter(|_| self.known.get(&source).is_none());
        let anywhere = anywhere.and_then(|most| of(&Source::anywhere(name), most));
        by_address.max(by_name).max(anywhere)
    }

    /// Counts a failure, and tells how many more are borne from this address for this name.
    pub fn note(&self, address: IpAddr, name: &str, now: Timestamp) -> u32 {
        let address = network_of(address);
        self.count(&Source::Address(address), now);
        if self.bounds.most_anywhere.is_some() {
            self.count(&Source::anywhere(name), now);
        }
        self.bounds.most_per_name.saturating_sub(self.count(&Source::named(address, name), now))
    }

    /// Forgets the failures from this address for this name, and takes one off what is counted besides: the right answer
    /// came.
    pub fn forget(&self, address: IpAddr, name: &str) {
        let address = network_of(address);
        let source = Source::named(address, name);
        self.sources.remove(&source);
        for besides in [Source::Address(address), Source::anywhere(name)] {
            if let Some(entry) = self.sources.get(&besides) {
                let mut failures = entry.lock().unwrap_or_else(PoisonError::into_inner);
                failures.count = failures.count.saturating_sub(1);
            }
        }
        if self.bounds.most_anywhere.is_some() {
            self.known.insert(source, ());
        }
    }

    fn count(&self, source: &Source, now: Timestamp) -> u32 {
        let Ok(entry) = self.sources.get_or_insert_with(source, || Ok::<_, Infallible>(Arc::default()));
        let mut failures = entry.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= failures.started.plus(self.bounds.window) {
            *failures = Failures { started: now, count: 0 };
        }
        failures.count = failures.count.saturating_add(1);
        failures.count
    }
}

impl Source {
    fn named(address: IpAddr, name: &str) -> Self {
        Self::AddressAndName(address, shortened(name))
    }

    fn anywhere(name: &str) -> Self {
        Self::Name(shortened(name))
    }
}

/// What nobody can be called is not worth a place of its own.
fn shortened(name: &str) -> String {
    name.chars().take(LONGEST_TRACKED_NAME).collect()
}

/// One subscriber of an IPv6 provider has a /64 to himself: count that as one address.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t20_a_client_cannot_be_locked_out_from_elsewhere() {
        let failed = FailedAttempts::new(FailureBounds::TOKENS);
        let (attacker, owner) = (IpAddr::from([203, 0, 113, 9]), IpAddr::from([198, 51, 100, 1]));
        let now = Timestamp::from_seconds(1_000);
        for _ in 0..300 {
            failed.note(attacker, "gpc_a", now);
        }
        assert!(failed.wait(attacker, "gpc_a", now).is_some());
        assert!(failed.wait(owner, "gpc_a", now).is_none());
        assert!(failed.wait(attacker, "gpc_a", now.plus(FailureBounds::TOKENS.window)).is_none());
    }

    #[test]
    fn guessing_one_account_from_many_addresses_is_slowed_down_but_not_where_its_owner_is_known() {
        let failed = FailedAttempts::new(FailureBounds::PASSWORDS);
        let (home, cafe) = (IpAddr::from([198, 51, 100, 1]), IpAddr::from([198, 51, 100, 2]));
        let now = Timestamp::from_seconds(1_000);
        failed.note(home, "ines", now);
        failed.forget(home, "ines");
        for n in 0..100 {
            failed.note(IpAddr::from([203, 0, 113, n]), "ines", now);
        }
        assert!(failed.wait(cafe, "ines", now).is_some());
        assert!(failed.wait(home, "ines", now).is_none());
        assert!(failed.wait(cafe, "aiko", now).is_none());
        assert!(failed.wait(cafe, "ines", now.plus(FailureBounds::PASSWORDS.window)).is_none());
    }

    #[test]
    fn t21_spraying_over_clients_trips_the_address() {
        let failed = FailedAttempts::new(FailureBounds::TOKENS);
        let attacker = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 9]);
        let neighbour = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 10]);
        let now = Timestamp::from_seconds(1_000);
        for n in 0..100 {
            assert!(failed.wait(attacker, "gpc_x", now).is_none());
            failed.note(attacker, &format!("gpc_{n}"), now);
        }
        assert!(failed.wait(neighbour, "gpc_new", now).is_some());
    }

    /// Nodes that take parts of one window in any order, as the store gives them out.
    #[test]
    fn nodes_together_let_no_more_pass_than_the_limit() {
        let now = Timestamp::from_seconds(1_000_000);
        let limit = 103;
        let most = RateLimits::part(limit);
        let mut given = 0;
        let mut nodes = [Count::default(); 3];
        let mut passed = 0;
        for turn in 0..1_000usize {
            let count = &mut nodes[turn * 7 % 3];
            let reserved = match count.reserve(limit, now) {
                Reserved::NeedsPart => {
                    given += most;
                    let requests = limit.saturating_sub(given - most).min(most);
                    let left = limit.saturating_sub(given);
                    count.add(&Part { started: now, requests, left }, limit);
                    count.reserve(limit, now)
                }
                other => other,
            };
            // One in five is refused before it comes to the limit, and must give back what it reserved.
            let reaches = turn % 5 != 0;
            let before = count.window.used;
            let allowed = reaches && count.window.take(limit, now).allowed;
            let used = count.window.used > before;
            assert_eq!(allowed, used);
            assert!(!allowed || matches!(reserved, Reserved::One(_)), "nothing passes that was not reserved");
            count.settle(reserved, used);
            passed += u32::from(allowed);
            // Now and then a node is stopped and started anew.
            if turn % 50 == 49 {
                given -= count.surrender(ClientNumber(1), now).map_or(0, |unused| unused.requests);
                *count = Count::default();
            }
        }
        assert_eq!(passed, limit, "and in the end the whole limit was used");
    }
}
