//! Limits that are kept in memory: requests per client, and failed attempts at the token endpoint.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatepost_model::limit::Window;
use gatepost_model::{ApiClient, ClientNumber, Timestamp};
use quick_cache::sync::Cache;

/// How many clients' windows, and how many sources of failed attempts, are kept.
const MOST_TRACKED: usize = 100_000;

/// Requests per client and hour.
pub struct RateLimits {
    default: u32,
    windows: Cache<ClientNumber, Arc<Mutex<Window>>>,
}

impl RateLimits {
    /// Limits for clients without one of their own.
    #[must_use]
    pub fn new(default: u32) -> Self {
        Self { default, windows: Cache::new(MOST_TRACKED) }
    }

    /// The client's limit: its own, or the deployment's.
    #[must_use]
    pub fn limit(&self, client: &ApiClient) -> u32 {
        client.rate_limit.unwrap_or(self.default)
    }

    /// Works on the client's window.
    pub fn with_window<T>(&self, client: ClientNumber, work: impl FnOnce(&mut Window) -> T) -> T {
        let Ok(window) = self.windows.get_or_insert_with(&client, || Ok::<_, Infallible>(Arc::default()));
        work(&mut window.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Failed attempts at the token endpoint: by address, and by address and client (security.md T20, T21).
///
/// Nothing is counted against a client as such, so nobody can lock it out from elsewhere.
pub struct FailedAttempts {
    sources: Cache<Source, Arc<Mutex<Failures>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    Address(IpAddr),
    AddressAndClient(IpAddr, String),
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    started: Timestamp,
    count: u32,
}

const FAILURE_WINDOW: Duration = Duration::from_secs(60);
const MOST_PER_CLIENT: u32 = 20;
const MOST_PER_ADDRESS: u32 = 100;

impl Default for FailedAttempts {
    fn default() -> Self {
        Self { sources: Cache::new(MOST_TRACKED) }
    }
}

impl FailedAttempts {
    /// How long `address` has to wait before it may try `client_id` again, if it has to.
    #[must_use]
    pub fn wait(&self, address: IpAddr, client_id: &str, now: Timestamp) -> Option<Duration> {
        let of = |source: &Source, most: u32| {
            let failures = *self.sources.get(source)?.lock().unwrap_or_else(PoisonError::into_inner);
            let end = failures.started.plus(FAILURE_WINDOW);
            (failures.count >= most && now < end).then(|| end.since(now))
        };
        let address = network_of(address);
        let by_address = of(&Source::Address(address), MOST_PER_ADDRESS);
        let by_client = of(&Source::AddressAndClient(address, client_id.to_owned()), MOST_PER_CLIENT);
        by_address.max(by_client)
    }

    /// Counts a failure.
    pub fn note(&self, address: IpAddr, client_id: &str, now: Timestamp) {
        let address = network_of(address);
        // An id that no client can have is not worth a place of its own.
        let client_id: String = client_id.chars().take(50).collect();
        for source in [Source::Address(address), Source::AddressAndClient(address, client_id)] {
            let Ok(entry) = self.sources.get_or_insert_with(&source, || Ok::<_, Infallible>(Arc::default()));
            let mut failures = entry.lock().unwrap_or_else(PoisonError::into_inner);
            if now >= failures.started.plus(FAILURE_WINDOW) {
                *failures = Failures { started: now, count: 0 };
            }
            failures.count = failures.count.saturating_add(1);
        }
    }
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
        let failed = FailedAttempts::default();
        let (attacker, owner) = (IpAddr::from([203, 0, 113, 9]), IpAddr::from([198, 51, 100, 1]));
        let now = Timestamp::from_seconds(1_000);
        for _ in 0..300 {
            failed.note(attacker, "gpc_a", now);
        }
        assert!(failed.wait(attacker, "gpc_a", now).is_some());
        assert!(failed.wait(owner, "gpc_a", now).is_none());
        assert!(failed.wait(attacker, "gpc_a", now.plus(FAILURE_WINDOW)).is_none());
    }

    #[test]
    fn t21_spraying_over_clients_trips_the_address() {
        let failed = FailedAttempts::default();
        let attacker = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 9]);
        let neighbour = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 10]);
        let now = Timestamp::from_seconds(1_000);
        for n in 0..100 {
            assert!(failed.wait(attacker, "gpc_x", now).is_none());
            failed.note(attacker, &format!("gpc_{n}"), now);
        }
        assert!(failed.wait(neighbour, "gpc_new", now).is_some());
    }
}
