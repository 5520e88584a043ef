//! What the operator chose, as far as the use cases ask.

use std::time::Duration;

use gatepost_keys::Plain;
use gatepost_model::network::Networks;
use gatepost_model::retry::RetrySchedule;

use crate::retention::Retention;

/// Where the manager's pages are, below the public URL (contract A5).
pub const MANAGER: &str = "/settings/api-manager";

/// See the default configuration file for what each is about.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer, and the start of every link: scheme, host and port, without a slash at the end.
    pub public_url: String,
    /// Requests per hour of a client that has no limit of its own.
    pub requests_per_hour: u32,
    /// How many clients are kept in memory.
    pub cached_clients: usize,
    /// Networks that webhooks may reach although they are not public.
    pub webhook_networks: Networks,
    /// When failed deliveries are tried again.
    pub retry_schedule: RetrySchedule,
    /// How long a fresh delivery that is handed over in memory is this node's: longer than one try takes.
    pub lease: Duration,
    /// How long this node trusts what it has in memory of clients without word from a shared store.
    pub feed_bound: Duration,
    /// How long what grows is kept.
    pub retention: Retention,
    /// How many webhook URLs one client may have.
    pub most_webhook_urls: usize,
}

impl Settings {
    /// The link with which somebody who was invited joins.
    #[must_use]
    pub fn invitation_link(&self, token: &Plain) -> String {
        format!("{}{MANAGER}/invitation/{}", self.public_url, token.expose())
    }

    /// The link with which somebody sets a new password.
    #[must_use]
    pub fn password_link(&self, token: &Plain) -> String {
        format!("{}{MANAGER}/password/{}", self.public_url, token.expose())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: String::from("http://127.0.0.1:8080"),
            requests_per_hour: 1000,
            cached_clients: 100_000,
            webhook_networks: Networks::default(),
            retry_schedule: RetrySchedule::default(),
            lease: Duration::from_secs(60),
            feed_bound: Duration::from_secs(2),
            retention: Retention::default(),
            most_webhook_urls: 20,
        }
    }
}
