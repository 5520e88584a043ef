//! The composition root: the one place where store, keys, catalog and use cases are put together.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use gatepost_catalog::Catalog;
use gatepost_core::{Gatepost, Parts, Settings};
use gatepost_keys::Keyring;
use gatepost_model::network::Networks;
use gatepost_model::{ClientNumber, Clock, Random, SystemClock, SystemRandom};
use gatepost_store::handover::{Handed, Handover, handover};
use gatepost_store::tables::clients;
use gatepost_store::{Location, Store, StoreError, StoreOptions};
use gatepost_webhook::target::Target;

use crate::config::Config;
use crate::data_folder::DataFolder;
use crate::key_file;

/// Fresh deliveries beyond this wait in the table only: enough that the senders never run dry, little enough that slow
/// receivers do not fill the memory.
const MOST_IN_MEMORY: usize = 4_096;

/// Where time and randomness come from.
#[derive(Clone)]
pub struct Sources {
    /// Where the present comes from.
    pub clock: Arc<dyn Clock>,
    /// Where random bytes come from.
    pub random: Arc<dyn Random>,
}

impl Sources {
    /// The machine's own.
    #[must_use]
    pub fn of_the_machine() -> Self {
        Self { clock: Arc::new(SystemClock::default()), random: Arc::new(SystemRandom) }
    }
}

/// What is to be done with the tables when a deployment is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tables {
    /// They are brought to the form that this release needs.
    Migrate,
    /// They are left as they are, for a look at them. No use case but the store's own can be relied on then.
    Leave,
}

/// A deployment that was opened.
pub struct Deployment {
    /// Its use cases.
    pub gatepost: Arc<Gatepost>,
    /// Its keys.
    pub keyring: Arc<Keyring>,
    /// Where fresh deliveries come out, for the senders.
    pub handed: Handed,
}

/// Opens a deployment. The caller holds the data folder's lock.
///
/// # Errors
/// If the database cannot be opened or migrated, or there are no usable keys.
pub async fn open(
    config: &Config,
    folder: &DataFolder,
    sources: &Sources,
    public_url: String,
    tables: Tables,
) -> anyhow::Result<Deployment> {
    let Location::Sqlite(path) = &config.store.location;
    let store = Store::open(&config.store.location, store_options(config))
        .with_context(|| format!("the database \"{}\" cannot be opened", path.display()))?;
    let keyring = match tables {
        Tables::Migrate => {
            store.migrate().await?;
            let has_clients = has_clients(&store).await?;
            key_file::load_or_create(&folder.keys_path(), has_clients, &*sources.random)?
        }
        // Looking at the tables takes no keys, and whether clients need lost ones cannot be told yet.
        Tables::Leave => Keyring::generate(&*sources.random),
    };
    let keyring = Arc::new(keyring);
    let (handover, handed) = handover(MOST_IN_MEMORY);
    let gatepost = compose(config, store, Arc::clone(&keyring), (handover, sources), public_url);
    Ok(Deployment { gatepost: Arc::new(gatepost), keyring, handed })
}

fn compose(
    config: &Config,
    store: Store,
    keyring: Arc<Keyring>,
    (handover, sources): (Handover, &Sources),
    public_url: String,
) -> Gatepost {
    Gatepost::new(Parts {
        store,
        keyring,
        catalog: Arc::new(Catalog::builtin()),
        clock: Arc::clone(&sources.clock),
        random: Arc::clone(&sources.random),
        settings: Settings {
            public_url,
            requests_per_hour: config.rate_limit.requests_per_hour,
            cached_clients: to_usize(config.store.cached_clients),
            webhook_networks: config.webhooks.allow_networks.clone(),
            lease: config.webhooks.lease,
            most_webhook_urls: to_usize(config.webhooks.urls_per_client),
        },
        handover,
        vet_url,
    })
}

fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        readers: to_usize(config.store.readers),
        point_readers: to_usize(config.server.threads),
        read_deadline: config.store.read_deadline,
        writer_cache_kib: config.store.writer_cache_kib,
        reader_cache_kib: config.store.reader_cache_kib,
        ..StoreOptions::default()
    }
}

async fn has_clients(store: &Store) -> Result<bool, StoreError> {
    let first = store.read(|tx| clients::list(tx, ClientNumber(0), 1)).await?;
    Ok(!first.is_empty())
}

/// The same judgement when a URL is saved as when it is sent to.
fn vet_url(url: &str, opened: &Networks) -> Result<(), String> {
    Target::parse(url, opened).map(drop).map_err(|error| error.to_string())
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A file of the deployment as a text that leads there from everywhere.
#[must_use]
pub fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
