//! The use cases: what can be done with API clients, tokens, records and deliveries.
//!
//! [`Gatepost`] holds what they all need. Each module adds the functions of one subject to it; the JSON API, the pages
//! and the command line only call them. A use case takes who asks ([`Actor`]) where it changes something, does all its
//! writing in one transaction, and leaves an audit entry there if it is about management.

pub mod access;
pub mod account_sessions;
pub mod actor;
pub mod admin_tokens;
mod allowance;
pub mod attempts;
pub mod audit;
pub mod audit_search;
pub mod backlog;
pub mod calls;
pub mod client_list;
mod client_search;
pub mod clients;
pub mod counts;
pub mod custom_headers;
pub mod deliveries;
pub mod delivery_log;
pub mod differences;
pub mod directory;
pub mod error;
pub mod event_feed;
mod failing_urls;
pub mod gate;
pub mod history;
pub mod impact;
pub mod invitations;
pub mod journal;
pub mod limits;
pub mod memberships;
pub mod notices;
pub mod password_links;
pub mod passwords;
pub mod people;
pub mod reconciliation;
pub mod records;
pub mod replays;
pub mod request_log;
pub mod requests;
pub mod retention;
pub mod reveal;
pub mod samples;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod signing_keys;
pub mod standing;
pub mod test_send;
pub mod tokens;
pub mod totp;
pub mod view;
pub mod webhook_urls;
pub mod workspaces;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use gatepost_catalog::Catalog;
use gatepost_keys::Keyring;
use gatepost_model::network::Networks;
use gatepost_model::{ApiClient, ClientNumber, Clock, Random, Timestamp};
use gatepost_store::Store;
use gatepost_store::handover::Handover;

pub use actor::Actor;
pub use error::Error;
pub use gatepost_store::migrations::{MigrationState, MigrationStatus};
pub use gatepost_store::tables::Page;
pub use settings::Settings;

use crate::allowance::Allowance;
use crate::attempts::Attempts;
use crate::calls::Calls;
use crate::counts::Counts;
use crate::directory::Directory;
use crate::event_feed::Waiting;
use crate::journal::Journal;
use crate::limits::{FailedAttempts, FailureBounds, RateLimits};
use crate::passwords::Passwords;
use crate::records::EventOrder;
use crate::test_send::TestSends;

/// One deployment's use cases, with all that they need.
pub struct Gatepost {
    pub(crate) store: Store,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) settings: Settings,
    pub(crate) directory: Arc<Directory>,
    pub(crate) limits: RateLimits,
    pub(crate) failed: FailedAttempts,
    pub(crate) failed_passwords: FailedAttempts,
    pub(crate) failed_codes: FailedAttempts,
    pub(crate) failed_links: FailedAttempts,
    /// What was refused to whom: a few of them leave an audit entry.
    pub(crate) refused: FailedAttempts,
    pub(crate) failed_admin_calls: FailedAttempts,
    pub(crate) admin_calls: Allowance,
    pub(crate) passwords: Passwords,
    pub(crate) journal: Journal,
    pub(crate) calls: Calls,
    pub(crate) attempts: Attempts,
    pub(crate) counts: Counts,
    /// Shared with what follows a commit, for which its caller may no longer be there.
    pub(crate) handover: Arc<Handover>,
    pub(crate) event_order: Arc<EventOrder>,
    /// Shared as the hand-over is.
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) replays_running: AtomicU64,
    pub(crate) vet_url: VetUrl,
    pub(crate) test_sends: TestSends,
}

/// Says why a URL cannot get webhooks, given the networks that the operator opened. The guard itself belongs to the
/// delivery engine; saving a URL asks it the same question that sending will.
pub type VetUrl = fn(&str, &Networks) -> Result<(), String>;

/// What a deployment is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// The deployment's keys.
    pub keyring: Arc<Keyring>,
    /// The entity types.
    pub catalog: Arc<Catalog>,
    /// Where the present comes from.
    pub clock: Arc<dyn Clock>,
    /// Where random bytes come from.
    pub random: Arc<dyn Random>,
    /// What the operator chose.
    pub settings: Settings,
    /// Where fresh deliveries go after their commit.
    pub handover: Handover,
    /// Judges URLs that are to get webhooks.
    pub vet_url: VetUrl,
}

impl Gatepost {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let directory = Arc::new(Directory::new(parts.settings.cached_clients));
        let forget = Arc::clone(&directory);
        parts.store.subscribe(move |changes| forget.forget(changes));
        Self {
            limits: RateLimits::new(parts.settings.requests_per_hour, parts.store.is_shared()),
            failed: FailedAttempts::new(FailureBounds::TOKENS),
            failed_passwords: FailedAttempts::new(FailureBounds::PASSWORDS),
            failed_codes: FailedAttempts::new(FailureBounds::CODES),
            failed_links: FailedAttempts::new(FailureBounds::LINKS),
            refused: FailedAttempts::new(FailureBounds::LINKS),
            failed_admin_calls: FailedAttempts::new(FailureBounds::TOKENS),
            admin_calls: Allowance::new(admin_tokens::MOST_CALLS, Duration::from_secs(60)),
            passwords: Passwords::default(),
            journal: Journal::default(),
            calls: Calls::default(),
            attempts: Attempts::default(),
            counts: Counts::default(),
            directory,
            store: parts.store,
            keyring: parts.keyring,
            catalog: parts.catalog,
            clock: parts.clock,
            random: parts.random,
            settings: parts.settings,
            handover: Arc::new(parts.handover),
            event_order: Arc::default(),
            waiting: Arc::default(),
            replays_running: AtomicU64::default(),
            vet_url: parts.vet_url,
            test_sends: TestSends::default(),
        }
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The entity types.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// What the operator chose.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The store, for what is about the store itself: status, backup, metrics.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What was counted since this node started.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many deliveries this node has in memory: waiting for their turn, on the wire, or to be recorded.
    #[must_use]
    pub fn deliveries_in_memory(&self) -> usize {
        self.handover.held()
    }

    /// Whether requests can be served: the store answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn is_ready(&self) -> Result<(), Error> {
        self.list_workspaces().await.map(drop)
    }

    /// The client with this number, as it is in force now: from memory, as long as this node hears what others change.
    ///
    /// # Errors
    /// [`Error::Behind`] if it has not heard for too long (a revocation could be missed), or if the store fails.
    pub(crate) async fn lookup_client(&self, number: ClientNumber) -> Result<Option<Arc<ApiClient>>, Error> {
        self.check_feed()?;
        Ok(self.directory.lookup(&self.store, number).await?)
    }

    /// Gives back what this node took of clients' rate limits in advance, because it stops.
    ///
    /// # Errors
    /// If the store fails: other nodes cannot use these parts until the windows end, at most an hour later.
    pub async fn give_back_limits(&self) -> Result<(), Error> {
        self.limits.give_back(&self.store, self.now()).await.map_err(Error::Store)
    }

    /// Whether what this node has in memory may be trusted.
    pub(crate) fn check_feed(&self) -> Result<(), Error> {
        match self.store.feed_lag() {
            Some(lag) if lag > self.settings.feed_bound => Err(Error::Behind),
            _ => Ok(()),
        }
    }

    /// The source of randomness.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        &*self.random
    }
}
